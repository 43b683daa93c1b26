"""PSNR and SSIM: the numbers of scikit-image on real and random pictures."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from blurdash.errors import PictureError
from blurdash.face import Face
from blurdash.quality import METRICS, luma, psnr, ssim

Picture = npt.NDArray[np.uint8]
Metric = Callable[[Picture, Picture], float]

PSNR_TOLERANCE = 1e-9  # dB; both sum integers exactly
SSIM_TOLERANCE = 5e-6  # ours is float32 inside; the largest difference seen was 5e-7
SSIM_FLAT_TOLERANCE = 1e-4  # on plain areas variances are small differences; seen was 8e-6
SIZES = [(11, 11), (11, 40), (40, 12), (64, 64), (106, 30), (107, 33), (203, 11), (300, 41)]


def skimage_ssim(reference: Picture, test: Picture) -> float:
    """SSIM as Wang et al. define it, on the luma that OpenCV makes of RGB."""
    grey = [cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY) for p in (reference, test)]
    return float(
        structural_similarity(
            *grey, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
    )


def skimage_psnr(reference: Picture, test: Picture) -> float:
    return float(peak_signal_noise_ratio(reference, test, data_range=255))


def noise(height: int, width: int, seed: int = 0) -> Picture:
    return np.random.default_rng([height, width, seed]).integers(
        0, 256, (height, width, 3), dtype=np.uint8
    )


def grainy(picture: Picture) -> Picture:
    grain = np.random.default_rng(3).normal(0, 12, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def one_value(picture: Picture) -> Picture:
    one = picture.copy()
    one[5, 7, 1] ^= 1
    return one


# What happens to pictures, by name.
CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "blurred": lambda picture: np.asarray(cv2.filter2D(picture, -1, np.eye(31) / 31), np.uint8),
    "softened": lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2), np.uint8),
    "shifted": lambda picture: np.roll(picture, 16, axis=1),
    "grainy": grainy,
    "darker": lambda picture: picture // 2,
    "negative": lambda picture: 255 - picture,
    "mirrored": lambda picture: picture[:, ::-1],
    "recoloured": lambda picture: picture[..., ::-1],
    "one value": one_value,
    "black": np.zeros_like,
    "white": lambda picture: np.full_like(picture, 255),
}


@pytest.fixture(scope="module")
def canvas(portrait_face: Face) -> Picture:
    return portrait_face.canvas


@pytest.mark.parametrize("change", CHANGES)
def test_psnr_is_scikit_images_on_the_portrait(
    portrait: Picture, canvas: Picture, change: str
) -> None:
    for picture in (portrait, canvas):
        test = CHANGES[change](picture)
        assert abs(psnr(picture, test) - skimage_psnr(picture, test)) < PSNR_TOLERANCE


@pytest.mark.parametrize("change", CHANGES)
def test_ssim_is_scikit_images_on_the_portrait(portrait: Picture, change: str) -> None:
    test = CHANGES[change](portrait)
    tolerance = SSIM_FLAT_TOLERANCE if change in ("black", "white") else SSIM_TOLERANCE
    assert abs(ssim(portrait, test) - skimage_ssim(portrait, test)) < tolerance


@pytest.mark.parametrize("change", ["blurred", "shifted"])
def test_ssim_is_scikit_images_on_the_canvas(canvas: Picture, change: str) -> None:
    test = CHANGES[change](canvas)
    assert abs(ssim(canvas, test) - skimage_ssim(canvas, test)) < SSIM_TOLERANCE


@pytest.mark.parametrize("size", SIZES)
def test_both_are_scikit_images_at_every_size(size: tuple[int, int]) -> None:
    for seed in range(3):
        a, b = noise(*size, seed), noise(*size, seed + 10)
        for test in (b, (a // 8 * 7 + b // 8).astype(np.uint8)):
            assert abs(psnr(a, test) - skimage_psnr(a, test)) < PSNR_TOLERANCE
            assert abs(ssim(a, test) - skimage_ssim(a, test)) < SSIM_TOLERANCE


@pytest.mark.parametrize("level", [0, 3, 128, 250, 255])
def test_ssim_keeps_its_digits_in_flat_dark_and_bright_pictures(level: int) -> None:
    rng = np.random.default_rng(level)
    a, b = (
        np.clip(level + rng.integers(-2, 3, (80, 90, 3)), 0, 255).astype(np.uint8) for _ in range(2)
    )
    assert abs(ssim(a, b) - skimage_ssim(a, b)) < SSIM_FLAT_TOLERANCE


@given(st.integers(11, 60), st.integers(11, 60), st.integers(0, 1000))
def test_both_are_symmetric_and_bounded(height: int, width: int, seed: int) -> None:
    a, b = noise(height, width, seed), noise(height, width, seed + 1)
    assert psnr(a, b) == psnr(b, a)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-6)
    assert 0 <= psnr(a, b) < math.inf
    assert -1 <= ssim(a, b) < 1


@given(st.integers(11, 60), st.integers(11, 60), st.integers(0, 1000))
def test_identical_pictures(height: int, width: int, seed: int) -> None:
    a = noise(height, width, seed)
    assert psnr(a, a) == psnr(a, a.copy()) == math.inf
    assert ssim(a, a) == ssim(a, a.copy()) == 1


def test_convention_psnr_of_black_and_white_is_0_and_of_identical_pictures_infinite() -> None:
    black, white = np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)
    assert psnr(black, white) == 0
    assert psnr(black, black) == math.inf


@given(st.integers(1, 40), st.integers(1, 40))
def test_psnr_of_black_and_white_is_exactly_0_at_every_size(height: int, width: int) -> None:
    black = np.zeros((height, width, 3), np.uint8)
    assert psnr(black, black + np.uint8(255)) == 0


def test_convention_psnr_range_is_255_whatever_the_picture_holds() -> None:
    dark = np.zeros((16, 16, 3), np.uint8)
    assert psnr(dark, dark + 1) == pytest.approx(20 * math.log10(255))


def test_convention_psnr_is_over_all_rgb_values() -> None:
    a = np.zeros((16, 16, 3), np.uint8)
    b = a.copy()
    b[..., 0] = 30  # a third of the values
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / (30**2 / 3)))


def test_convention_ssim_is_over_rec_601_luma_of_rgb(portrait: Picture) -> None:
    weights = np.array([0.299, 0.587, 0.114])
    assert np.abs(luma(portrait) - portrait @ weights).max() <= 0.51
    assert luma(portrait).dtype == np.float32
    grey = np.repeat(luma(portrait).astype(np.uint8)[..., None], 3, axis=2)
    blurred = CHANGES["blurred"](grey)
    assert ssim(grey, blurred) == pytest.approx(skimage_ssim(grey, blurred), abs=SSIM_TOLERANCE)
    red, blue = np.zeros((2, 16, 16, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    assert luma(red)[0, 0] == 60
    assert luma(blue)[0, 0] == 23


def test_convention_ssim_of_a_negative_is_below_zero() -> None:
    a = noise(64, 64)
    assert ssim(a, 255 - a) < -0.5


def test_a_stronger_change_scores_lower(portrait: Picture) -> None:
    blurs = [cv2.GaussianBlur(portrait, (0, 0), sigma) for sigma in (0.7, 1, 2, 4, 8, 16)]
    for metric in (psnr, ssim):
        values = [metric(portrait, blurred) for blurred in blurs]
        assert values == sorted(values, reverse=True)


def test_other_memory_layouts_give_the_same(portrait: Picture) -> None:
    test = CHANGES["blurred"](portrait)
    for metric in (psnr, ssim):
        expected = metric(
            np.ascontiguousarray(portrait[::-1, ::2]), np.ascontiguousarray(test[::-1, ::2])
        )
        assert metric(portrait[::-1, ::2], test[::-1, ::2]) == expected
        turned = metric(portrait.transpose(1, 0, 2), test.transpose(1, 0, 2))
        assert turned == pytest.approx(metric(portrait, test), abs=1e-6)


def test_pictures_are_not_changed() -> None:
    a, b = noise(40, 40), noise(40, 40, 1)
    before = a.copy(), b.copy()
    for row in METRICS.values():
        row.compute(a, b)
        row.against(a)(b)
    assert np.array_equal(a, before[0])
    assert np.array_equal(b, before[1])


@pytest.mark.parametrize("name", METRICS)
def test_a_prepared_reference_gives_the_same_numbers(portrait: Picture, name: str) -> None:
    against = METRICS[name].against(portrait)
    for test in (*(change(portrait) for change in CHANGES.values()), portrait, portrait.copy()):
        assert against(test) == pytest.approx(METRICS[name].compute(portrait, test), rel=1e-12)


# --- what is refused -----------------------------------------------------------------------------

WRONG = {
    "float": np.zeros((32, 32, 3)),
    "uint16": np.zeros((32, 32, 3), np.uint16),
    "bool": np.zeros((32, 32, 3), bool),
    "grey": np.zeros((32, 32), np.uint8),
    "RGBA": np.zeros((32, 32, 4), np.uint8),
    "planes": np.zeros((3, 32, 32), np.uint8),
    "batch": np.zeros((1, 32, 32, 3), np.uint8),
    "text": "picture",
    "none": None,
}


def refused(function: Callable[[], object]) -> str:
    with pytest.raises(PictureError) as caught:
        function()
    message = str(caught.value)
    assert "\n" not in message
    assert "; " in message, "it says what to do"
    return message


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_picture_is_refused_and_named(metric: str, kind: str) -> None:
    row, good, wrong = METRICS[metric], noise(32, 32), WRONG[kind]
    assert "the reference picture has shape" in refused(lambda: row.compute(wrong, good))
    assert "the test picture has shape" in refused(lambda: row.compute(good, wrong))
    assert "the test picture has shape" in refused(lambda: row.against(good)(wrong))


@pytest.mark.parametrize("metric", METRICS)
def test_pictures_of_two_sizes_are_refused(metric: str) -> None:
    row = METRICS[metric]
    for other in ((32, 33), (1, 32), (64, 64)):
        message = refused(lambda size=other: row.compute(noise(32, 32), noise(*size)))
        assert "(32, 32, 3)" in message
        refused(lambda size=other: row.against(noise(32, 32))(noise(*size)))


@pytest.mark.parametrize("metric", METRICS)
def test_pictures_without_pixels_are_refused(metric: str) -> None:
    empty = np.zeros((0, 32, 3), np.uint8)
    refused(lambda: METRICS[metric].compute(empty, empty))


@pytest.mark.parametrize("size", [(10, 32), (32, 10), (1, 1)])
def test_pictures_smaller_than_the_window_have_no_ssim(size: tuple[int, int]) -> None:
    a = noise(*size)
    assert "at least 11" in refused(lambda: ssim(a, a))
    assert psnr(a, a) == math.inf
