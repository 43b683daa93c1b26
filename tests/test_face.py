"""From photo to canvas: found, framed as FFHQ frames, upright, and whole where it already is."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from blurdash import face as face_module
from blurdash.canvas import ffhq_frame
from blurdash.errors import NoFaceError, PictureError
from blurdash.face import (
    CANVAS_SIZE,
    Face,
    chip_landmarks,
    find_face,
    find_faces,
    locate_face,
)
from blurdash.quality import psnr
from tests.marks import long_but

Picture = npt.NDArray[np.uint8]


def resized(photo: Picture, width: int, height: int) -> Picture:
    how = cv2.INTER_AREA if width < photo.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, (width, height), interpolation=how), np.uint8)


def turned(photo: Picture, degrees: float) -> Picture:
    """Turns a photo counter-clockwise as displayed, about the portrait's face."""
    matrix = cv2.getRotationMatrix2D((225, 120), degrees, 1)
    size = photo.shape[1], photo.shape[0]
    warped = cv2.warpAffine(
        photo, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.uint8)


def tilt(face: Face) -> float:
    """Angle of the line through the eyes, degrees."""
    across, down = face.landmarks[1] - face.landmarks[0]
    return math.degrees(math.atan2(down, across))


def ffhq_corners(landmarks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The square that FFHQ's own script cuts, from its recipe: top left, then clockwise."""
    left, right, _, mouth_left, mouth_right = landmarks
    eye_avg, mouth_avg = (left + right) * 0.5, (mouth_left + mouth_right) * 0.5
    eye_to_eye, eye_to_mouth = right - left, mouth_avg - eye_avg
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    x /= np.hypot(*x)
    x *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = np.flipud(x) * [-1, 1]
    c = eye_avg + eye_to_mouth * 0.1
    return np.stack([c - x - y, c + x - y, c + x + y, c - x + y])


# --- the portrait --------------------------------------------------------------------------------


def test_the_portrait_has_one_face(portrait: Picture) -> None:
    faces = find_faces(portrait)
    assert len(faces) == 1
    assert faces[0].confidence > 0.99


def test_the_canvas_is_a_picture_of_1024(portrait_face: Face) -> None:
    assert CANVAS_SIZE == 1024
    assert portrait_face.canvas.shape == (1024, 1024, 3)
    assert portrait_face.canvas.dtype == np.uint8
    assert not portrait_face.whole


def test_convention_landmarks_are_eyes_nose_mouth_left_before_right(portrait_face: Face) -> None:
    left_eye, right_eye, nose, mouth_left, mouth_right = portrait_face.landmarks
    assert portrait_face.landmarks.shape == (5, 2)
    assert portrait_face.landmarks.dtype == np.float64
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < nose[0] < mouth_right[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    left, top, right, bottom = portrait_face.box
    assert 0 < left < right < 1024
    assert 0 < top < bottom < 1024
    assert (
        (portrait_face.landmarks > (left, top)) & (portrait_face.landmarks < (right, bottom))
    ).all()


def test_the_eyes_are_where_dlib_sees_them(portrait_face: Face) -> None:
    corners = np.array(portrait_face.chip_points, float)  # outer, inner of one eye; of the other
    eyes = sorted([corners[0:2].mean(axis=0), corners[2:4].mean(axis=0)], key=lambda eye: eye[0])
    for found, seen in zip(portrait_face.landmarks[:2], eyes, strict=True):
        assert np.hypot(*(found - seen)) < 25


def test_the_eye_distance_of_the_portrait(portrait_face: Face) -> None:
    assert portrait_face.eye_distance == pytest.approx(262, abs=5)
    assert portrait_face.eye_distance == pytest.approx(
        math.dist(portrait_face.landmarks[0], portrait_face.landmarks[1])
    )


def test_convention_the_canvas_is_framed_as_ffhq_frames_it(portrait_face: Face) -> None:
    """The face found again on the canvas asks for the canvas itself as its square."""
    canvas_corners = np.array([[0, 0], [1024, 0], [1024, 1024], [0, 1024]], float)
    assert np.abs(ffhq_corners(portrait_face.landmarks) - canvas_corners).max() < 25


def ffhq_cut(photo: Picture, around: int = 0) -> Picture:
    """Cuts the largest face by other means: MTCNN itself, FFHQ's recipe, Pillow's transform.

    ``around`` is the width of the mirrored rim that is laid about the photo first.
    """
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=False, min_face_size=20, post_process=False, device="cpu")
    _, _, landmarks = detector.detect(np.array(photo), landmarks=True)
    corners = ffhq_corners(np.asarray(landmarks[0], float)) + around
    rim = ((around, around), (around, around), (0, 0))
    wide = Image.fromarray(np.pad(photo, rim, mode="reflect"))
    quad = tuple(float(value) for value in corners[[0, 3, 2, 1]].ravel())
    size = (1024, 1024)
    return np.asarray(wide.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC))


