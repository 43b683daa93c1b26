"""What stands in the TOML file beside an ONNX file: how a recogniser of one's own is fed.

Conventions:
    ``docs/own-recogniser.md`` says what each key means. Nothing here opens the network itself.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from blurdash.canvas import Picture
from blurdash.distance import DISTANCES
from blurdash.embed.base import Threshold
from blurdash.embed.crops import arcface_crop, area_resized, dlib_chip, native_crop, widened_crop
from blurdash.errors import WeightsError
from blurdash.face import Face
from blurdash.values import is_real, is_whole
from blurdash.words import listed, quoted

__all__ = ["CHANNELS", "OWN_CROPS", "Description", "OwnCrop", "description_file", "description_of"]

DOCUMENT = "docs/own-recogniser.md says what stands in it"
MOST_BYTES = 1 << 16
SMALLEST_SCALE = 1e-6
SMALLEST_SIDE, LARGEST_SIDE = 16, 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
# A label stands in pages and in messages: no sign that either would take for markup or a symbol.
LABEL = re.compile(r"[^\W_][\w .,;()/+&%'’–-]*")
TEXT = re.compile(r"[^\W_][\w .,:;()/+&%'’–-]*")

CHANNELS = ("rgb", "bgr")


class OwnCrop(NamedTuple):
    """What a network can be shown of a canvas.

    Attributes:
        cut: Function of canvas, face, side in px, and the crop's own number or None.
        number: The key of that number; empty where it has none.
        most: The largest that it may be.
        default: Where it is not given; None where the crop then is another one.
        uses_chip_points: Whether it is cut by ``Face.chip_points``.
        uses_mtcnn_box: Whether it is cut by ``Face.mtcnn_box`` where it has no number.
    """

    cut: Callable[[Picture, Face, int, float | None], Picture]
    number: str = ""
    most: float = 0.0
    default: float | None = None
    uses_chip_points: bool = False
    uses_mtcnn_box: bool = False


def _mtcnn(canvas: Picture, face: Face, side: int, wider: float | None) -> Picture:
    if wider is None:
        return native_crop(canvas, face.mtcnn_box, side)
    return widened_crop(canvas, face.box, wider, side)


def _chip(canvas: Picture, face: Face, side: int, padding: float | None) -> Picture:
    return dlib_chip(canvas, face.chip_points, side, padding or 0.0)


OWN_CROPS = {
    "canvas": OwnCrop(lambda canvas, _face, side, _number: area_resized(canvas, side)),
    "mtcnn": OwnCrop(_mtcnn, "widened", 2.0, uses_mtcnn_box=True),
    "dlib-chip": OwnCrop(_chip, "padding", 1.0, 0.25, uses_chip_points=True),
    "arcface": OwnCrop(
        lambda canvas, face, side, _number: arcface_crop(canvas, face.landmarks, side)
    ),
}


@dataclass(frozen=True)
class Description:
    """How a network is fed, and what is to be said of it.

    Attributes:
        name: Key of its row, ``"onnx:"`` and the file's name.
        label: What a person reads.
        size: Side of its input, px.
        channels: One of ``CHANNELS``.
        mean: Of each channel in that order, taken off grey levels of 0..255.
        scale: What each is multiplied by then.
        crop: A key of ``OWN_CROPS``.
        number: The crop's own number; None where it has or is given none.
        licence: Of the network.
        origin: Where it comes from.
        output: Which output is the embedding; empty where there is one.
        normalise: Whether embeddings are brought to unit length.
        threshold: Its published threshold, or None.
    """

    name: str
    label: str
    size: int
    channels: str
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    crop: str
    number: float | None
    licence: str
    origin: str
    output: str
    normalise: bool
    threshold: Threshold | None

    def cut(self, canvas: Picture, face: Face) -> Picture:
        """Returns what the network is shown of a canvas, uint8 RGB ``(size, size, 3)``."""
        return OWN_CROPS[self.crop].cut(canvas, face, self.size, self.number)

    @property
    def uses_chip_points(self) -> bool:
        """Whether its crop is cut by dlib's landmarks."""
        return OWN_CROPS[self.crop].uses_chip_points

    @property
    def uses_mtcnn_box(self) -> bool:
        """Whether its crop is cut by facenet-pytorch's own box."""
        return OWN_CROPS[self.crop].uses_mtcnn_box and self.number is None

    def shown(self, crops: Picture) -> npt.NDArray[np.float32]:
        """Returns crops as the network takes them, channels last.

        Args:
            crops: uint8 RGB ``(N, size, size, 3)``.

        Returns:
            float32, the same shape.
        """
        ordered = crops if self.channels == "rgb" else crops[..., ::-1]
        levels: npt.NDArray[np.float32] = ordered.astype(np.float32)
        levels -= np.array(self.mean, np.float32)
        levels *= np.array(self.scale, np.float32)
        return levels


