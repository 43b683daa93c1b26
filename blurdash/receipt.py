"""How a readout's numbers came about, so that somebody else can compute them again.

A receipt carries the geometry as it was used and not as it is shown: two processors do not find a
face in quite the same place, but cut by the same square they speak of the same pixels.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from blurdash import __version__
from blurdash.blur import Change
from blurdash.canvas import Box, Frame, Picture, digest_of
from blurdash.embed import Embedder, label_of
from blurdash.errors import ReceiptError
from blurdash.face import Face

__all__ = [
    "BLURS",
    "FORMAT",
    "Geometry",
    "Receipt",
    "Recogniser",
    "checksum",
    "frame_from",
    "geometry_from",
    "versions",
]

FORMAT = 1
LIBRARIES = (
    "numpy",
    "scipy",
    "pillow",
    "pillow-heif",
    "opencv-python-headless",
    "scikit-image",
    "torch",
    "torchvision",
    "facenet-pytorch",
    "dlib-bin",
)
# How a picture was blurred: bit for bit cv2.filter2D's, or from a kept transform, within 1 level.
BLURS = {"filter2d": True, "fft": False}
"""Names of the ways to blur, and whether each is exact."""

FARTHEST_DIGITS = 400
FARTHEST = 1e7  # px; no photo has so many on a side


def versions(embedder: Embedder | None = None) -> tuple[tuple[str, str], ...]:
    """Returns (name, version) of blurdash, Python and every library that a number depends on.

    Args:
        embedder: The recogniser, where it runs by a library that others do not need.
    """
    return (*_own_versions(), *(embedder.libraries if embedder else ()))


@functools.cache
def _own_versions() -> tuple[tuple[str, str], ...]:
    found = [("blurdash", __version__), ("python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append((name, "unknown"))  # installed under another name, as by a distribution
    return tuple(found)


@dataclass(frozen=True)
class Geometry:
    """Where a face lies on its canvas, as its crop was cut; canvas px, unrounded.

    Attributes:
        landmarks: Five (x, y): eyes, nose, mouth corners.
        box: Left, top, right, bottom.
        chip_points: dlib's five landmarks, None where the recogniser does not use them.
        mtcnn_box: facenet-pytorch's own box, None where the recogniser does not use it.
    """

    landmarks: tuple[tuple[float, float], ...]
    box: Box
    chip_points: tuple[tuple[int, int], ...] | None
    mtcnn_box: Box | None = None

    @classmethod
    def of(cls, face: Face, embedder: Embedder | None) -> Geometry:
        """Returns a face's, with what this recogniser cuts its crop by."""
        landmarks = tuple((float(x), float(y)) for x, y in face.landmarks)
        left, top, right, bottom = (float(edge) for edge in face.box)
        box = (left, top, right, bottom)
        chip = face.chip_points if embedder and embedder.uses_chip_points else None
        own = face.mtcnn_box if embedder and embedder.uses_mtcnn_box else None
        return cls(landmarks, box, chip, own)

    def on(self, canvas: Picture, *, confidence: float = 1.0, **known: Any) -> Face:
        """Returns a face with this geometry on a canvas; what else is known goes to ``Face``."""
        return Face(
            canvas,
            np.array(self.landmarks),
            self.box,
            confidence,
            known.get("frame") is None,
            self.box,
            known_chip_points=self.chip_points,
            known_mtcnn_box=self.mtcnn_box,
            **known,
        )


@dataclass(frozen=True)
class Recogniser:
    """Which recogniser embedded the pictures.

    Attributes:
        name: A key of ``EMBEDDERS``.
        label: What a person reads.
        weights_sha256: Of its weights file.
        protocol: A key of ``PROTOCOLS``.
        device: The torch device.
        note: What a user must know of it.
    """

    name: str
    label: str
    weights_sha256: str
    protocol: str
    device: str
    note: str = ""

    @classmethod
    def of(cls, embedder: Embedder) -> Recogniser:
        """Returns which one a loaded recogniser is."""
        return cls(
            embedder.name,
            label_of(embedder),
            embedder.weights_sha256,
            embedder.protocol,
            embedder.device,
            embedder.said,
        )

    def for_table(self) -> dict[str, str]:
        """Returns what stands with numbers of many faces; the protocol is in every row."""
        same = ("name", "label", "weights_sha256", "note")
        return {key: getattr(self, key) for key in same}


