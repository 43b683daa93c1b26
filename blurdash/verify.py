"""A receipt computed again from the same photo: what is equal, what differs, and what it means.

The canvas is cut by the receipt's own square and embedded by its own points, so that what is
compared are the same pixels. Beside it the face is found anew: how far that lies from the receipt
says how far two machines are from each other.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from blurdash.blur import Change
from blurdash.canvas import CANVAS_SIZE, Frame, Picture, cut, digest_of, resized
from blurdash.clean import Readout
from blurdash.distance import DISTANCES
from blurdash.embed import EMBEDDERS, Embedder
from blurdash.errors import BlurdashError, NoFaceError, ReceiptError, SettingError
from blurdash.face import Face, chip_landmarks, find_faces, locate_face, own_mtcnn_box, turned
from blurdash.measures import MEASURES
from blurdash.quality import METRICS
from blurdash.readout import PreparedFace, pixels_only
from blurdash.receipt import BLURS, FORMAT, Geometry, checksum, frame_from, geometry_from
from blurdash.values import is_real

__all__ = ["Line", "Verification", "verify"]

EQUAL, NEAR, DIFFERS, UNKNOWN = "equal", "near", "differs", "unknown"

SMALLEST_FRAME = 16  # px
LARGEST_FRAME = 8  # times the photo's longer side
GEOMETRY_TOLERANCE = 1 / 8  # px; a face found with other arithmetic lies within hundredths
CHIP_TOLERANCE = 2.0  # px; they are whole, and found on a canvas single grey levels apart
CONFIDENCE_TOLERANCE = 1e-3
SECOND_SCORE_TOLERANCE = 0.05
CANVAS_TOLERANCE = 0.05  # of a grey level, of a channel's mean
SAME_NUMBER = 1e-9
OTHER_ORDER = "sums in another order, as on another processor"


@dataclass(frozen=True)
class Line:
    """One thing that a receipt says, and what it is here.

    Attributes:
        name: What it is.
        status: ``equal``; ``near``: within what another processor does; ``differs``;
            ``unknown``: it cannot be compared.
        there: In the receipt.
        here: On this machine.
        meaning: By how much it differs, or why, or what follows; may be empty.
    """

    name: str
    status: str
    there: Any
    here: Any
    meaning: str = ""


@dataclass(frozen=True)
class Verification:
    """Every line of a receipt, compared."""

    lines: tuple[Line, ...]

    @property
    def agrees(self) -> bool:
        """Whether every line is equal, or as near as another processor is."""
        return all(line.status in (EQUAL, NEAR) for line in self.lines)

    def count(self, status: str) -> int:
        """Returns how many lines have a status."""
        return sum(line.status == status for line in self.lines)


def verify(
    known: Mapping[str, Any], photo: Picture, load: Callable[[str, str], Embedder]
) -> Verification:
    """Computes a receipt again.

    Args:
        known: A readout with its receipt, as ``Readout.as_dict`` returns it, back from JSON.
        photo: uint8 RGB ``(H, W, 3)``: the photo that it is of.
        load: Returns the recogniser of a name and a protocol; what it raises is said in the lines
            that need one.

    Raises:
        ReceiptError: It is no such readout, or lacks what is needed to compute it again.

    Example:
        >>> from blurdash.embed import load_embedder
        >>> from blurdash.portrait import portrait_photo
        >>> dlib = load_embedder("dlib")
        >>> photo = portrait_photo()
        >>> told = PreparedFace(find_faces(photo)[0], dlib).readout(Change(degree=50)).as_dict()
        >>> verify(told, photo, lambda name, protocol: dlib).agrees
        True
    """
    receipt = _receipt_of(known)
    frame, geometry = frame_from(receipt), geometry_from(receipt)
    change, exact = _change_of(receipt), _exactness_of(receipt)
    lines = [_sum_line(known), *_photo_lines(receipt, photo)]
    upright = turned(photo, _quarter_turns(receipt))
    _check_frame(frame, upright)
    own = _own_face(photo, receipt)
    lines += _own_lines(receipt, frame, geometry, own)
    canvas = resized(upright, CANVAS_SIZE) if frame is None else cut(upright, frame)
    same_photo = all(line.status == EQUAL for line in lines if line.name.startswith("photo_s"))
    of_canvas = _canvas_line(receipt, canvas, same_photo)
    lines += [of_canvas, *_chip_lines(geometry, canvas, of_canvas.status)]
    lines += _mtcnn_lines(geometry, canvas)
    face = _face_of(receipt, canvas, frame, geometry)
    again, recogniser = _again(receipt, face, change, exact, load)
    lines += recogniser
    lines += _number_lines(known, again, of_canvas.status, recogniser)
    lines += _told_lines(receipt, again)
    lines += _version_lines(receipt, again)
    return Verification(tuple(lines))


# --- reading --------------------------------------------------------------------------------------


def _receipt_of(known: Mapping[str, Any]) -> Mapping[str, Any]:
    receipt = known.get("receipt") if isinstance(known, Mapping) else None
    if not isinstance(receipt, Mapping):
        raise ReceiptError(
            "there is no receipt in it, wanted what readout --json or Copy receipt gives",
            hint="copy the whole of it",
        )
    if receipt.get("format") != FORMAT:
        raise ReceiptError(
            f"the receipt has format {str(receipt.get('format'))[:20]}, wanted {FORMAT}",
            hint="make it anew with this version of blurdash",
        )
    return receipt


def _change_of(receipt: Mapping[str, Any]) -> Change:
    try:
        x, y = receipt["shift"]
        return Change(
            _whole(receipt["degree"]),
            receipt["angle"],
            receipt["kernel"],
            x,
            y,
            _whole(receipt["seed"]),
        )
    except SettingError as error:
        raise ReceiptError(
            f"the receipt's settings cannot be used: {error.message}",
            hint="copy the receipt again",
        ) from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ReceiptError(
            "the receipt does not say what was done to the picture",
            hint="only a readout of one blur and one shift can be computed again",
        ) from error


def _whole(value: Any) -> Any:
    """A whole number as JavaScript may have written it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _exactness_of(receipt: Mapping[str, Any]) -> bool:
    exact = BLURS.get(str(receipt.get("blur")))
    if exact is None:
        raise ReceiptError(
            f"the receipt was blurred by {str(receipt.get('blur'))[:40]}, "
            f"wanted {' or '.join(BLURS)}",
            hint="make it anew with this version of blurdash",
        )
    return exact