def description_file(path: Path) -> bytes:
    """Returns the content of the TOML file beside an ONNX file.

    Args:
        path: Of the ONNX file.

    Raises:
        WeightsError: There is none, or it cannot be read.
    """
    if not NAME.fullmatch(path.stem):
        raise WeightsError(
            f"a recogniser cannot be called {quoted(path.stem)}",
            hint="rename both files: letters, digits, hyphens, underscores and dots, at most 40",
        )
    file = path.with_suffix(".toml")
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise WeightsError(
            f"{quoted(file.name)}, which is to describe {quoted(path.name)}, cannot be read "
            f"({error.strerror})",
            hint=f"put it beside; {DOCUMENT}",
        ) from error


def description_of(path: Path, content: bytes) -> Description:
    """Returns what the TOML file beside an ONNX file says.

    Args:
        path: Of the ONNX file.
        content: As ``description_file`` gives it.

    Raises:
        WeightsError: It is broken or contradicts itself; one sentence says where.
    """
    file = path.with_suffix(".toml")
    if len(content) > MOST_BYTES:
        raise WeightsError(
            f"{quoted(file.name)} is larger than {MOST_BYTES:,} bytes, wanted a few lines", DOCUMENT
        )
    try:
        table = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # of TOML and of UTF-8 alike
        raise WeightsError(f"{quoted(file.name)} is no TOML ({error})", hint=DOCUMENT) from error
    return _Keys(file, table).description()


