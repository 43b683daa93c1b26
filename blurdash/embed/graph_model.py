"""TensorFlow.js graph models, built in torch: a chain of convolutions up to a pooled embedding.

Conventions:
    A model is two files: a JSON of nodes and of where each tensor lies, and the tensors themselves.
    Only what stands on the way from the input to one node is read; heads behind it are not.
    What multiplies or adds a value per channel is folded into the convolution in front of it.

References:
    TensorFlow.js, ``tfjs-converter``: a model in the layout ``modelTopology`` and
    ``weightsManifest``.

Known limits:
    Convolutions (also depthwise), what is merged into them, clipping from below and above, and the
    mean over the picture at the end. Anything else is an error that names it.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from blurdash.embed.convolution import convolve
from blurdash.errors import WeightsError
from blurdash.words import quoted

__all__ = ["ChainNetwork", "read_graph_model"]

FloatArray = npt.NDArray[np.float32]

# Bytes of a number as it is stored; a quantised one has another type than its tensor.
STORED: Mapping[str, str] = {"float32": "<f4", "float16": "<f2", "int32": "<i4"}
MOST_NODES = 10_000
MOST_SIDE = 4096  # px
STRIDES = range(1, 9)
SIDES = [1, 2]  # the axes of a picture (N, H, W, C) that the last node averages over


@dataclass
class _Layer:
    """A convolution and what is done to its result."""

    weight: FloatArray  # (out, in / groups, height, width)
    bias: FloatArray
    stride: int
    groups: int
    low: float = -math.inf
    high: float = math.inf

    @property
    def clips(self) -> bool:
        return math.isfinite(self.low) or math.isfinite(self.high)


class ChainNetwork(nn.Module):
    """Convolutions one after another, each clipped, and the mean over the picture.

    Args:
        layers: In the order of the input's way.
        side: Height and width of the input, px.
    """

    def __init__(self, layers: list[_Layer], side: int) -> None:
        super().__init__()
        self.side = side
        self.dim = len(layers[-1].bias)
        self._how = [(one.stride, one.groups, one.low, one.high) for one in layers]
        self.weights = nn.ParameterList(_fixed(one.weight) for one in layers)
        self.biases = nn.ParameterList(_fixed(one.bias) for one in layers)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the embeddings of pictures.

        Args:
            x: float32 ``(N, 3, side, side)``, as the model wants its values.

        Returns:
            float32 ``(N, dim)``.
        """
        for weight, bias, (stride, groups, low, high) in zip(
            self.weights, self.biases, self._how, strict=True
        ):
            x, padding = _padded_same(x, weight, stride)
            clip = (low, high)
            x = convolve(x, weight, bias, (stride, stride), padding, groups, clip=clip)
        return x.mean((2, 3))


def _fixed(values: FloatArray) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(np.ascontiguousarray(values)), requires_grad=False)


