"""Blur and shift: bit for bit the study's function, and shifts that keep a picture sharp.

References: the study's function written out here, OpenCV's filter, NumPy's padding, SciPy's spline
interpolation and pictures whose shifted selves are known in closed form.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from blurdash import defaults
from blurdash.blur import (
    CanvasBlur,
    Change,
    apply_change,
    apply_kernel,
    reference_picture,
    shift,
    study_blur,
)
from blurdash.errors import BlurdashError, PictureError, SettingError
from blurdash.face import Face
from blurdash.kernel import KERNELS, line_kernel, study_kernel
from tests.marks import long_but

Picture = npt.NDArray[np.uint8]


def study(
    picture: Picture, degree: int | None = None, angle: float | None = None
) -> tuple[Picture, float]:
    """The study's function in other words: same draws from ``random``, same OpenCV calls."""
    degree = random.randint(0, 100) if degree is None else degree
    angle = random.randint(-180, 180) if angle is None else angle
    if degree == 1:
        angle = random.randint(-88, 88)
    out = np.array(picture)
    if degree > 0:
        turn = cv2.getRotationMatrix2D((degree / 2, degree / 2), angle, 1)
        kernel = cv2.warpAffine(np.diag(np.ones(degree)), turn, (degree, degree)) / degree
        out = cv2.filter2D(out, -1, kernel)
    cv2.normalize(out, out, 0, 255, cv2.NORM_MINMAX)
    return np.array(out, dtype=np.uint8), degree / 100


@pytest.fixture(scope="module")
def small(portrait_face: Face) -> Picture:
    """Returns the portrait's canvas at 256 × 256."""
    picture = np.asarray(
        cv2.resize(portrait_face.canvas, (256, 256), interpolation=cv2.INTER_AREA), np.uint8
    )
    picture.flags.writeable = False
    return picture