def test_the_canvas_is_what_ffhqs_recipe_cuts(portrait: Picture, portrait_face: Face) -> None:
    assert psnr(ffhq_cut(portrait), portrait_face.canvas) > 38


def test_the_canvas_of_a_turned_head_is_what_ffhqs_recipe_cuts(portrait: Picture) -> None:
    tilted = turned(portrait, 20)
    assert psnr(ffhq_cut(tilted), find_face(tilted).canvas) > 38


def test_the_frame_of_wide_and_of_long_faces_is_ffhqs() -> None:
    """Either the eyes or the way to the mouth sets the size; both must occur here."""
    rng = np.random.default_rng(0)
    sizes = set()
    for _ in range(50):
        eyes, mouth = rng.uniform(20, 90), rng.uniform(20, 90)
        upright = np.array([[-eyes, 0], [eyes, 0], [0, 40], [-eyes / 2, mouth], [eyes / 2, mouth]])
        turn = math.radians(rng.uniform(-180, 180))
        spin = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        landmarks = upright @ spin + rng.uniform(0, 500, 2)
        frame = ffhq_frame(landmarks)
        top_left, top_right, bottom_right, bottom_left = ffhq_corners(landmarks)
        np.testing.assert_allclose(frame.corners, [top_left, top_right, bottom_left], atol=1e-6)
        assert frame.side == pytest.approx(np.hypot(*(bottom_right - bottom_left)))
        sizes.add(2 * 2 * eyes > 1.8 * mouth)
    assert sizes == {True, False}