class _Keys:
    """The keys of one TOML file, each checked as it is asked for."""

    def __init__(self, file: Path, table: Mapping[str, Any]) -> None:
        self._file, self._table = file, table

    def description(self) -> Description:
        known = (*REQUIRED, *OPTIONAL, *(row.number for row in OWN_CROPS.values() if row.number))
        self._only(self._table, known, "")
        for key in REQUIRED:
            if key not in self._table:
                raise self._wrong(f"does not say {key}", f"add {key}")
        crop = self._one_of("crop", tuple(OWN_CROPS))
        name = self._file.stem
        return Description(
            name=f"onnx:{name}",
            label=self._text("label", f"{name} (own file)", 60),
            size=self._size(),
            channels=self._one_of("channels", CHANNELS),
            mean=self._mean(),
            scale=self._scale(),
            crop=crop,
            number=self._number_of(crop),
            licence=self._text("licence", "", 200),
            origin=self._text("origin", "a file of this machine's owner", 200),
            output=self._output(),
            normalise=self._truth("normalise"),
            threshold=self._threshold(),
        )

    def _only(self, table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                raise self._wrong(
                    f"has a key {quoted(key)}{where}, which means nothing",
                    f"did you mean {near[0]}?" if near else f"take it out; {DOCUMENT}",
                )

    def _size(self) -> int:
        size = self._table["size"]
        if not is_whole(size) or not SMALLEST_SIDE <= size <= LARGEST_SIDE:
            raise self._value("size", f"px, {SMALLEST_SIDE} to {LARGEST_SIDE}: inputs are square")
        return int(size)

    def _mean(self) -> tuple[float, float, float]:
        # A mean below one grey level is that of pictures in 0 to 1.
        wanted = "one grey level or three, 0 to 255: of pictures in 0 to 1 it is 255 times as much"
        return self._three("mean", lambda one: one == 0 or 1 <= one <= 255, wanted)

    def _scale(self) -> tuple[float, float, float]:
        wanted = "one or three, 0.000001 to 1, such as 0.0078125 for 1/128"
        return self._three("scale", lambda one: SMALLEST_SCALE <= one <= 1, wanted)

    def _three(
        self, key: str, fits: Callable[[float], bool], wanted: str
    ) -> tuple[float, float, float]:
        """A number for each channel; where there is one, it is for all."""
        value = self._table[key]
        several = value if isinstance(value, list) else [value] * 3
        if len(several) != 3 or not all(is_real(one) and fits(one) for one in several):
            raise self._value(key, wanted)
        first, second, third = map(float, several)
        return first, second, third

    def _number_of(self, crop: str) -> float | None:
        row = OWN_CROPS[crop]
        for other in OWN_CROPS.values():
            if other.number and other.number != row.number and other.number in self._table:
                raise self._wrong(
                    f"says {other.number}, which the crop {crop} does not have",
                    f"take {other.number} out, or choose its crop",
                )
        if not row.number or row.number not in self._table:
            return row.default
        value = self._table[row.number]
        if not is_real(value) or not 0 <= value <= row.most:
            raise self._value(row.number, f"a share of the face, 0 to {row.most:g}")
        return float(value)

    def _threshold(self) -> Threshold | None:
        table = self._table.get("threshold")
        if table is None:
            return None
        keys = ("measure", "value", "source")
        missing = [key for key in keys if not isinstance(table, Mapping) or key not in table]
        if missing:
            raise self._wrong(
                f"has a threshold without {listed(missing)}",
                "write a table [threshold] with measure, value and source, or leave it out",
            )
        self._only(table, keys, " in [threshold]")
        own = _Keys(self._file, table)
        measure = own._one_of("measure", tuple(DISTANCES))
        value = table["value"]
        low, high = DISTANCES[measure].bounds
        if not is_real(value) or not low < value < high:
            raise own._value("value", f"a number between {low:g} and {high:g} for {measure}")
        return Threshold(measure, float(value), own._text("source", "", 200))

    def _one_of(self, key: str, wanted: tuple[str, ...]) -> str:
        value = self._table[key]
        if value not in wanted:
            raise self._value(key, "one of " + ", ".join(wanted))
        return str(value)

    def _text(self, key: str, default: str, most: int) -> str:
        value = self._table.get(key, default)
        allowed = LABEL if key == "label" else TEXT
        fits = isinstance(value, str) and len(value) <= most and not value.endswith(" ")
        if not isinstance(value, str) or not fits or not allowed.fullmatch(value):
            raise self._value(key, f"up to {most} letters, digits and simple signs")
        return value

    def _output(self) -> str:
        value = self._table.get("output", "")
        if not isinstance(value, str):
            raise self._value("output", "the name of one of the network's outputs")
        return value

    def _truth(self, key: str) -> bool:
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            raise self._value(key, "true or false")
        return value

    def _value(self, key: str, wanted: str) -> WeightsError:
        value = quoted(self._table.get(key, ""))
        return WeightsError(
            f"{quoted(self._file.name)} gives {key} as {value}, wanted {wanted}", hint=DOCUMENT
        )

    def _wrong(self, what: str, hint: str) -> WeightsError:
        return WeightsError(f"{quoted(self._file.name)} {what}", hint=hint)


REQUIRED = ("size", "channels", "mean", "scale", "crop", "licence")
OPTIONAL = ("label", "origin", "output", "normalise", "threshold")
