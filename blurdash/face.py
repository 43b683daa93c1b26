"""From a photo to a face: detection, landmarks, the 1024 × 1024 canvas and the crop geometry.

The detector is MTCNN; its weights come with facenet-pytorch. Everything in the study happens on
the canvas, so that a degree means the same for every face.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.util
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from blurdash.canvas import (
    CANVAS_SIZE,
    Box,
    Frame,
    Picture,
    Points,
    checked_canvas,
    cut,
    digest_of,
    ffhq_frame,
    is_whole,
    onto_canvas,
    resized,
)
from blurdash.errors import NoFaceError, WeightsError
from blurdash.facenet_library import facenet_library
from blurdash.pictures import checked_picture

__all__ = [
    "CANVAS_SIZE",
    "Face",
    "chip_landmarks",
    "find_face",
    "find_faces",
    "locate_face",
    "own_mtcnn_box",
    "turned",
]


# Detection runs on a copy no larger than this: faces below about 2 % of a photo are not wanted.
PHOTO_DETECTION_SIDE = 1024
PHOTO_SMALLEST_FACE = 20
# On a canvas the face fills half of the side, so a smaller copy and a larger least face will do.
CANVAS_DETECTION_SIDE = 512
CANVAS_SMALLEST_FACE = 80

# Where dlib's detector finds the face of a canvas framed as FFHQ frames it: left, top, right,
# bottom, px; the median over 39 such crops.
FRAMED_BOX = (225, 344, 760, 879)

# From here on each detector is sure of a face: 39 upright ones gave 0.992 and 0.73 at least, a face
# that is upside down or half covered, or a smiley, at least one of them less.
SUREST_FROM = 0.98
SECOND_SURE_FROM = 0.4
# Below so many source pixels a canvas is an enlargement that shows little of a face.
SMALLEST_SOURCE = 80
LEAST_OVERLAP = 0.3  # of two boxes about one face: what they share over what they cover

TRY = (
    "try a photo in which the face looks at the camera, is well lit and at least "
    f"{SMALLEST_SOURCE} pixels wide"
)


@dataclass(frozen=True, eq=False)
class Face:
    """A face on its canvas.

    Attributes:
        canvas: uint8 RGB ``(1024, 1024, 3)``: the face upright, framed as FFHQ frames it.
        landmarks: float64 ``(5, 2)``, canvas px (x, y): the eye on the left of the picture, the
            eye on the right, nose tip, mouth corner on the left, on the right.
        box: Detector's box on the canvas, px: left, top, right, bottom.
        confidence: Detector's score, 0..1.
        whole: True if the photo already was such a crop and was taken whole.
        photo_box: The box in the photo it was found in, px.
        frame: The square of the photo that the canvas was cut from; None if taken whole.
        turned: Quarter turns, counter-clockwise, that made the photo upright, 0..3. Box and frame
            are those of the turned photo.
        second_score: What dlib's detector gives the face on its canvas: 0 and more where it finds
            one too, -1 where it sees nothing of the kind; None where it was not asked.
        source: Side of the square that the canvas was made from, px of the photo.
        number: Which face of the photo it is, the largest is 1.
        among: How many faces were found in the photo; 0 where they were not counted.
        photo_sha256: Of the photo's pixels, uint8 RGB, before it was turned; may be empty.
        photo_size: Width and height of that photo, px; None where it is not known.
        known_chip_points: dlib's five landmarks, where they are given and not to be computed.
        known_mtcnn_box: facenet-pytorch's own box, where it is given and not to be computed.
    """

    canvas: Picture
    landmarks: Points
    box: Box
    confidence: float
    whole: bool
    photo_box: Box
    frame: Frame | None = None
    turned: int = 0
    second_score: float | None = None
    source: float = float(CANVAS_SIZE)
    number: int = 1
    among: int = 0
    photo_sha256: str = ""
    photo_size: tuple[int, int] | None = None
    known_chip_points: tuple[tuple[int, int], ...] | None = None
    known_mtcnn_box: Box | None = None

    @property
    def doubt(self) -> str:
        """Why numbers of this face say little, in words; empty where nothing speaks against it.

        Known limits:
            A face that one detector misses is not always none: seen from the side, covered or
            blurred it is doubtful too. A drawing that looks like a photo of a face is not.
        """
        if self.source < SMALLEST_SOURCE:
            return (
                f"the square around the face is only {self.source:.0f} px wide in its photo: it "
                "was blurred before"
            )
        missed = self.second_score is not None and self.second_score < SECOND_SURE_FROM
        if missed or self.confidence < SUREST_FROM:
            return "it is not sure that this is an upright face: of two detectors one is in doubt"
        return ""

    @property
    def notes(self) -> list[str]:
        """What is to be said beside its picture, each in words: how it was turned, and a doubt."""
        turned = f"the photo was turned by {90 * self.turned}° to be upright" if self.turned else ""
        return [text for text in (turned, self.doubt) if text]

    def canvas_of(self, photo: Picture) -> Picture:
        """Returns another version of the same photo on this face's canvas.

        Args:
            photo: uint8 RGB of the shape of the photo that the face was found in, blurred say.

        Returns:
            uint8 RGB ``(1024, 1024, 3)``.
        """
        photo = turned(photo, self.turned)
        return resized(photo, CANVAS_SIZE) if self.frame is None else cut(photo, self.frame)

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes, canvas px: the natural unit of a blur."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))

    @functools.cached_property
    def chip_points(self) -> tuple[tuple[int, int], ...]:
        """dlib's five landmarks on the canvas, computed once; see ``chip_landmarks``."""
        return self.known_chip_points or chip_landmarks(self.canvas)

    @functools.cached_property
    def mtcnn_box(self) -> Box:
        """The box that facenet-pytorch itself cuts by, computed once; see ``own_mtcnn_box``.

        Where it finds none at that size, the box by which the canvas was found.
        """
        return self.known_mtcnn_box or own_mtcnn_box(self.canvas) or self.box