def _quarter_turns(receipt: Mapping[str, Any]) -> int:
    degrees = receipt.get("photo_turned")
    if degrees not in (0, 90, 180, 270):
        raise ReceiptError("the receipt does not say how the photo was turned", hint="make it anew")
    return int(degrees) // 90


def _check_frame(frame: Frame | None, photo: Picture) -> None:
    """Refuses a square that no face of this photo can have: cutting it may take for ever."""
    if frame is None:
        return
    height, width = photo.shape[:2]
    x, y = frame.centre
    inside = 0 <= x <= width and 0 <= y <= height
    if not inside or not SMALLEST_FRAME <= frame.side <= LARGEST_FRAME * max(width, height):
        raise ReceiptError(
            f"the receipt's frame, {frame.side:.4g} px wide about ({x:.4g}, {y:.4g}), is none of a "
            f"face in this photo of {width} × {height} px",
            hint="give the photo that the receipt is of",
        )


def _face_of(
    receipt: Mapping[str, Any], canvas: Picture, frame: Frame | None, geometry: Geometry
) -> Face:
    """The face as the receipt has it, on a canvas cut here."""
    second = receipt.get("face_second_score")
    return geometry.on(
        canvas,
        confidence=_number(receipt.get("face_confidence")),
        frame=frame,
        second_score=None if second is None else _number(second),
        source=_number(receipt.get("face_source_px")),
    )


def _number(value: Any) -> float:
    return float(value) if is_real(value) else math.nan


# --- comparing ------------------------------------------------------------------------------------


def _sum_line(known: Mapping[str, Any]) -> Line:
    there, here = known.get("checksum"), checksum(known)
    if there == here:
        return Line("checksum", EQUAL, there, here)
    if there is None:
        return Line("checksum", DIFFERS, there, here, "it carries none: it may have been altered")
    return Line("checksum", DIFFERS, there, here, "the receipt was altered after it was made")


def _exactly(name: str, there: Any, here: Any, meaning: str = "") -> Line:
    same = there == here
    return Line(name, EQUAL if same else DIFFERS, there, here, "" if same else meaning)


def _within(name: str, there: Any, here: float | None, most: float, unit: str = "") -> Line:
    """Two numbers that another processor computes a little otherwise."""
    if there is None or here is None:
        return _exactly(name, there, here)
    gap = abs(_number(there) - here)
    if not gap <= most:  # NaN, too
        return Line(name, DIFFERS, there, here, f"{gap:.3g}{unit} apart, allowed {most:g}")
    return Line(name, EQUAL, there, here, f"{gap:.2g}{unit} apart" if gap else "")


def _photo_lines(receipt: Mapping[str, Any], photo: Picture) -> Iterator[Line]:
    size = [photo.shape[1], photo.shape[0]]
    yield _exactly("photo_size", receipt.get("photo_size"), size, "it is another picture")
    yield _exactly(
        "photo_sha256",
        receipt.get("photo_sha256"),
        digest_of(photo),
        "it is another photo, or another decoder read it",
    )