def test_another_version_of_the_photo_lies_on_the_canvas_in_the_same_place(
    portrait: Picture, portrait_face: Face
) -> None:
    assert np.array_equal(portrait_face.canvas_of(portrait), portrait_face.canvas)
    darker = portrait_face.canvas_of(portrait // 2)
    assert np.abs(darker * 2.0 - portrait_face.canvas).max() <= 4
    whole = find_face(resized(portrait_face.canvas, 512, 512))
    assert np.array_equal(whole.canvas_of(resized(portrait_face.canvas, 512, 512)), whole.canvas)


@pytest.mark.usefixtures("own_eyes")
def test_finding_is_repeatable_and_leaves_the_photo_alone(
    portrait: Picture, portrait_face: Face
) -> None:
    photo = portrait.copy()
    again = find_face(photo)
    assert np.array_equal(photo, portrait)
    assert np.array_equal(again.canvas, portrait_face.canvas)
    assert np.array_equal(again.landmarks, portrait_face.landmarks)
    assert again.box == portrait_face.box


def test_the_canvas_does_not_share_memory_with_the_photo(portrait_face: Face) -> None:
    photo = portrait_face.canvas.copy()
    face = find_face(photo)
    photo[:] = 0
    assert face.canvas.any()


def test_the_written_down_portrait_is_what_the_detector_finds(
    portrait: Picture, portrait_face: Face
) -> None:
    from blurdash import portrait as written

    face = written.portrait_face()
    assert np.array_equal(written.portrait_photo(), portrait)
    assert psnr(face.canvas, portrait_face.canvas) > 45
    assert np.abs(face.landmarks - portrait_face.landmarks).max() < 0.5
    assert face.box == pytest.approx(portrait_face.box, abs=0.5)
    assert face.photo_box == pytest.approx(portrait_face.photo_box, abs=0.1)
    assert face.confidence == pytest.approx(portrait_face.confidence, abs=1e-3)
    assert face.whole == portrait_face.whole
    assert face.second_score == pytest.approx(portrait_face.second_score, abs=0.05)
    assert face.source == pytest.approx(portrait_face.source, abs=0.1)
    assert written.portrait_face() is face


# --- geometry ------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", long_but({35}, [20, -20, 35]))
def test_the_canvas_is_upright_where_the_head_is_not(
    portrait: Picture, portrait_face: Face, degrees: float
) -> None:
    face = find_face(turned(portrait, degrees))
    assert abs(tilt(face)) < 2
    assert face.eye_distance == pytest.approx(portrait_face.eye_distance, rel=0.09)
    assert np.abs(face.landmarks - portrait_face.landmarks).max() < 60, "in the same place"


@pytest.mark.parametrize("turns", long_but({1}, [1, 2, 3]))
def test_a_photo_on_its_side_or_head_is_turned_back(
    portrait: Picture, portrait_face: Face, turns: int
) -> None:
    lying = np.ascontiguousarray(np.rot90(portrait, -turns))
    face = find_face(lying)
    assert face.turned == turns
    assert np.array_equal(face.canvas, portrait_face.canvas)
    assert np.array_equal(face.canvas_of(lying), face.canvas)
    assert face.doubt == ""
    assert face.notes == [f"the photo was turned by {90 * turns}° to be upright"]


def test_sweeps_look_at_other_turns_only_where_they_must(
    portrait: Picture, portrait_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    detect, here = face_module._detect, threading.get_ident()

    def counted(picture: Picture, side: int, least: int) -> Any:
        if threading.get_ident() == here:  # a page's background may look for faces, too
            looked.append(side)
        return detect(picture, side, least)

    monkeypatch.setattr(face_module, "_detect", counted)
    face = find_face(portrait, every_turn=False)
    assert np.array_equal(face.canvas, portrait_face.canvas)
    assert looked == [face_module.PHOTO_DETECTION_SIDE, face_module.CANVAS_DETECTION_SIDE]
    lying = np.ascontiguousarray(np.rot90(portrait, 2))
    assert find_face(lying, every_turn=False).turned == 2


def smiley() -> Picture:
    drawn = np.full((400, 400, 3), (250, 220, 60), np.uint8)
    cv2.circle(drawn, (200, 200), 150, (255, 225, 150), -1)
    for x in (145, 255):
        cv2.circle(drawn, (x, 165), 30, (255, 255, 255), -1)
        cv2.circle(drawn, (x, 166), 11, (0, 0, 0), -1)
    cv2.fillPoly(drawn, [np.array([[200, 200], [180, 250], [220, 250]])], (220, 160, 110))
    cv2.ellipse(drawn, (200, 265), (65, 45), 0, 20, 160, (160, 20, 20), 9)
    return drawn


def test_a_doubtful_face_is_said(portrait: Picture, portrait_face: Face) -> None:
    assert portrait_face.doubt == ""
    assert portrait_face.source == portrait_face.frame.side  # type: ignore[union-attr]
    assert find_face(resized(portrait_face.canvas, 512, 512)).source == 512
    small = find_face(resized(portrait, 200, 200))
    assert "only 65 px wide in its photo" in small.doubt
    half = portrait.copy()
    half[:, 225:] = 120
    for photo in (half, smiley()):
        try:
            doubtful = find_face(photo)
        except NoFaceError:
            continue
        assert "not sure" in doubtful.doubt
    # An upright face is one to both detectors.
    assert portrait_face.confidence >= face_module.SUREST_FROM
    assert (portrait_face.second_score or 0) >= face_module.SECOND_SURE_FROM


@pytest.mark.parametrize("factor", long_but({2}, [0.25, 0.5, 2, 4]))
def test_the_canvas_does_not_depend_on_the_size_of_the_photo(
    portrait: Picture, portrait_face: Face, factor: float
) -> None:
    side = round(512 * factor)
    face = find_face(resized(portrait, side, side))
    assert face.eye_distance == pytest.approx(portrait_face.eye_distance, rel=0.08)
    centre, wanted = face.landmarks.mean(axis=0), portrait_face.landmarks.mean(axis=0)
    assert np.hypot(*(centre - wanted)) < 60
    if factor > 1:
        assert psnr(portrait_face.canvas, face.canvas) > 17


def test_a_large_photo_is_averaged_down_without_aliasing(portrait: Picture) -> None:
    """Fine grain of a large photo averages out on the canvas; single pixels would keep it."""
    large = resized(portrait[:256, 100:356], 2560, 2560)
    face = find_face(large)
    grain = np.random.default_rng(0).integers(-60, 61, (2560, 2560, 1))
    grainy = np.clip(large + grain, 0, 255).astype(np.uint8)
    apart = face.canvas_of(grainy).astype(np.float32) - face.canvas
    fine = apart - cv2.GaussianBlur(apart, (0, 0), 2)
    assert np.std(fine) < 0.6 * np.std(grainy.astype(np.float32) - large)


def test_a_wide_and_a_tall_photo(portrait: Picture, portrait_face: Face) -> None:
    for part in (portrait[:260], portrait[:, 100:360]):
        face = find_face(part)
        assert face.canvas.shape == (1024, 1024, 3)
        assert face.eye_distance == pytest.approx(portrait_face.eye_distance, rel=0.05)


def test_what_lies_outside_the_photo_is_mirrored(portrait: Picture) -> None:
    tight = np.ascontiguousarray(portrait[50:200, 160:290])
    face = find_face(tight)
    assert psnr(ffhq_cut(tight, around=100), face.canvas) > 35


# --- taken whole ---------------------------------------------------------------------------------


def test_convention_an_ffhq_crop_of_1024_passes_bit_for_bit(portrait_face: Face) -> None:
    face = find_face(portrait_face.canvas)
    assert face.whole
    assert np.array_equal(face.canvas, portrait_face.canvas)
    assert face.box == pytest.approx(portrait_face.box, abs=3)


SIDES = [(893, 894), (894, 893), (512, 512), (2048, 2048)]


@pytest.mark.parametrize("size", long_but({(893, 894)}, SIDES))
def test_a_crop_of_another_size_is_taken_whole_and_only_resized(
    portrait_face: Face, size: tuple[int, int]
) -> None:
    face = find_face(resized(portrait_face.canvas, *size))
    assert face.whole
    assert face.canvas.shape == (1024, 1024, 3)
    assert psnr(portrait_face.canvas, face.canvas) > 30


def test_a_crop_that_is_far_from_square_is_cut_anew(portrait_face: Face) -> None:
    assert not find_face(portrait_face.canvas[:, :960]).whole
    assert not find_face(portrait_face.canvas[:900]).whole


def test_a_square_photo_that_is_no_such_crop_is_cut_anew(portrait_face: Face) -> None:
    closer = portrait_face.canvas[150:874, 150:874]  # framed more tightly
    assert not find_face(closer).whole
    assert not find_face(np.roll(portrait_face.canvas, 150, axis=1)).whole


# --- more and no faces ---------------------------------------------------------------------------


def test_faces_come_largest_first(portrait: Picture) -> None:
    half = np.zeros_like(portrait)
    half[:256, :256] = resized(portrait, 256, 256)
    for photo in (np.hstack([portrait, half]), np.hstack([half, portrait])):
        faces = find_faces(photo)
        assert len(faces) == 2
        widths = [face.photo_box[2] - face.photo_box[0] for face in faces]
        assert widths[0] == pytest.approx(2 * widths[1], rel=0.15)
        assert np.array_equal(find_face(photo).canvas, faces[0].canvas)
        for face in faces:
            assert face.eye_distance == pytest.approx(262, rel=0.06)


@pytest.mark.long
def test_of_forty_faces_the_largest_can_be_had(portrait_face: Face) -> None:
    sheet = np.full((5 * 180, 8 * 180, 3), 200, np.uint8)
    for place in range(40):
        top, left = (180 * part + 10 for part in divmod(place, 8))
        side = 168 if place in (7, 22) else 128
        sheet[top : top + side, left : left + side] = resized(portrait_face.canvas, side, side)
    faces = find_faces(sheet, most=3)
    assert len(faces) == 3
    middles = [(face.photo_box[0] + face.photo_box[2]) / 2 for face in faces]
    assert {int(middle // 180) for middle in middles[:2]} == {7, 22 % 8}


def random_photo(height: int, width: int) -> Picture:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def coffee() -> Picture:
    from skimage.data import coffee as picture

    return np.asarray(picture(), np.uint8)


FACELESS: dict[str, Callable[[], Picture]] = {
    "noise": lambda: random_photo(300, 300),
    "plain": lambda: np.full((300, 300, 3), 128, np.uint8),
    "coffee": coffee,
    "one pixel": lambda: random_photo(1, 1),
    "tiny": lambda: random_photo(19, 19),
    "thread": lambda: random_photo(4000, 2),
    "ribbon": lambda: random_photo(11, 5000),
    "smallest searched": lambda: random_photo(20, 20),
}


@pytest.mark.parametrize("kind", FACELESS)
def test_a_photo_without_a_face_is_said_to_be_one(kind: str) -> None:
    for find in (find_face, find_faces):
        with pytest.raises(NoFaceError, match="no face was found in this photo; try ") as caught:
            find(FACELESS[kind]())
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [400, 128, 96])
def test_small_faces_are_found(portrait: Picture, side: int) -> None:
    face = find_face(resized(portrait, side, side))
    left, _, right, _ = face.photo_box
    assert 0 <= left < right <= side
    assert face.eye_distance == pytest.approx(262, rel=0.08)


def test_a_face_too_small_to_find_is_no_face(portrait: Picture) -> None:
    with pytest.raises(NoFaceError):
        find_face(resized(portrait, 40, 40))


WRONG = {
    "float": np.zeros((64, 64, 3)),
    "uint16": np.zeros((64, 64, 3), np.uint16),
    "grey": np.zeros((64, 64), np.uint8),
    "RGBA": np.zeros((64, 64, 4), np.uint8),
    "batch": np.zeros((1, 64, 64, 3), np.uint8),
    "no rows": np.zeros((0, 64, 3), np.uint8),
    "no columns": np.zeros((64, 0, 3), np.uint8),
    "text": "photo.png",
    "none": None,
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("function", [find_face, find_faces, locate_face])
def test_what_is_no_photo_is_refused(function: Callable[[object], object], kind: str) -> None:
    with pytest.raises(PictureError, match="wanted uint8") as caught:
        function(WRONG[kind])
    assert "\n" not in str(caught.value)


# --- found again ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("own_eyes")
def test_redetecting_an_unchanged_canvas_gives_the_same_geometry(portrait_face: Face) -> None:
    again = locate_face(portrait_face.canvas)
    assert again.box == portrait_face.box
    assert np.array_equal(again.landmarks, portrait_face.landmarks)
    assert np.array_equal(again.canvas, portrait_face.canvas)
    assert again.chip_points == portrait_face.chip_points


def test_redetecting_follows_a_shift(portrait_face: Face) -> None:
    moved = locate_face(np.roll(portrait_face.canvas, (-30, 40), axis=(0, 1)))
    away = (moved.landmarks - portrait_face.landmarks).mean(axis=0)
    assert away == pytest.approx([40, -30], abs=5)


def test_redetecting_where_no_face_is_left() -> None:
    with pytest.raises(NoFaceError, match="lower the degree"):
        locate_face(random_photo(1024, 1024))


@pytest.mark.parametrize("shape", [(512, 512, 3), (1024, 1023, 3)])
def test_redetecting_takes_canvases_only(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match=r"wanted .*1024"):
        locate_face(np.zeros(shape, np.uint8))


def test_a_face_lost_at_the_scale_of_the_canvas_keeps_the_geometry_of_the_photo(
    portrait: Picture, portrait_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = face_module._detect

    def once(photo: Picture, side: int, smallest: int) -> list[object]:
        return (
            []
            if photo.shape == (1024, 1024, 3) and smallest == 80
            else detect(photo, side, smallest)
        )

    monkeypatch.setattr(face_module, "_detect", once)
    carried = find_face(portrait)
    assert np.array_equal(carried.canvas, portrait_face.canvas)
    assert np.abs(carried.landmarks - portrait_face.landmarks).max() < 20
    assert carried.box == pytest.approx(portrait_face.box, abs=30)
    whole = find_face(resized(portrait_face.canvas, 512, 512))
    assert whole.whole
    assert np.abs(whole.landmarks - portrait_face.landmarks).max() < 20


# --- dlib's landmarks ----------------------------------------------------------------------------


def test_chip_points_are_deterministic_and_computed_once(portrait_face: Face) -> None:
    points = portrait_face.chip_points
    assert points is portrait_face.chip_points
    assert points == chip_landmarks(portrait_face.canvas)
    assert points == chip_landmarks(portrait_face.canvas.copy())
    assert len(points) == 5
    assert all(type(value) is int for point in points for value in point)


def test_chip_points_are_dlibs_own(portrait_face: Face) -> None:
    import dlib

    canvas = np.array(portrait_face.canvas)
    box = dlib.get_frontal_face_detector()(canvas, 0)[0]
    path = face_module.model_file("shape_predictor_5_face_landmarks.dat")
    shape = dlib.shape_predictor(str(path))(canvas, box)
    assert portrait_face.chip_points == tuple((p.x, p.y) for p in shape.parts())


def test_chip_points_come_from_the_box_where_dlib_sees_no_face(portrait_face: Face) -> None:
    import dlib

    smeared = np.asarray(cv2.blur(np.array(portrait_face.canvas), (181, 181)), np.uint8)
    assert len(dlib.get_frontal_face_detector()(smeared, 0)) == 0
    points = np.array(chip_landmarks(smeared), float)
    assert np.abs(points - np.array(portrait_face.chip_points)).max() < 100


def test_a_model_file_that_is_not_installed_is_named() -> None:
    with pytest.raises(face_module.WeightsError, match=r"no other\.dat; install the package"):
        face_module.model_file("other.dat")


def test_importing_the_module_loads_neither_torch_nor_dlib() -> None:
    code = "import sys, blurdash.face; sys.exit(bool({'torch', 'dlib'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[1]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, check=False)
    assert run.returncode == 0