@dataclass(frozen=True)
class _Detection:
    box: Box
    landmarks: Points
    confidence: float

    @property
    def area(self) -> float:
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


def find_face(photo: Picture, *, every_turn: bool = True) -> Face:
    """Returns the largest face of a photo; see ``find_faces``.

    Args:
        photo: uint8 RGB ``(H, W, 3)``.
        every_turn: As in ``find_faces``.

    Returns:
        The ``Face``.

    Raises:
        PictureError: ``photo`` is not such an array.
        NoFaceError: There is no face in it.

    Example:
        >>> from skimage.data import astronaut
        >>> face = find_face(astronaut())
        >>> face.canvas.shape, face.whole
        ((1024, 1024, 3), False)
    """
    return find_faces(photo, most=1, every_turn=every_turn)[0]


def find_faces(photo: Picture, *, most: int | None = None, every_turn: bool = True) -> list[Face]:
    """Returns every face of a photo, the largest first.

    Conventions:
        The canvas is cut as FFHQ cuts it, from the eyes and the mouth, turned upright; what lies
        outside the photo is mirrored. A square photo that already is such a crop is taken whole
        and only resized, so a 1024 × 1024 FFHQ picture passes bit for bit.

        A photo may lie on its side or upside down. It is looked at in four turns, at the detector's
        own reduced size, and the surest is taken. The detector alone cannot tell: upside down it
        is up to 0.999 sure, upright as little as 0.992 (39 faces; mouth and eyes are of no use, it
        puts them where they would be if the face were upright). So the largest face of each turn
        goes onto a canvas, and dlib's detector, which knows upright faces only, gives it a score:
        upright 0.73 to 2.9, upside down at most 0.02. The turn with the largest sum of that, at
        most 1, and the confidence is taken, as it is where they are equal.

    Args:
        photo: uint8 RGB ``(H, W, 3)``.
        most: How many at most, the largest; None for all. A canvas takes 0.2 s and 3 MB.
        every_turn: Whether all turns are tried, or, as sweeps do, only where the photo as it is
            shows no face or a doubtful one.

    Returns:
        At least one ``Face``.

    Raises:
        PictureError: ``photo`` is not such an array.
        NoFaceError: There is no face in it.

    Known limits:
        Faces seen from the side or below about 2 % of the photo may be missed. All faces of a
        photo are taken in the turn of the largest one.
    """
    photo = checked_picture(photo, "photo", hint="read it with blurdash.photo.load_photo")
    small = _reduced(photo, PHOTO_DETECTION_SIDE)
    turns, found = _surest_turn(small, every_turn=every_turn)
    upright = turned(photo, turns)
    digest = digest_of(photo)
    size, among = (photo.shape[1], photo.shape[0]), len(found)
    found = _enlarged(found[:most], turned(small, turns).shape, upright.shape)
    return [
        dataclasses.replace(
            _face_of(upright, one, turns),
            number=number,
            among=among,
            photo_sha256=digest,
            photo_size=size,
        )
        for number, one in enumerate(found, start=1)
    ]


