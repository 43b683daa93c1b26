"""A torch network watched while it runs, and written down as a program of layers."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from blurdash.embed.convolution import one_by_one
from blurdash.embed.program import FloatArray, Layer, Program, Shown
from blurdash.errors import SettingError

__all__ = ["program_of"]

MOST_BUFFERS = 64
_watching = threading.Lock()
CHANNELS_AT_ONCE = 8  # wasm/network.c writes so many of a convolution's at a time


class _Value(NamedTuple):
    """What a node gives: the result of a step, its side and its channels."""

    step: int
    side: int
    channels: int


def program_of(network: nn.Module, shown: Shown, **said: Any) -> Program:
    """Returns a network as a program.

    Args:
        network: In eval mode; takes float32 ``(1, 3, side, side)``, gives ``(1, dim)``.
        shown: How a crop becomes its input.
        said: What else the program's header says.

    Raises:
        SettingError: It does something that no layer does.
    """
    from torch.fx.experimental.proxy_tensor import make_fx  # a second, which few need

    there = next(network.parameters()).device
    picture = torch.zeros(1, 3, shown.side, shown.side, device=there)
    with torch.no_grad(), one_by_one(), _watching:
        graph = make_fx(network)(picture)
    watched = _Watched(graph, shown)
    for node in graph.graph.nodes:
        watched.take(node)
    layers = _with_buffers(watched.steps, watched.result.step)
    return Program(tuple(layers), shown, watched.result.channels, said)


class _Watched:
    """The steps so far; sources and targets are numbers of steps until buffers are given out."""

    def __init__(self, graph: torch.fx.GraphModule, shown: Shown) -> None:
        self.graph = graph
        self.shown = shown
        self.steps: list[Layer] = []
        self.known: dict[torch.fx.Node, Any] = {}
        self.result = _Value(-1, 0, 0)

    def take(self, node: torch.fx.Node) -> None:
        """Writes down what one node does."""
        if node.op == "placeholder":
            self.known[node] = self._input()
        elif node.op == "get_attr":
            self.known[node] = getattr(self.graph, str(node.target)).detach().cpu()
        elif node.op == "output":
            (out,) = node.args
            self.result = self.known[out]
        else:
            name = "getitem" if node.target is operator.getitem else str(node.target)
            does = _DOES.get(name.removeprefix("aten.").rpartition(".")[0] or name)
            if does is None:
                raise SettingError(
                    f"the network uses {name}, which no layer does",
                    hint="have the server compute its embeddings",
                )
            arguments = torch.fx.map_arg(node.args, lambda one: self.known.get(one, one))
            self.known[node] = does(self, node, *arguments)

    def _input(self) -> _Value:
        side = self.shown.side
        numbers = np.array([*self.shown.minus, *[1 / self.shown.divided_by] * 3], np.float32)
        swapped = int(self.shown.bgr)
        layer = Layer("input", -1, 0, side, side, 3, 3, channel=swapped, biases=numbers)
        return self._step(layer)

    def _step(self, layer: Layer) -> _Value:
        layer.target = len(self.steps)
        self.steps.append(layer)
        return _Value(layer.target, layer.side_out, layer.channels_out)

    def _like(self, kind: str, source: _Value, **more: Any) -> _Value:
        known = {"side_out": source.side, "channels_out": source.channels} | more
        return self._step(
            Layer(kind, source.step, 0, source.side, channels_in=source.channels, **known)
        )

    # ---- what the nodes do ----

    def _less(self, _node: torch.fx.Node, x: _Value, by: torch.Tensor) -> _Value:
        numbers = self._numbers_of_input(x)
        numbers[:3] += np.broadcast_to(by.numpy().ravel(), 3) / numbers[3:]
        return x

    def _divided(self, _node: torch.fx.Node, x: _Value, by: Any) -> _Value:
        if isinstance(by, _Value):  # by its own length: see _length
            return self._like("normalise", x)
        numbers = self._numbers_of_input(x)
        numbers[3:] /= np.float32(by)
        return x

    def _numbers_of_input(self, x: _Value) -> FloatArray:
        layer = self.steps[x.step]
        if layer.kind != "input" or layer.biases is None:
            raise _unknown("something taken off a layer's result")
        return layer.biases

    def _convolved(self, _node: torch.fx.Node, x: _Value, *how: Any) -> _Value:
        weight, bias, stride, padding, dilation, _, _, groups = how
        out, inner, high, wide = weight.shape
        alone = groups == x.channels and inner == 1 and out == groups
        if stride[0] != stride[1] or set(dilation) != {1} or not (groups == 1 or alone):
            raise _unknown(f"a convolution of {groups} groups, steps {stride}")
        if out % CHANNELS_AT_ONCE or bias is None:
            raise _unknown(f"a convolution that gives {out} channels")
        sides = [
            (x.side + 2 * zeros - length) // stride[0] + 1
            for zeros, length in zip(padding, (high, wide), strict=True)
        ]
        if sides[0] != sides[1]:
            raise _unknown(f"a picture of {sides[0]} by {sides[1]} px")
        order = (2, 3, 1, 0)  # (height, width, in, out)
        return self._like(
            "convolve",
            x,
            side_out=sides[0],
            channels_out=out,
            window=(high, wide),
            step=stride[0],
            zeros=tuple(padding),
            alone=alone,
            weights=np.ascontiguousarray(weight.permute(order).numpy(), np.float32),
            biases=bias.numpy().astype(np.float32),
        )

    def _clipped(
        self, node: torch.fx.Node, x: _Value, least: float = 0.0, most: float = math.inf
    ) -> _Value:
        layer = self.steps[x.step]
        if layer.clip != (-math.inf, math.inf) or layer.kind not in ("convolve", "add", "dense"):
            raise _unknown(f"the result of {layer.kind} clipped")
        (source, *_) = node.args
        if isinstance(source, torch.fx.Node) and len(source.users) > 1:
            raise _unknown("a result that is used clipped and not clipped")
        layer.clip = (float(least), float(most))
        return x

    def _sum(self, node: torch.fx.Node, x: _Value, y: _Value) -> _Value:
        if x[1:] != y[1:]:
            raise _unknown("a sum of pictures of different size")
        for one, other, place in ((x, y, 0), (y, x, 1)):
            layer = self.steps[one.step]
            free = layer.kind == "convolve" and layer.plus < 0
            source = node.args[place]
            alone = isinstance(source, torch.fx.Node) and len(source.users) == 1
            if free and alone and layer.clip == (-math.inf, math.inf) and other.step < one.step:
                layer.plus = other.step
                return one
        return self._like("add", x, plus=y.step)

    def _pooled(self, kind: str) -> Any:
        def does(
            _node: torch.fx.Node, x: _Value, window: list[int], step: list[int] | None = None
        ) -> _Value:
            step = step or window
            if len({*window}) != 1 or len({*step}) != 1:
                raise _unknown(f"a pool of {window}, steps {step}")
            side = (x.side - window[0]) // step[0] + 1
            return self._like(kind, x, side_out=side, window=(window[0], window[0]), step=step[0])

        return does

    def _greatest(self, node: torch.fx.Node, x: _Value, *how: Any) -> tuple[_Value]:
        return (self._pooled("max pool")(node, x, *how),)

    def _means(self, node: torch.fx.Node, x: _Value, *how: Any) -> _Value:
        return self._pooled("mean pool")(node, x, *how)  # type: ignore[no-any-return]

    def _mean(self, node: torch.fx.Node, x: _Value, axes: list[int], *_: Any) -> _Value:
        if sorted(axis % 4 for axis in axes) != [2, 3]:
            raise _unknown(f"a mean over {axes}")
        return self._means(node, x, [x.side, x.side])

    def _beside(self, _node: torch.fx.Node, parts: list[_Value], axis: int = 0) -> _Value:
        if axis != 1 or len({part.side for part in parts}) != 1:
            raise _unknown(f"pictures put together along {axis}")
        channels, at = sum(part.channels for part in parts), 0
        target = None
        for part in parts:
            made = self._like("copy", part, channels_out=channels, channel=at)
            self._same_target(made, target)
            target = target or made
            at += part.channels
        return target or parts[0]

    def _same_target(self, made: _Value, first: _Value | None) -> None:
        if first is not None:
            self.steps[made.step].target = first.step

    def _filled(self, _node: torch.fx.Node, x: _Value, edges: list[int], *_: Any) -> _Value:
        before, after = [*edges[::2], 0, 0, 0][:3], [*edges[1::2], 0, 0, 0][:3]
        if any(before) or after[0] != after[1]:
            raise _unknown(f"zeros around a picture: {edges}")
        return self._like("copy", x, side_out=x.side + after[0], channels_out=x.channels + after[2])

    def _multiplied(self, _node: torch.fx.Node, x: _Value, weight: torch.Tensor) -> _Value:
        return self._like(
            "dense",
            x,
            channels_out=weight.shape[1],
            weights=np.ascontiguousarray(weight.numpy(), np.float32),
        )

    def _batch_norm(self, _node: torch.fx.Node, x: _Value, *how: Any) -> tuple[_Value]:
        """Folded into the dense layer in front of it."""
        gain, offset, mean, variance, _, _, epsilon = how
        layer = self.steps[x.step]
        if layer.kind != "dense" or layer.weights is None or layer.biases is not None:
            raise _unknown(f"a batch norm behind {layer.kind}")
        factor = (gain / torch.sqrt(variance + epsilon)).numpy()
        layer.weights = (layer.weights * factor).astype(np.float32)
        layer.biases = (offset.numpy() - mean.numpy() * factor).astype(np.float32)
        return (x,)

    def _length(self, _node: torch.fx.Node, x: _Value, power: float, *_: Any) -> _Value:
        if power != 2 or x.side != 1:
            raise _unknown(f"a norm of power {power}")
        return x

    def _same(self, _node: torch.fx.Node, x: Any, *_: Any) -> Any:
        return x

    def _turned(self, _node: torch.fx.Node, x: torch.Tensor) -> torch.Tensor:
        return x.t()

    def _part(self, _node: torch.fx.Node, parts: Any, place: int) -> Any:
        return parts[place] if place < len(parts) else None

    def _nothing(self, *_: Any) -> None:
        return None


def _unknown(what: str) -> SettingError:
    return SettingError(
        f"the network has {what}, which no layer does",
        hint="have the server compute its embeddings",
    )


# Torch's operators, without what follows the point.
_DOES: dict[str, Callable[..., Any]] = {
    "sub": _Watched._less,
    "div": _Watched._divided,
    "convolution": _Watched._convolved,
    "relu": _Watched._clipped,
    "relu_": _Watched._clipped,
    "clamp": _Watched._clipped,
    "clamp_": _Watched._clipped,
    "hardtanh": _Watched._clipped,
    "hardtanh_": _Watched._clipped,
    "add": _Watched._sum,
    "add_": _Watched._sum,
    "max_pool2d_with_indices": _Watched._greatest,
    "avg_pool2d": _Watched._means,
    "mean": _Watched._mean,
    "cat": _Watched._beside,
    "constant_pad_nd": _Watched._filled,
    "mm": _Watched._multiplied,
    "native_batch_norm": _Watched._batch_norm,
    "linalg_vector_norm": _Watched._length,
    "clamp_min": _Watched._same,
    "expand": _Watched._same,
    "view": _Watched._same,
    "as_strided_": _Watched._same,
    "t": _Watched._turned,
    "empty": _Watched._nothing,
    "getitem": _Watched._part,
}


def _with_buffers(steps: list[Layer], result: int) -> list[Layer]:
    """Gives each step's result a buffer that nobody needs any more."""
    last = {step.target: place for place, step in enumerate(steps)}
    for place, step in enumerate(steps):
        for one in (step.source, step.plus):
            last[one] = place
    last[result] = len(steps)
    given: dict[int, int] = {}
    for place, step in enumerate(steps):
        source, plus = given.get(step.source, -1), given.get(step.plus, -1)
        if step.target not in given:
            used = {buffer for value, buffer in given.items() if last[value] >= place}
            free = next((one for one in range(MOST_BUFFERS) if one not in used), None)
            if free is None:
                raise _unknown("too many results that are needed at once")
            given[step.target] = free
        step.source, step.plus, step.target = source, plus, given[step.target]
    return steps