def sharpness(picture: Picture) -> float:
    """Variance of the Laplacian of the grey picture."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def noise(*shape: int, seed: int = 1) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int, width: int, sigma: float = 3) -> Picture:
    """Returns a random picture without detail finer than ``sigma``, within 0..255."""
    wave = cv2.GaussianBlur(np.random.default_rng(2).normal(size=(height, width, 3)), (0, 0), sigma)
    return np.asarray(np.clip(128 + 30 * wave / wave.std(), 0, 255).round(), np.uint8)


# --- the study's blur ----------------------------------------------------------------------------


@pytest.mark.parametrize("angle", long_but({45}, [0, 45, -37.5, 120]))
def test_study_blur_is_the_study_bit_for_bit_on_the_portrait(small: Picture, angle: float) -> None:
    picture = small if angle == 45 else small[64:192, 64:192]
    for degree in range(101):
        random.seed(degree)
        expected, severity = study(picture, degree, angle)
        random.seed(degree)
        blurred, got = study_blur(picture, degree, angle)
        assert np.array_equal(blurred, expected), degree
        assert got == severity == degree / 100
        assert blurred.dtype == np.uint8


@pytest.mark.parametrize("angle", long_but({45}, [45, -100]))
def test_study_blur_is_the_study_bit_for_bit_on_a_grey_picture(
    small: Picture, angle: float
) -> None:
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    for degree in range(101):
        random.seed(degree)
        expected, _ = study(grey, degree, angle)
        random.seed(degree)
        assert np.array_equal(study_blur(grey, degree, angle)[0], expected), degree


@pytest.mark.parametrize(("degree", "angle"), [(0, 45), (1, 45), (11, 0), (30, 45), (100, -60)])
def test_study_blur_is_the_study_bit_for_bit_on_the_whole_canvas(
    portrait_face: Face, degree: int, angle: float
) -> None:
    random.seed(3)
    expected, _ = study(portrait_face.canvas, degree, angle)
    random.seed(3)
    assert np.array_equal(study_blur(portrait_face.canvas, degree, angle)[0], expected)


@given(
    st.integers(0, 100),
    st.floats(-400, 400),
    st.sampled_from([(40, 60, 3), (61, 33), (128, 20, 4), (7, 7, 3), (1, 1), (1, 30, 3)]),
    st.integers(0, 255),
)
def test_study_blur_is_the_study_bit_for_bit_on_random_pictures(
    degree: int, angle: float, shape: tuple[int, ...], brightest: int
) -> None:
    picture = np.minimum(noise(*shape, seed=degree), np.uint8(brightest))
    random.seed(5)
    expected, _ = study(picture, degree, angle)
    random.seed(5)
    assert np.array_equal(study_blur(picture, degree, angle)[0], expected)


def test_study_blur_treats_channels_alike_in_any_order(small: Picture) -> None:
    turned = study_blur(np.ascontiguousarray(small[..., ::-1]), 40, 20)[0]
    assert np.array_equal(study_blur(small, 40, 20)[0], turned[..., ::-1])


def test_study_blur_takes_a_picture_that_is_not_contiguous(small: Picture) -> None:
    plain = np.ascontiguousarray(small[::-1, ::2])
    assert np.array_equal(study_blur(small[::-1, ::2], 9, 0)[0], study_blur(plain, 9, 0)[0])


@pytest.mark.parametrize("degree", [0, 1, 5, 60])
def test_study_blur_does_not_change_its_input(small: Picture, degree: int) -> None:
    picture = small // 2 + 20  # the stretch would show
    before = picture.copy()
    blurred, _ = study_blur(picture, degree, 45)
    assert np.array_equal(picture, before)
    assert not np.shares_memory(picture, blurred)


def test_convention_study_stretches_to_0_and_255_even_at_degree_0(small: Picture) -> None:
    dull = small // 4 + 90
    for degree in (0, 1, 8, 60):
        blurred, _ = study_blur(dull, degree, 10)
        assert blurred.min() == 0
        assert blurred.max() == 255
    spread = dull.astype(float)
    exact = (spread - spread.min()) / (spread.max() - spread.min()) * 255
    assert np.abs(study_blur(dull, 0)[0] - exact).max() <= 0.5 + 1e-3


def test_convention_study_severity_is_a_hundredth_of_the_degree(small: Picture) -> None:
    assert [study_blur(small, degree, 0)[1] for degree in (0, 1, 7, 100)] == [0, 0.01, 0.07, 1]


@pytest.mark.parametrize("seed", range(12))
def test_convention_study_draws_degree_then_angle_from_pythons_generator(seed: int) -> None:
    picture = noise(48, 48, 3)
    random.seed(seed)
    expected, severity = study(picture)
    after = random.random()
    random.seed(seed)
    blurred, got = study_blur(picture)
    assert np.array_equal(blurred, expected)
    assert got == severity
    assert random.random() == after, "as many draws as the study"
    again, _ = study_blur(picture, rng=random.Random(seed))
    assert np.array_equal(again, expected)


@pytest.mark.parametrize("degree", [0, 1, 30])
def test_convention_study_draws_an_angle_when_only_the_degree_is_given(degree: int) -> None:
    picture = noise(48, 48, 3)
    random.seed(4)
    expected, _ = study(picture, degree)
    after = random.random()
    random.seed(4)
    assert np.array_equal(study_blur(picture, degree)[0], expected)
    assert random.random() == after


def test_convention_study_degree_1_draws_its_own_angle_even_when_one_is_given() -> None:
    picture = noise(32, 32, 3)
    for seed in range(40):
        drawn = random.Random(seed).randint(-88, 88)
        got, _ = study_blur(picture, 1, 170, rng=random.Random(seed))
        one_tap = apply_kernel(picture, study_kernel(1, drawn))
        assert np.array_equal(got, cv2.normalize(one_tap, None, 0, 255, cv2.NORM_MINMAX))
        assert got.any(), "within ±88 there is light, at 170 there is none"


def test_convention_study_draws_every_degree_and_angle_and_both_ends() -> None:
    class Recorder(random.Random):
        asked: list[tuple[int, int]]

        def randint(self, a: int, b: int) -> int:
            self.asked.append((a, b))
            return b

    recorder = Recorder(0)
    recorder.asked = []
    assert study_blur(noise(8, 8), rng=recorder)[1] == 1.0
    study_blur(noise(8, 8), 1, 5, rng=recorder)
    assert recorder.asked == [(0, 100), (-180, 180), (-88, 88)]


def test_a_numpy_generator_repeats_itself_and_reaches_both_ends() -> None:
    picture = noise(16, 16, 3)
    first = [study_blur(picture, rng=np.random.default_rng(seed)) for seed in range(30)]
    again = [study_blur(picture, rng=np.random.default_rng(seed)) for seed in range(30)]
    assert all(
        np.array_equal(a[0], b[0]) and a[1] == b[1] for a, b in zip(first, again, strict=True)
    )
    assert len({severity for _, severity in first}) > 15
    generator = np.random.default_rng(0)
    drawn = {study_blur(picture[:2, :2], rng=generator)[1] for _ in range(2000)}
    assert drawn == {degree / 100 for degree in range(101)}


def test_a_generator_that_is_given_leaves_the_global_ones_alone() -> None:
    states = random.getstate(), np.random.get_state()[1].copy()
    study_blur(noise(8, 8), rng=random.Random(1))
    study_blur(noise(8, 8), rng=np.random.default_rng(1))
    study_blur(noise(8, 8), 30, 45)
    assert random.getstate() == states[0]
    assert np.array_equal(np.random.get_state()[1], states[1])


def test_a_blur_with_degree_and_angle_given_is_the_same_every_time(small: Picture) -> None:
    assert np.array_equal(study_blur(small, 33, 12)[0], study_blur(small, 33, 12)[0])


@pytest.mark.parametrize(
    "rng", [3, "seed", np.random.RandomState(0)], ids=["number", "text", "legacy"]
)
def test_something_else_is_no_generator(rng: object) -> None:
    with pytest.raises(SettingError, match=r"rng is a .*; give a random\.Random"):
        study_blur(noise(8, 8), rng=rng)


# --- filtering -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(50, 60, 3), (50, 60), (50, 60, 4), (50, 60, 1)])
def test_apply_kernel_is_opencvs_filter(shape: tuple[int, ...]) -> None:
    picture = noise(*shape)
    for kernel in (study_kernel(9, 20), study_kernel(40, 45), line_kernel(17, 60), np.eye(4) / 4):
        blurred = apply_kernel(picture, kernel)
        assert np.array_equal(blurred, cv2.filter2D(picture, -1, kernel).reshape(shape))
        assert blurred.shape == shape
        assert blurred.dtype == np.uint8


def test_convention_apply_kernel_correlates_and_anchors_at_size_floor_half() -> None:
    picture = noise(9, 9)
    tap = np.zeros((4, 4))
    tap[2, 3] = 1  # one to the right of the anchor (2, 2)
    assert np.array_equal(apply_kernel(picture, tap)[:, :-1], picture[:, 1:])


def test_convention_apply_kernel_mirrors_without_repeating_the_edge() -> None:
    picture = noise(12, 15, 3)
    kernel = np.random.default_rng(3).random((5, 7))
    kernel /= kernel.sum()
    wide = np.pad(picture.astype(float), ((2, 2), (3, 3), (0, 0)), mode="reflect")
    exact = sum(
        kernel[row, column] * wide[row : row + 12, column : column + 15]
        for row in range(5)
        for column in range(7)
    )
    assert np.abs(apply_kernel(picture, kernel) - exact).max() <= 0.5 + 1e-4


def test_apply_kernel_clips_and_leaves_its_input_alone() -> None:
    picture = noise(20, 20, 3)
    before = picture.copy()
    assert (apply_kernel(picture, [[3.0]]) == np.minimum(picture * 3.0, 255)).all()
    assert not apply_kernel(picture, [[-1.0]]).any()
    assert np.array_equal(picture, before)


@given(st.integers(0, 255), st.floats(0, 100), st.floats(-180, 180))
def test_a_line_kernel_leaves_a_plain_picture_as_it_is(
    level: int, length: float, angle: float
) -> None:
    picture = np.full((30, 30, 3), level, np.uint8)
    assert np.array_equal(apply_kernel(picture, line_kernel(length, angle)), picture)


def test_a_line_kernel_keeps_the_place_and_brightness_of_the_portrait(small: Picture) -> None:
    blurred = apply_kernel(small, line_kernel(31, 30))
    assert blurred.mean() == pytest.approx(small.mean(), abs=1)
    ahead = cv2.phaseCorrelate(
        cv2.GaussianBlur(small[..., 1], (0, 0), 4).astype(np.float64),
        cv2.GaussianBlur(blurred[..., 1], (0, 0), 4).astype(np.float64),
    )[0]
    assert math.hypot(*ahead) < 0.5


@pytest.mark.parametrize(
    "kernel",
    [
        np.ones(3),
        np.ones((3, 3, 3)),
        np.ones((0, 3)),
        np.full((3, 3), np.nan),
        np.ones((3, 3), complex),
        "kernel",
    ],
    ids=["1-D", "3-D", "empty", "nan", "complex", "text"],
)
def test_apply_kernel_refuses_what_is_no_kernel(kernel: npt.NDArray[np.float64]) -> None:
    with pytest.raises(PictureError, match="kernel"):
        apply_kernel(noise(8, 8), kernel)


@given(
    st.sampled_from([(200, 150, 3), (130, 140), (60, 200, 4), (30, 30, 3), (112, 111)]),
    st.integers(1, 120),
    st.integers(1, 120),
    st.integers(0, 2**32 - 1),
)
def test_canvas_blur_is_the_exact_blur_for_any_kernel(
    shape: tuple[int, ...], height: int, width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    taps = np.zeros((height, width))
    for _ in range(rng.integers(1, 30)):  # a few taps anywhere: off-centre, sparse
        taps[rng.integers(height), rng.integers(width)] += rng.random()
    taps[height // 2, width // 2] += 0.1
    taps /= taps.sum()
    picture = noise(*shape, seed=seed)
    fast, exact = CanvasBlur(picture).apply(taps), apply_kernel(picture, taps)
    assert fast.shape == exact.shape
    assert cv2.absdiff(fast, exact).max() <= 1


@pytest.mark.parametrize("place", [(1, 22), (2, 14), (0, 0), (2, 26)])
def test_canvas_blur_is_the_exact_blur_for_a_kernel_away_from_its_anchor(
    place: tuple[int, int],
) -> None:
    taps = np.zeros((5, 27))
    taps[place] = 1
    picture = noise(60, 60, 3)
    assert np.array_equal(CanvasBlur(picture).apply(taps), apply_kernel(picture, taps))


# --- shifts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(20, 31, 3), (20, 31)])
@pytest.mark.parametrize("dx", [-30, -16, -1, 0, 1, 7, 30])
@pytest.mark.parametrize("dy", [-19, -3, 0, 2, 19])
def test_a_whole_shift_copies_pixels_and_mirrors_the_border(
    shape: tuple[int, ...], dx: int, dy: int
) -> None:
    picture = noise(*shape)
    rim = [(19, 19), (30, 30), (0, 0)][: len(shape)]
    wide = np.pad(picture, rim, mode="reflect")
    expected = wide[19 - dy : 39 - dy, 30 - dx : 61 - dx]
    moved = shift(picture, dx, dy)
    assert np.array_equal(moved, expected)
    assert np.array_equal(shift(picture, float(dx), float(dy)), expected)
    assert moved.dtype == np.uint8


def test_convention_shift_is_right_and_down() -> None:
    picture = np.zeros((9, 9), np.uint8)
    picture[4, 4] = 200
    assert shift(picture, 2, 0)[4, 6] == 200
    assert shift(picture, 0, 3)[7, 4] == 200
    part_right, part_down = shift(picture, 0.25, 0), shift(picture, 0, 0.25)
    assert part_right[4, 5] > part_right[4, 3]
    assert part_down[5, 4] > part_down[3, 4]


def test_a_shift_by_nothing_is_a_copy(small: Picture) -> None:
    moved = shift(small, 0, 0)
    assert np.array_equal(moved, small)
    assert not np.shares_memory(moved, small)


def by_spline(picture: Picture, dx: float, dy: float) -> npt.NDArray[np.float64]:
    """Shifts a grey picture by a spline of order 5, mirrored without repeating the edge."""
    moved = scipy.ndimage.shift(picture.astype(float), (dy, dx), order=5, mode="mirror")
    return np.asarray(np.clip(moved, 0, 255))


@given(st.floats(-15, 15), st.floats(-15, 15))
def test_a_sub_pixel_shift_agrees_with_spline_interpolation(dx: float, dy: float) -> None:
    picture = smooth(48, 64)[..., 0]
    apart = np.abs(shift(picture, dx, dy) - by_spline(picture, dx, dy))[20:-20, 20:-20]
    assert apart.max() < 1.6  # both round, and ring differently
    assert apart.mean() < 0.5


@pytest.mark.parametrize("amount", [0.5, 1.5, -1.5, 8.25, -8.75, 16.5])
def test_a_sub_pixel_shift_mirrors_the_border_like_a_whole_one(amount: float) -> None:
    picture = smooth(48, 64)[..., 0]
    for dx, dy in ((amount, 0), (0, amount), (amount, -amount)):
        assert np.abs(shift(picture, dx, dy) - by_spline(picture, dx, dy)).max() < 3


@pytest.mark.parametrize(("dx", "dy"), [(0.5, 0), (0, 0.5), (3.25, -7.75), (-12.4, 5.1)])
def test_a_sub_pixel_shift_moves_a_wave_by_exactly_that_much(dx: float, dy: float) -> None:
    y, x = np.mgrid[:96, :128].astype(float)

    def wave(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 128 + 60 * np.sin(x / 2.1 + 0.3) + 60 * np.cos(y / 3.3 - x / 9)

    moved = shift(np.rint(wave(x, y)).astype(np.uint8), dx, dy)
    inside = np.s_[24:-24, 24:-24]
    assert np.abs(moved - wave(x - dx, y - dy))[inside].max() < 2.2


@pytest.mark.parametrize(
    ("dx", "dy", "least", "bilinear_at_most"),
    [(0.5, 0, 0.8, 0.6), (0, -0.5, 0.8, 0.6), (0.5, 0.5, 0.7, 0.35), (16.5, -3.5, 0.7, 0.35)],
)
def test_a_half_pixel_shift_stays_sharp(
    portrait: Picture, dx: float, dy: float, least: float, bilinear_at_most: float
) -> None:
    matrix = np.array([[1, 0, dx], [0, 1, dy]])
    bilinear = cv2.warpAffine(portrait, matrix, (512, 512), borderMode=cv2.BORDER_REFLECT_101)
    kept = sharpness(shift(portrait, dx, dy)) / sharpness(portrait)
    assert least <= kept <= 1.05
    assert sharpness(bilinear) / sharpness(portrait) < bilinear_at_most, "blurring would show"


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_a_shift_there_and_back_is_the_picture_away_from_the_border(dx: float, dy: float) -> None:
    picture = smooth(80, 80)
    back = shift(shift(picture, dx, dy), -dx, -dy).astype(int)
    inside = np.s_[30:-30, 30:-30]
    assert np.abs(back - picture)[inside].max() <= 3


@given(st.integers(-15, 15), st.integers(-15, 15), st.floats(0, 1), st.floats(0, 1))
def test_a_shift_is_its_whole_and_its_fraction(dx: int, dy: int, fx: float, fy: float) -> None:
    picture = smooth(64, 64)
    at_once, in_two = shift(picture, dx + fx, dy + fy), shift(shift(picture, fx, fy), dx, dy)
    assert np.abs(at_once.astype(int) - in_two)[20:-20, 20:-20].max() <= 1


def test_a_shift_of_a_plain_picture_changes_nothing() -> None:
    for level in (0, 1, 128, 255):
        picture = np.full((40, 40, 3), level, np.uint8)
        assert np.array_equal(shift(picture, 3.3, -7.7), picture)


@pytest.mark.parametrize(("dx", "dy"), [(5, 0), (0, -5), (3.5, 2.25)])
def test_a_shift_leaves_its_input_alone(dx: float, dy: float) -> None:
    picture = noise(20, 20, 3)
    before = picture.copy()
    shift(picture, dx, dy)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("amount", [20, -20, 1e9, math.nan, math.inf, "3", None, True], ids=repr)
def test_a_shift_by_the_whole_picture_or_by_no_number_is_refused(amount: object) -> None:
    picture = noise(20, 20, 3)
    with pytest.raises(SettingError, match=r"dx is .*wanted a number of pixels smaller than 20"):
        shift(picture, amount, 0)
    with pytest.raises(SettingError, match="dy is "):
        shift(picture, 0, amount)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (2, 2), (5, 3)])
def test_a_shift_of_a_tiny_picture_is_no_crash(size: tuple[int, int]) -> None:
    picture = noise(*size, 3)
    dx, dy = size[1] - 0.75, -(size[0] - 0.75)
    assert shift(picture, dx, dy).shape == picture.shape


# --- what is no picture --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((8, 8), bool),
        np.zeros(8, np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        "picture",
        None,
    ],
    ids=["float", "uint16", "bool", "1-D", "4-D", "empty", "text", "none"],
)
@pytest.mark.parametrize(
    "function",
    [
        lambda image: apply_kernel(image, np.ones((3, 3)) / 9),
        lambda image: study_blur(image, 3, 45),
        lambda image: shift(image, 1, 1),
        lambda image: apply_change(image, Change(degree=3)),
        lambda image: reference_picture(image, "study"),
    ],
    ids=["apply_kernel", "study_blur", "shift", "apply_change", "reference_picture"],
)
def test_what_is_no_picture_is_refused(function: Callable[[object], object], image: object) -> None:
    with pytest.raises(PictureError, match="wanted uint8") as caught:
        function(image)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("degree", [-1, 101, 1.5, "x", math.nan, True], ids=repr)
def test_study_blur_refuses_a_wrong_degree(degree: object) -> None:
    with pytest.raises(SettingError, match="degree is "):
        study_blur(noise(8, 8), degree, 45)


@pytest.mark.parametrize("angle", [math.nan, math.inf, "x", True], ids=repr)
def test_study_blur_refuses_a_wrong_angle(angle: object) -> None:
    with pytest.raises(SettingError, match="angle is "):
        study_blur(noise(8, 8), 9, angle)


# --- changes -------------------------------------------------------------------------------------


def test_a_change_starts_from_the_defaults() -> None:
    change = Change()
    assert (change.degree, change.angle, change.kernel) == (
        defaults.DEGREE,
        defaults.ANGLE,
        defaults.KERNEL,
    )
    assert (change.shift_x, change.shift_y) == (0, 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"degree": 101},
        {"degree": 1.5},
        {"angle": math.nan},
        {"kernel": "lin"},
        {"kernel": None},
        {"shift_x": 1024},
        {"shift_y": math.nan},
        {"shift_x": "3"},
    ],
    ids=str,
)
def test_a_change_that_cannot_be_made_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(BlurdashError) as caught:
        Change(**settings)
    assert isinstance(caught.value, SettingError)


def test_a_wrong_kernel_gets_a_suggestion() -> None:
    with pytest.raises(SettingError, match="did you mean 'line'"):
        Change(kernel="lin")


@pytest.mark.parametrize(("degree", "angle"), [(0, 45), (5, 45), (30, 45), (100, -20)])
def test_a_study_change_is_the_study(small: Picture, degree: int, angle: float) -> None:
    changed = apply_change(small, Change(degree=degree, angle=angle))
    assert np.array_equal(changed, study(small, degree, angle)[0])


def test_a_study_change_of_degree_1_is_repeatable_and_says_which_angle_it_took(
    small: Picture,
) -> None:
    change = Change(degree=1, angle=170)
    assert -88 <= change.used_angle <= 88
    assert np.array_equal(apply_change(small, change), apply_change(small, change))
    one_tap = cv2.filter2D(small, -1, study_kernel(1, change.used_angle))
    expected = cv2.normalize(one_tap, None, 0, 255, cv2.NORM_MINMAX)
    assert np.array_equal(apply_change(small, change), expected)
    assert Change(degree=1, angle=170, kernel="line").used_angle == 170
    assert Change(degree=2, angle=170).used_angle == 170


@pytest.mark.parametrize("degree", [0, 1, 12, 40])
def test_a_line_change_is_the_line_kernel_without_a_stretch(small: Picture, degree: int) -> None:
    dull = small // 2 + 30
    changed = apply_change(dull, Change(degree=degree, angle=30, kernel="line"))
    assert np.array_equal(changed, apply_kernel(dull, line_kernel(degree, 30)))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_change_blurs_first_and_shifts_then(small: Picture, kernel: str) -> None:
    plain = Change(degree=20, angle=10, kernel=kernel)
    moved = Change(degree=20, angle=10, kernel=kernel, shift_x=7, shift_y=-4)
    assert np.array_equal(apply_change(small, moved), shift(apply_change(small, plain), 7, -4))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_change_of_nothing_is_the_reference(small: Picture, kernel: str) -> None:
    dull = small // 2 + 30
    before = dull.copy()
    reference = reference_picture(dull, kernel)
    again = apply_change(reference, Change(degree=0, kernel=kernel))
    assert np.array_equal(reference, again)
    assert np.array_equal(dull, before)
    assert not np.shares_memory(reference, dull)


def test_convention_reference_of_the_study_is_its_own_degree_0(small: Picture) -> None:
    dull = small // 2 + 30
    assert np.array_equal(reference_picture(dull, "study"), study(dull, 0, 0)[0])
    assert np.array_equal(reference_picture(dull, "line"), dull)


def test_reference_of_an_unknown_kernel() -> None:
    with pytest.raises(SettingError, match="'box' is not a kernel"):
        reference_picture(noise(8, 8, 3), "box")
