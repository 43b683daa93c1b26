"""A recogniser's network as a short program of layers, which a browser can run.

Conventions:
    The network is run once and watched; what it does to its input becomes layers: convolutions
    with what is added and clipped behind them, pools, sums, copies beside one another, a dense
    layer, and the way to unit length. Weights are kept in two bytes or three, see
    ``Program.packed``. Sums have another order than torch's. ``wasm/network.c`` in the repository
    runs it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from blurdash.errors import SettingError

__all__ = ["KINDS", "Layer", "Program", "Shown"]

FloatArray = npt.NDArray[np.float32]

KINDS = ("input", "convolve", "max pool", "mean pool", "add", "copy", "dense", "normalise")
MAGIC = b"BDN1"
LARGEST_HALF = 65504.0
# Up to here, three bytes a weight: they turn the fourth decimal of one cosine in 200, two bytes of
# one in 40, and are half as much again to send.
THREE_BYTES_UP_TO = 8_000_000


@dataclass(frozen=True)
class Shown:
    """How a crop becomes the input of a network.

    Attributes:
        side: Of the crop, px.
        bgr: Whether red and blue change places.
        minus: What is taken off each channel, in the order of the input.
        divided_by: What is left is divided by.
    """

    side: int
    bgr: bool = False
    minus: tuple[float, float, float] = (0.0, 0.0, 0.0)
    divided_by: float = 1.0


@dataclass
class Layer:
    """One step of a program; sides in px, channels and buffers counted from 0.

    Attributes:
        kind: One of ``KINDS``.
        source: Buffer that is read.
        target: Buffer that is written.
        plus: Buffer of what is added before clipping; −1: nothing.
        side_in: Of what is read.
        side_out: Of what is written; 1 for a row of numbers.
        channels_in: Of what is read.
        channels_out: Of what is written.
        window: Height and width of a kernel, or of a pool.
        step: Of a kernel or pool.
        zeros: Rows above, and columns before, that a convolution takes for zeros.
        alone: Whether each channel is convolved by itself.
        channel: Where a copy begins; of an input 1 where red and blue change places.
        clip: Least and greatest value of the result.
        weights: ``(height, width, in, out)`` or ``(in, out)``; None without.
        biases: ``(out,)``; of an input three offsets and three factors; None without.
    """

    kind: str
    source: int
    target: int
    side_in: int
    side_out: int
    channels_in: int
    channels_out: int
    plus: int = -1
    window: tuple[int, int] = (1, 1)
    step: int = 1
    zeros: tuple[int, int] = (0, 0)
    alone: bool = False
    channel: int = 0
    clip: tuple[float, float] = (-math.inf, math.inf)
    weights: FloatArray | None = None
    biases: FloatArray | None = None


@dataclass(frozen=True)
class Program:
    """A network as layers.

    Attributes:
        layers: In the order in which they run.
        shown: How a crop becomes its input.
        dim: Numbers in an embedding.
        said: What else its header says, such as whose it is.
    """

    layers: tuple[Layer, ...]
    shown: Shown
    dim: int
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def weight_count(self) -> int:
        """How many weights there are."""
        return sum(layer.weights.size for layer in self.layers if layer.weights is not None)

    @property
    def usual_bytes(self) -> int:
        """Bytes for each weight, where nobody asks for another number: 3, of large networks 2."""
        return 3 if self.weight_count <= THREE_BYTES_UP_TO else 2

    def with_weights(self, change: Callable[[FloatArray], FloatArray]) -> Program:
        """Returns the same program with every layer's weights put through a function."""
        layers = (
            layer
            if layer.weights is None
            else dataclasses.replace(layer, weights=change(layer.weights))
            for layer in self.layers
        )
        return dataclasses.replace(self, layers=tuple(layers))

    def packed(self, weight_bytes: int | None = None) -> bytes:
        """Returns it in one piece, as the page reads it.

        Conventions:
            Little-endian: ``BDN1``, length of the header, the header as JSON, filled up to 4 bytes;
            the biases as float32; then the weights, layer by layer, the first bytes of a layer's
            before the second ones. Of two bytes they are float16, of three the upper three of
            float32.

        Args:
            weight_bytes: 2 or 3; None: as ``usual_bytes``.

        Raises:
            SettingError: Another number, or weights that do not fit into two bytes.
        """
        size = self.usual_bytes if weight_bytes is None else weight_bytes
        words, biases, weights, taken = [], [], [], 0
        for layer in self.layers:
            words.append(_words(layer, taken))
            if layer.biases is not None:
                biases.append(layer.biases.astype("<f4").ravel())
                taken += layer.biases.size
            if layer.weights is not None:
                weights.append(as_bytes(layer.weights, size))
        header = {
            **self.said,
            "dim": self.dim,
            "side": self.shown.side,
            "bytes": size,
            "biases": taken,
            "layers": words,
        }
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        parts = [one.tobytes() for one in biases] + weights
        return b"".join([MAGIC, struct.pack("<I", len(text)), text, *parts])


def _words(layer: Layer, taken: int) -> list[float | None]:
    """A layer as ``wasm/network.c`` has it: whole numbers, then two that may be null (endless)."""
    whole = [
        KINDS.index(layer.kind),
        layer.source,
        layer.target,
        layer.plus,
        layer.side_in,
        layer.side_out,
        layer.channels_in,
        layer.channels_out,
        *layer.window,
        layer.step,
        *layer.zeros,
        int(layer.alone),
        layer.channel,
    ]
    bounds = [one if math.isfinite(one) else None for one in layer.clip]
    places = [
        -1 if layer.weights is None else layer.weights.size,
        -1 if layer.biases is None else taken,
    ]
    return [*whole, *bounds, *places]


def as_bytes(weights: FloatArray, size: int) -> bytes:
    """Returns weights in two bytes each (float16) or three (float32 without its lowest).

    The first bytes of all come first, which takes less to send.

    Raises:
        SettingError: Another size, or a weight that float16 cannot hold.

    Example:
        >>> as_bytes(np.array([1.0, -2.0], np.float32), 3).hex()
        '000080003fc0'
    """
    if size == 2:
        if np.abs(weights).max(initial=0) > LARGEST_HALF:
            raise SettingError("a weight is larger than two bytes hold", hint="use three")
        halves = np.ascontiguousarray(weights, "<f2").view(np.uint8)
        return bytes(halves.reshape(-1, 2).T.tobytes())
    if size != 3:
        raise SettingError(f"{size} bytes for a weight", hint="use 2 or 3")
    bits = np.ascontiguousarray(weights, "<f4").view("<u4").ravel().astype(np.uint64)
    nearest = np.minimum((bits + 0x80) >> 8, 0xFFFFFF).astype("<u4")
    return bytes(nearest.view(np.uint8).reshape(-1, 4)[:, :3].T.tobytes())