def _own_face(photo: Picture, receipt: Mapping[str, Any]) -> Face | None:
    """The face that is found here under the receipt's number."""
    try:
        faces = find_faces(photo)
    except NoFaceError:
        return None
    return next((face for face in faces if face.number == receipt.get("face")), None)


def _own_lines(
    receipt: Mapping[str, Any], frame: Frame | None, geometry: Geometry, own: Face | None
) -> Iterator[Line]:
    """How far the face that is found here lies from the receipt's."""
    if own is None:
        yield Line("face", DIFFERS, receipt.get("face"), None, "it is not found in this photo")
        return
    yield _exactly("face", receipt.get("face"), own.number)
    yield _exactly("faces", receipt.get("faces"), own.among)
    yield _exactly("photo_turned", receipt.get("photo_turned"), 90 * own.turned)
    yield _exactly("canvas_whole", receipt.get("canvas_whole"), own.whole)
    if frame is not None and own.frame is not None:
        gap = float(np.abs(frame.corners - own.frame.corners).max())
        yield _apart("frame", gap, "of the photo")
    yield from _place_lines("geometry", geometry, own)
    confidence, second = receipt.get("face_confidence"), receipt.get("face_second_score")
    yield _within("face_confidence", confidence, own.confidence, CONFIDENCE_TOLERANCE)
    yield _within("face_second_score", second, own.second_score, SECOND_SCORE_TOLERANCE)
    yield _within("face_source_px", receipt.get("face_source_px"), own.source, 0.2, " px")


def _place_lines(name: str, there: Geometry, here: Face) -> Iterator[Line]:
    """How far landmarks and box that were found here lie from a receipt's."""
    pairs = (("landmarks", there.landmarks, here.landmarks), ("box", there.box, here.box))
    for what, used, found in pairs:
        gap = float(np.abs(np.array(used) - np.array(found)).max())
        yield _apart(f"{name}.{what}", gap, "of the canvas")


def _chip_lines(geometry: Geometry, canvas: Picture, status: str) -> Iterator[Line]:
    """dlib's landmarks, which are whole px: the same ones on the same canvas."""
    if geometry.chip_points is not None:
        here = np.array(chip_landmarks(canvas))
        gap = float(np.abs(np.array(geometry.chip_points) - here).max())
        line = _apart("geometry.chip_points", gap, "of the canvas", 0.0)
        near = status == NEAR and 0 < gap <= CHIP_TOLERANCE
        yield dataclasses.replace(line, status=NEAR) if near else line


def _mtcnn_lines(geometry: Geometry, canvas: Picture) -> Iterator[Line]:
    """facenet-pytorch's own box: the same one on the same canvas."""
    if geometry.mtcnn_box is not None:
        here = own_mtcnn_box(canvas) or geometry.box
        gap = float(np.abs(np.array(geometry.mtcnn_box) - np.array(here)).max())
        yield _apart("geometry.mtcnn_box", gap, "of the canvas")


def _apart(name: str, gap: float, where: str, most: float = GEOMETRY_TOLERANCE) -> Line:
    """A line about places: what was found here lies so far from the receipt's."""
    status = EQUAL if gap <= most else DIFFERS
    told = f"found here {gap:.2g} px {where} away, allowed {most:g}" if gap else ""
    return Line(name, status, "as used", "as found", told)


def _canvas_line(receipt: Mapping[str, Any], canvas: Picture, same_photo: bool) -> Line:
    there, here = receipt.get("canvas_sha256"), digest_of(canvas)
    if there == here:
        return Line("canvas_sha256", EQUAL, there, here)
    means = receipt.get("canvas_mean")
    gap = math.inf
    if isinstance(means, list) and len(means) == 3:
        known = np.array([_number(mean) for mean in means])
        gap = float(np.abs(known - canvas.reshape(-1, 3).mean(axis=0)).max())
    if same_photo and 0 < gap <= CANVAS_TOLERANCE:
        told = (
            f"single grey levels, {gap:.1g} on average: another processor or another OpenCV; the "
            "numbers are compared with what follows from that"
        )
        return Line("canvas_sha256", NEAR, there, here, told)
    return Line("canvas_sha256", DIFFERS, there, here, "another canvas was measured")