@dataclass(frozen=True)
class Receipt:
    """What a readout's numbers depend on.

    Attributes:
        recogniser: None where the numbers are of the pixels alone.
        crop: A key of ``CROPS``.
        blur: A key of ``BLURS``; None where the changed picture was given.
        canvas_sha256: Of the clean canvas, uint8 RGB.
        canvas_mean: Means of its three channels: how far another canvas is from it.
        face: What is known of the face, as JSON has it.
        eye_distance: px of the canvas.
        frame: The square of the turned photo that the canvas was cut from; None if taken whole.
        geometry: Of the clean canvas.
        geometry_redetected: Of the changed one, where the crop was found anew.
        change: What was done; None if unknown.
        length: px; of a twin, whose line may be of any length.
        failure: Why there is no embedding of the changed picture; empty where there is one.
        libraries: Every library that a number depends on, with its version.
    """

    recogniser: Recogniser | None
    crop: str
    blur: str | None
    canvas_sha256: str
    canvas_mean: tuple[float, float, float]
    face: Mapping[str, Any]
    eye_distance: float
    frame: Frame | None
    geometry: Geometry
    geometry_redetected: Geometry | None = None
    change: Change | None = None
    length: float | None = None
    failure: str = ""
    libraries: Mapping[str, str] = field(default_factory=lambda: dict(versions()))

    @classmethod
    def of(
        cls,
        face: Face,
        canvas: Picture,
        embedder: Embedder | None,
        *,
        crop: str,
        blur: str | None,
    ) -> Receipt:
        """Returns the receipt of a clean side, before anything is changed.

        Args:
            face: The face.
            canvas: The clean canvas, before any stretch.
            embedder: The recogniser; None where the numbers are of the pixels alone.
            crop: A key of ``CROPS``.
            blur: A key of ``BLURS``, None where the changed picture is given.
        """
        return cls(
            Recogniser.of(embedder) if embedder else None,
            crop,
            blur,
            digest_of(canvas),
            _means_of(canvas),
            _of_face(face),  # never the face itself: a receipt holds no picture
            face.eye_distance,
            face.frame,
            Geometry.of(face, embedder),
            libraries=dict(versions(embedder)),
        )

    def after(
        self, change: Change | None, *, redetected: Geometry | None = None, failure: str = ""
    ) -> Receipt:
        """Returns the receipt of what was changed."""
        return dataclasses.replace(
            self, change=change, geometry_redetected=redetected, failure=failure
        )

    def made_of(self, picture: Picture) -> Receipt:
        """Returns the receipt of numbers for which another picture was the clean canvas."""
        return dataclasses.replace(
            self, canvas_sha256=digest_of(picture), canvas_mean=_means_of(picture)
        )

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as JSON can hold it; a float comes back as it was."""
        who = self.recogniser
        return {
            "format": FORMAT,
            "embedder": who.name if who else None,
            "weights_sha256": who.weights_sha256 if who else None,
            "note": who.note if who else "",
            "protocol": who.protocol if who else None,
            "device": who.device if who else None,
            "crop": self.crop,
            **self._changed(),
            "blur": self.blur,
            **self.face,
            "canvas_sha256": self.canvas_sha256,
            "canvas_mean": list(self.canvas_mean),
            "frame": _frame_as_lists(self.frame),
            "geometry": _as_lists(self.geometry),
            "geometry_redetected": (
                _as_lists(self.geometry_redetected) if self.geometry_redetected else None
            ),
            "failure": self.failure or None,
            "versions": dict(self.libraries),
        }

    def _changed(self) -> dict[str, Any]:
        """What was done, in px, degrees and % of the distance between the eyes."""
        names = ("kernel", "degree", "degree_percent_of_eye_distance", "angle", "shift", "seed")
        if self.change is None:
            return dict.fromkeys(names)
        change = self.change
        degree = change.degree if self.length is None else self.length
        percent = round(100 * degree / self.eye_distance, 2)
        shift = [change.shift_x, change.shift_y]
        values = (change.kernel, degree, percent, change.used_angle, shift, change.seed)
        return dict(zip(names, values, strict=True))


def _means_of(canvas: Picture) -> tuple[float, float, float]:
    red, green, blue = (float(mean) for mean in canvas.reshape(-1, 3).mean(axis=0))
    return red, green, blue


def _of_face(face: Face) -> dict[str, Any]:
    return {
        "photo_sha256": face.photo_sha256 or None,
        "photo_size": list(face.photo_size) if face.photo_size else None,
        "photo_turned": 90 * face.turned,
        "face": face.number,
        "faces": face.among,
        "face_confidence": round(face.confidence, 6),
        "face_second_score": _rounded(face.second_score, 3),
        "face_source_px": round(face.source, 1),
        "face_doubt": face.doubt or None,
        "eye_distance_px": round(face.eye_distance, 2),
        "canvas_whole": face.whole,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _frame_as_lists(frame: Frame | None) -> dict[str, Any] | None:
    if frame is None:
        return None
    return {"centre": frame.centre.tolist(), "right": frame.right.tolist()}


def _as_lists(geometry: Geometry) -> dict[str, Any]:
    points = geometry.chip_points
    return {
        "landmarks": [list(point) for point in geometry.landmarks],
        "box": list(geometry.box),
        "chip_points": None if points is None else [list(point) for point in points],
        "mtcnn_box": None if geometry.mtcnn_box is None else list(geometry.mtcnn_box),
    }


# --- what came back from JSON ---------------------------------------------------------------------


def frame_from(known: Mapping[str, Any]) -> Frame | None:
    """Returns the square that a receipt's canvas was cut by; None where the photo was taken whole.

    Raises:
        ReceiptError: There is none such in it.
    """
    if known.get("canvas_whole") is True and known.get("frame") is None:
        return None
    try:
        centre, right = (_points([known["frame"][key]])[0] for key in ("centre", "right"))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _unusable("frame") from error
    if not math.hypot(*right) >= 1:
        raise _unusable("frame")
    return Frame(np.array(centre), np.array(right))


def geometry_from(known: Mapping[str, Any], key: str = "geometry") -> Geometry:
    """Returns a geometry of a receipt.

    Raises:
        ReceiptError: There is none such in it.
    """
    try:
        found = known[key]
        landmarks = _points(found["landmarks"])
        used = _box(found["box"])
        chip = found["chip_points"]
        points = None if chip is None else tuple((int(x), int(y)) for x, y in _points(chip))
        own = found.get("mtcnn_box")
        box = None if own is None else _box(own)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _unusable(key) from error
    if len(landmarks) != 5 or (points is not None and len(points) != 5):
        raise _unusable(key)
    if math.dist(landmarks[0], landmarks[1]) < 1:  # the eyes, whose distance others divide by
        raise _unusable(key)
    return Geometry(landmarks, used, points, box)


def _box(edges: Any) -> Box:
    (left, top), (right, bottom) = _points([edges[:2], edges[2:]])
    return left, top, right, bottom


def _points(values: Any) -> tuple[tuple[float, float], ...]:
    points = tuple((float(x), float(y)) for x, y in values)
    if not all(abs(part) < FARTHEST for point in points for part in point):  # nor NaN
        raise ValueError("out of reach")
    return points


def _unusable(key: str) -> ReceiptError:
    return ReceiptError(
        f"the receipt's {key} cannot be used, wanted what readout --json writes",
        hint="copy the receipt again, or make it anew",
    )


def checksum(readout: Mapping[str, Any]) -> str:
    """Returns 16 hex digits that change with any number or word of a readout.

    Whoever wants to can compute it anew: it tells a slip of the hand, not a forger.

    Args:
        readout: As ``Readout.as_dict`` returns it; its own ``checksum`` does not count.

    Example:
        >>> checksum({"l2": 1.0}) == checksum({"checksum": "x", "l2": 1})
        True
    """
    counted = {key: value for key, value in readout.items() if key != "checksum"}
    text = json.dumps(_plain(counted), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """JSON's values with every number a float: JavaScript writes 45 for 45.0, and 0 for -0.0."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value) + 0.0
        except OverflowError:
            return str(value)[:FARTHEST_DIGITS]
    return value