def _padded_same(x: Tensor, weight: Tensor, stride: int) -> tuple[Tensor, tuple[int, int]]:
    """A picture and the zeros that the convolution is to put around it, as TensorFlow's ``SAME``.

    An odd zero comes after the end, which the convolution cannot do: then all are there already.
    """
    height, width = (
        max((-(-x.shape[axis] // stride) - 1) * stride + weight.shape[axis] - x.shape[axis], 0)
        for axis in (2, 3)
    )
    if height % 2 or width % 2:
        edges = (width // 2, width - width // 2, height // 2, height - height // 2)
        return F.pad(x, edges), (0, 0)
    return x, (height // 2, width // 2)


def read_graph_model(description: Path, values: Path, output: str) -> ChainNetwork:
    """Returns the network that a graph model holds up to one of its nodes.

    Args:
        description: The JSON file.
        values: The file with the tensors.
        output: The node whose result is the embedding.

    Raises:
        WeightsError: The files are not such a model, contradict one another, or use an operation
            that is not understood.
    """
    try:
        known = json.loads(description.read_bytes())
        blob = values.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the model {quoted(description.name)} cannot be read ({error.strerror})",
            hint="give both files of the model, side by side",
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(description, "it is no JSON") from error
    try:
        return _chain(_Graph(known, blob), output)
    except _UNREADABLE as error:
        raise _damaged(description, f"{error}" or type(error).__name__) from error


# What a description of another shape than expected can raise.
_UNREADABLE = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)


def _damaged(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"{quoted(path.name)} and what lies beside it are not the expected model ({reason[:120]})",
        hint="move both files away, and they are downloaded anew",
    )


class _Graph:
    """The nodes of a model by name, and its tensors."""

    def __init__(self, known: Mapping[str, Any], blob: bytes) -> None:
        nodes = known["modelTopology"]["node"]
        if len(nodes) > MOST_NODES:
            raise ValueError(f"{len(nodes):,} nodes")
        self.nodes: dict[str, Mapping[str, Any]] = {str(node["name"]): node for node in nodes}
        self._blob = blob
        self._places = dict(_places(known["weightsManifest"]))
        end = max((start + length for start, length, _, _ in self._places.values()), default=0)
        if end != len(blob):
            raise ValueError(f"{len(blob):,} bytes of numbers, wanted {end:,}")

    def is_constant(self, name: str) -> bool:
        return name in self._places

    def tensor(self, name: str) -> FloatArray:
        """A tensor's values, float32."""
        start, length, stored, shape = self._places[name]
        found = np.frombuffer(self._blob[start : start + length], stored).reshape(shape)
        values = np.asarray(found, np.float32)
        if not np.isfinite(values).all():
            raise ValueError(f"{name} has numbers that are not finite")
        return values

    def way_to(self, output: str) -> list[Mapping[str, Any]]:
        """The nodes from the input to one of them, each with one input that is no constant."""
        way, name = [self.nodes[output]], output
        while self.nodes[name]["op"] != "Placeholder":
            inputs = [one for one in self.nodes[name]["input"] if not self.is_constant(one)]
            if len(inputs) != 1 or len(way) > len(self.nodes):
                raise ValueError(f"{name} has {len(inputs)} inputs")
            name = inputs[0]
            way.append(self.nodes[name])
        way.reverse()
        return way

    def constant_of(self, node: Mapping[str, Any]) -> FloatArray:
        """The tensor that a node works with."""
        (name,) = [one for one in node["input"] if self.is_constant(one)]
        return self.tensor(name)


def _places(manifest: Any) -> Iterator[tuple[str, tuple[int, int, str, tuple[int, ...]]]]:
    """Where each tensor lies: first byte, bytes, type as numpy calls it, shape."""
    start = 0
    for group in manifest:
        for one in group["weights"]:
            stored = STORED[one.get("quantization", one)["dtype"]]
            shape = tuple(int(size) for size in one["shape"])
            if any(size < 0 for size in shape):
                raise ValueError(f"{one['name']} has shape {shape}")
            length = math.prod(shape) * np.dtype(stored).itemsize
            yield str(one["name"]), (start, length, stored, shape)
            start += length


def _chain(graph: _Graph, output: str) -> ChainNetwork:
    first, *way, last = graph.way_to(output)
    sides = [int(one["size"]) for one in first["attr"]["shape"]["shape"]["dim"]][1:]
    if len(sides) != 3 or sides[0] != sides[1] or sides[2] != 3 or not 0 < sides[0] <= MOST_SIDE:
        raise ValueError(f"the input is {sides}")
    if last["op"] != "Mean" or graph.constant_of(last).ravel().tolist() != SIDES:
        raise ValueError(f"{output} is no mean over the picture")
    layers: list[_Layer] = []
    channels = 3
    for node in way:
        _take(graph, node, layers, channels)
        channels = len(layers[-1].bias)
    return ChainNetwork(layers, sides[0])


def _take(graph: _Graph, node: Mapping[str, Any], layers: list[_Layer], channels: int) -> None:
    """Adds one node to the layers: as a new one, or to what is done to the last one's result."""
    kind = str(node["op"])
    if kind in ("Conv2D", "DepthwiseConv2dNative"):
        layers.append(_convolution(graph, node, channels))
        return
    if kind not in ("Mul", "Add", "AddV2", "Relu", "Minimum", "Maximum"):
        raise ValueError(f"the operation {kind} is not understood")
    layer = layers[-1]
    if kind == "Relu":
        layer.low, layer.high = max(layer.low, 0.0), max(layer.high, 0.0)
        return
    value = graph.constant_of(node)
    if kind in ("Minimum", "Maximum"):
        bound = float(value.item())
        limit = min if kind == "Minimum" else max
        layer.low, layer.high = limit(layer.low, bound), limit(layer.high, bound)
        return
    if layer.clips or value.size not in (1, len(layer.bias)):
        raise ValueError(f"the operation {kind} at {node['name']} is not understood")
    if kind == "Mul":
        layer.weight = layer.weight * value.reshape(-1, 1, 1, 1)
        layer.bias = layer.bias * value.ravel()
    else:
        layer.bias = layer.bias + value.ravel()


def _convolution(graph: _Graph, node: Mapping[str, Any], channels: int) -> _Layer:
    attributes = node["attr"]
    strides = [int(one) for one in attributes["strides"]["list"]["i"]]
    dilations = [int(one) for one in attributes["dilations"]["list"]["i"]]
    said = {name: base64.b64decode(attributes[name]["s"]) for name in ("padding", "data_format")}
    if (
        said != {"padding": b"SAME", "data_format": b"NHWC"}
        or strides[1] != strides[2]
        or strides[1] not in STRIDES
        or any(one != 1 for one in dilations)
    ):
        raise ValueError(f"the convolution {node['name']} is of a kind that is not understood")
    kernel = graph.tensor(node["input"][1])  # (height, width, in, out), or (…, in, per channel)
    if kernel.ndim != 4 or kernel.shape[2] != channels:
        raise ValueError(f"the convolution {node['name']} has a kernel {kernel.shape}")
    depthwise = node["op"] == "DepthwiseConv2dNative"
    if depthwise and kernel.shape[3] != 1:
        raise ValueError(f"the convolution {node['name']} has a kernel {kernel.shape}")
    weight = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
    bias = np.zeros(weight.shape[0], np.float32)
    return _Layer(weight, bias, strides[1], channels if depthwise else 1)