def _again(
    receipt: Mapping[str, Any],
    face: Face,
    change: Change,
    exact: bool,
    load: Callable[[str, str], Embedder],
) -> tuple[Readout, list[Line]]:
    """The numbers computed here, and what is to be said of the recogniser."""
    name, protocol = receipt.get("embedder"), receipt.get("protocol")
    if name is None:
        return pixels_only(face, change, exact=exact), []
    try:
        embedder = load(str(name), str(protocol))
        prepared = PreparedFace(
            face,
            embedder,
            kernel=change.kernel,
            crop=str(receipt.get("crop")),
            exact=exact,
            locate=_locator(receipt),
        )
        test = prepared.changed(change)
        readout = prepared.clean.readout(test, change)
    except BlurdashError as error:
        told = f"{error}: its numbers cannot be compared"
        crop = str(receipt.get("crop"))
        pixels = pixels_only(face, change, exact=exact, crop=crop)
        return pixels, [Line("embedder", UNKNOWN, name, None, told)]
    weights, device = receipt.get("weights_sha256"), receipt.get("device")
    return readout, [
        *_redetected_lines(receipt, test),
        _exactly("embedder", name, embedder.name),
        _exactly("protocol", protocol, embedder.protocol),
        _exactly("weights_sha256", weights, embedder.weights_sha256, _others(embedder)),
        _exactly("device", device, embedder.device, "another device adds up otherwise"),
    ]


def _redetected_lines(receipt: Mapping[str, Any], test: Picture) -> Iterator[Line]:
    """How far the face found here in the changed picture lies from where the receipt found it."""
    if receipt.get("geometry_redetected") is None:
        return
    there, name = geometry_from(receipt, "geometry_redetected"), "geometry_redetected"
    try:
        here = locate_face(test)
    except NoFaceError:
        yield Line(name, DIFFERS, "a face", None, "no face is found here in the changed picture")
        return
    yield from _place_lines(name, there, here)


def _locator(receipt: Mapping[str, Any]) -> Callable[[Picture], Face]:
    """Finds the face in the changed picture where the receipt found it."""
    if receipt.get("geometry_redetected") is None:
        return locate_face
    return geometry_from(receipt, "geometry_redetected").on


def _number_lines(
    known: Mapping[str, Any], again: Readout, canvas: str, recogniser: list[Line]
) -> Iterator[Line]:
    here = again.as_dict()
    decisive = ("embedder", "protocol", "weights_sha256")
    comparable = all(line.status == EQUAL for line in recogniser if line.name in decisive)
    for name in MEASURES:
        if name in DISTANCES and not comparable:
            told = "its recogniser cannot be compared, see above"
            yield Line(name, UNKNOWN, known.get(name), here[name], told)
        else:
            times = _stirred(known["receipt"].get("embedder"), name)
            yield _number_line(name, known.get(name), here[name], canvas, times)
    if comparable:
        yield _exactly("verdict", known.get("verdict"), here["verdict"])
        failure = known["receipt"].get("failure")
        yield _exactly("failure", failure, here["receipt"]["failure"])


def _others(embedder: Embedder) -> str:
    row = EMBEDDERS.get(embedder.name)
    own = row is not None and row.file is not None
    return "another network, or another description of it" if own else "other weights"


def _stirred(embedder: object, name: str) -> float:
    """How many times as far as its row says a measure is moved by what should not matter."""
    row = EMBEDDERS.get(embedder) if isinstance(embedder, str) else None
    return row.stirred.get(name, 1.0) if row else 1.0


def _number_line(name: str, there: Any, here: Any, canvas: str, times: float) -> Line:
    if there == here:
        return Line(name, EQUAL, there, here)
    gap = abs(_number(there) - _number(here))
    if gap <= SAME_NUMBER:
        return Line(name, EQUAL, there, here)
    if canvas == NEAR and gap <= times * MEASURES[name].single_levels:
        return Line(name, NEAR, there, here, f"{gap:.1g} apart: what single grey levels do")
    if canvas == EQUAL and gap <= times * MEASURES[name].order_of_sums:
        return Line(name, NEAR, there, here, f"{gap:.1g} apart: {OTHER_ORDER}")
    told = "" if math.isnan(gap) else f"{gap:.3g} {METRICS[name].unit if name in METRICS else ''}"
    return Line(name, DIFFERS, there, here, f"{told.strip()} apart" if told else "another value")


# What follows from the receipt's own geometry and settings: computed again, and to be the same.
FOLLOWING = (
    "crop",
    "kernel",
    "degree",
    "degree_percent_of_eye_distance",
    "angle",
    "shift",
    "seed",
    "eye_distance_px",
    "face_doubt",
)


def _told_lines(receipt: Mapping[str, Any], again: Readout) -> Iterator[Line]:
    here = again.receipt.as_dict()
    for name in FOLLOWING:
        there = receipt.get(name)
        if name == "crop" and receipt.get("embedder") is None:
            continue
        yield _exactly(name, there, here[name], "it does not follow from the rest of the receipt")


def _version_lines(receipt: Mapping[str, Any], again: Readout) -> Iterator[Line]:
    there = receipt.get("versions")
    known = there if isinstance(there, Mapping) else {}
    for name, here in again.receipt.libraries.items():
        meaning = "another version: the same numbers are not promised"
        yield _exactly(f"versions.{name}", known.get(name), here, meaning)