def locate_face(canvas: Picture) -> Face:
    """Returns the largest face of a canvas where it lies, without cutting a new canvas.

    This is the ``redetect`` crop: the geometry comes from this very picture, blurred or not.

    Args:
        canvas: uint8 RGB ``(1024, 1024, 3)``.

    Returns:
        A ``Face`` whose canvas is ``canvas``.

    Raises:
        PictureError: ``canvas`` is not such an array.
        NoFaceError: The detector finds no face in it any more.

    Example:
        >>> from skimage.data import astronaut
        >>> face = find_face(astronaut())
        >>> locate_face(face.canvas).box == face.box
        True
    """
    canvas = checked_canvas(canvas)
    found = _detect(canvas, CANVAS_DETECTION_SIDE, CANVAS_SMALLEST_FACE)
    if not found:
        raise NoFaceError(
            "the detector finds no face in this changed picture",
            hint="lower the degree or take the crop from the clean photo (crop fixed)",
        )
    best = found[0]
    return Face(canvas, best.landmarks, best.box, best.confidence, True, best.box)


def chip_landmarks(canvas: Picture) -> tuple[tuple[int, int], ...]:
    """Returns dlib's five landmarks, which place the face chip of dlib's recogniser.

    Conventions:
        The predictor was trained on the boxes of dlib's own detector, so that one is asked first;
        where it finds nothing (strong blur), it is the box that the canvas's framing implies.

    Args:
        canvas: uint8 RGB ``(1024, 1024, 3)``.

    Returns:
        Five (x, y), whole canvas px, in dlib's order.

    Raises:
        WeightsError: The package ``face_recognition_models`` is not installed.
    """
    import dlib

    with _dlib_lock():
        boxes = _dlib_detector()(canvas, 0)
        area = max(boxes, key=lambda b: b.area()) if boxes else dlib.rectangle(*FRAMED_BOX)
        shape = _dlib_predictor()(canvas, area)
    return tuple((point.x, point.y) for point in shape.parts())


def own_mtcnn_box(canvas: Picture) -> Box | None:
    """Returns the box that ``MTCNN(image_size=160, margin=0)`` cuts a canvas by; None for no face.

    Conventions:
        On the canvas at its full size and with MTCNN's own least face of 20 px; the largest face.
        ``Face.box`` comes from a smaller copy, which is six times as quick and up to 60 px away.

    Args:
        canvas: uint8 RGB ``(1024, 1024, 3)``.

    Returns:
        Left, top, right, bottom; px.
    """
    found = _detect(checked_canvas(canvas), CANVAS_SIZE, PHOTO_SMALLEST_FACE)
    return found[0].box if found else None


def model_file(name: str) -> Path:
    """Returns the path of a file of the package ``face_recognition_models``.

    The package cannot be imported where ``pkg_resources`` is gone, so it is only located.

    Args:
        name: File name, such as ``shape_predictor_5_face_landmarks.dat``.

    Raises:
        WeightsError: The package or the file is not there.

    Example:
        >>> model_file("shape_predictor_5_face_landmarks.dat").suffix
        '.dat'
    """
    spec = importlib.util.find_spec("face_recognition_models")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        path = Path(place) / "models" / name
        if path.is_file():
            return path
    raise WeightsError(
        f"the installed packages have no {name}",
        hint="install the package face_recognition_models",
    )


def _surest_turn(photo: Picture, *, every_turn: bool) -> tuple[int, list[_Detection]]:
    """How many quarter turns make a photo upright, and its faces then, the largest first."""
    best: tuple[float, int, list[_Detection]] | None = None
    for turns in range(4):
        view = turned(photo, turns)
        found = _detect(view, PHOTO_DETECTION_SIDE, PHOTO_SMALLEST_FACE)
        if not found:
            continue
        second = _second_score(cut(view, ffhq_frame(found[0].landmarks)))
        sure = min(second, 1.0) + found[0].confidence
        if best is None or sure > best[0]:
            best = (sure, turns, found)
        sure_enough = second >= SECOND_SURE_FROM and found[0].confidence >= SUREST_FROM
        if turns == 0 and sure_enough and not every_turn:
            break
    if best is None:
        raise NoFaceError("no face was found in this photo", hint=TRY)
    return best[1:]


def turned(photo: Picture, turns: int) -> Picture:
    """Returns the picture after so many quarter turns counter-clockwise."""
    return np.ascontiguousarray(np.rot90(photo, turns)) if turns else photo


def _second_score(canvas: Picture) -> float:
    """What dlib's detector, which knows upright faces only, gives the face of a canvas."""
    half = cv2.resize(canvas, (CANVAS_SIZE // 2, CANVAS_SIZE // 2), interpolation=cv2.INTER_AREA)
    with _dlib_lock():
        boxes, scores, _ = _dlib_detector().run(half, 0, -1.0)
    near = [score for box, score in zip(boxes, scores, strict=True) if _is_framed(box)]
    return max(near, default=-1.0)


def _is_framed(box: Any) -> bool:
    """Whether a box on a halved canvas lies where the canvas's own framing has the face."""
    left, top, right, bottom = (edge / 2 for edge in FRAMED_BOX)
    width = max(0.0, min(right, box.right()) - max(left, box.left()))
    height = max(0.0, min(bottom, box.bottom()) - max(top, box.top()))
    both = width * height
    covered = float(box.area()) + (right - left) * (bottom - top) - both
    return bool(both >= LEAST_OVERLAP * covered)


def _face_of(photo: Picture, found: _Detection, turns: int) -> Face:
    height, width = photo.shape[:2]
    frame = ffhq_frame(found.landmarks)
    whole = is_whole(frame, width, height)
    canvas = resized(photo, CANVAS_SIZE) if whole else cut(photo, frame)
    again = _detect(canvas, CANVAS_DETECTION_SIDE, CANVAS_SMALLEST_FACE)
    # The detector may lose at the canvas' scale what it found in the photo: then the photo's own
    # geometry is carried over.
    here = again[0] if again else _carried_over(found, frame, photo.shape if whole else None)
    return Face(
        canvas,
        here.landmarks,
        here.box,
        found.confidence,
        whole,
        found.box,
        frame=None if whole else frame,
        turned=turns,
        second_score=_second_score(canvas),
        source=float(min(width, height)) if whole else frame.side,
    )


@functools.cache
def _mtcnn_lock() -> threading.Lock:
    return threading.Lock()


@contextlib.contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Lets torch use one thread, as the dashboard does everywhere.

    With more, sums are added in another order, the frame moves by a hundredth of a pixel, and the
    page and the command line would give one file two canvases.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@functools.cache
def _mtcnn(smallest_face: int) -> Any:
    mtcnn = facenet_library().MTCNN
    return mtcnn(keep_all=True, min_face_size=smallest_face, post_process=False, device="cpu")


def _detect(photo: Picture, side: int, smallest_face: int) -> list[_Detection]:
    """Every face of a picture, the largest first, found on a copy of at most ``side`` px."""
    small = _reduced(photo, side)
    if min(small.shape[:2]) < smallest_face:
        return []  # no room for a face, and MTCNN fails on an empty pyramid
    # Its networks are shared, and one face at a time is quick enough.
    with _mtcnn_lock(), _one_torch_thread():
        boxes, scores, points = _mtcnn(smallest_face).detect(small, landmarks=True)
    if boxes is None:
        return []
    found = [
        _Detection(_scaled(box, 1.0, 1.0), np.asarray(five, np.float64), float(score))
        for box, score, five in zip(boxes, scores, points, strict=True)
    ]
    found.sort(key=lambda one: one.area, reverse=True)
    return _enlarged(found, small.shape, photo.shape)


def _reduced(photo: Picture, side: int) -> Picture:
    """The picture, averaged down where it is larger than ``side`` px."""
    scale = min(1.0, side / max(photo.shape[:2]))
    if scale == 1:
        return photo
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(
    found: list[_Detection], small: tuple[int, ...], large: tuple[int, ...]
) -> list[_Detection]:
    """Detections of a reduced picture, in px of the large one."""
    if small == large:
        return found
    ratio = np.array([large[1] / small[1], large[0] / small[0]])
    return [
        _Detection(_scaled(one.box, ratio[0], ratio[1]), one.landmarks * ratio, one.confidence)
        for one in found
    ]


def _scaled(box: Any, by_x: float, by_y: float) -> Box:
    left, top, right, bottom = (float(edge) for edge in box)
    return (
        float(left * by_x),
        float(top * by_y),
        float(right * by_x),
        float(bottom * by_y),
    )


def _carried_over(
    found: _Detection, frame: Frame, whole_shape: tuple[int, ...] | None
) -> _Detection:
    """A detection of the photo, in canvas px."""
    left, top, right, bottom = found.box
    edges = np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
    if whole_shape is not None:
        ratio = CANVAS_SIZE / np.array([whole_shape[1], whole_shape[0]])
        points, edges = found.landmarks * ratio, edges * ratio
    else:
        points, edges = onto_canvas(found.landmarks, frame), onto_canvas(edges, frame)
    low, high = edges.min(axis=0), edges.max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return _Detection(box, points, found.confidence)


@functools.cache
def _dlib_lock() -> threading.Lock:
    return threading.Lock()


@functools.cache
def _dlib_detector() -> Any:
    import dlib

    return dlib.get_frontal_face_detector()


@functools.cache
def _dlib_predictor() -> Any:
    import dlib

    return dlib.shape_predictor(str(model_file("shape_predictor_5_face_landmarks.dat")))
