"""The fast blur, the prepared SSIM and the readouts that use them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurdash import receipt as receipt_module
from blurdash.blur import CanvasBlur, Change, apply_change, apply_kernel
from blurdash.embed import Embedder
from blurdash.errors import PictureError
from blurdash.face import Face
from blurdash.kernel import KERNELS
from blurdash.quality import METRICS, SsimReference, luma, psnr, ssim, ssim_against
from blurdash.readout import PreparedFace, compare

Picture = npt.NDArray[np.uint8]


def noise(height: int, width: int, *channels: int) -> Picture:
    rng = np.random.default_rng(7)
    picture = rng.integers(0, 256, (height, width, *channels), np.uint8)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2), np.uint8)


NOISE = noise(230, 190, 3)
BLUR = CanvasBlur(NOISE)


@given(
    degree=st.integers(1, 100),
    angle=st.floats(-180, 180),
    kernel=st.sampled_from(sorted(KERNELS)),
)
def test_is_within_one_grey_level_of_filter2d(degree: int, angle: float, kernel: str) -> None:
    taps = KERNELS[kernel].make(degree, angle)
    wanted = apply_kernel(NOISE, taps)
    assert cv2.absdiff(BLUR.apply(taps), wanted).max() <= 1


@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("degree", range(1, 12))
def test_small_kernels_are_bit_exact(kernel: str, degree: int) -> None:
    taps = KERNELS[kernel].make(degree, 20)
    assert np.array_equal(BLUR.apply(taps), apply_kernel(NOISE, taps))


def test_convention_it_correlates_about_the_anchor_of_filter2d() -> None:
    point = np.zeros((200, 200), np.uint8)
    point[100, 100] = 240
    taps = np.zeros((60, 41))
    taps[3, 7] = taps[59, 40] = taps[20, 30] = 1 / 3
    blurred = CanvasBlur(point).apply(taps)
    assert np.array_equal(blurred, apply_kernel(point, taps))
    assert blurred[100 + 60 // 2 - 3, 100 + 41 // 2 - 7] == 80


@pytest.mark.parametrize("shape", [(64, 64), (40, 300), (120, 64, 1), (90, 90, 3), (70, 66, 4)])
@pytest.mark.parametrize("size", [31, 60, 99])
def test_any_picture_shape(shape: tuple[int, ...], size: int) -> None:
    picture = noise(*shape).reshape(shape)
    taps = np.random.default_rng(size).random((size, size))
    taps /= taps.sum()
    blurred = CanvasBlur(picture).apply(taps)
    assert blurred.shape == shape
    assert blurred.dtype == np.uint8
    wanted = apply_kernel(picture, taps).reshape(shape).astype(int)
    assert np.abs(blurred - wanted).max() <= 1


def test_a_kernel_beyond_every_reach_is_filter2d_itself() -> None:
    taps = np.random.default_rng(0).random((141, 141)) / 141**2
    assert np.array_equal(BLUR.apply(taps), apply_kernel(NOISE, taps))


def test_values_are_clipped_not_wrapped() -> None:
    taps = np.zeros((40, 40))
    taps[::3, ::3] = 0.02
    taps[1::5, 1::5] = -0.03
    assert cv2.absdiff(BLUR.apply(taps * 3), apply_kernel(NOISE, taps * 3)).max() <= 1


@pytest.mark.parametrize("place", [(0, 0), (2, 38), (39, 1), (21, 19), (20, 20)])
def test_taps_far_from_the_anchor(place: tuple[int, int]) -> None:
    taps = np.zeros((40, 40))
    taps[place] = 1.0
    assert np.array_equal(BLUR.apply(taps), apply_kernel(NOISE, taps))


def test_an_all_zero_kernel_gives_black() -> None:
    assert not BLUR.apply(np.zeros((40, 40))).any()


@pytest.mark.parametrize("taps", [np.ones(3), np.ones((2, 2, 2)), np.ones((0, 3))])
def test_refuses_what_is_no_kernel(taps: npt.NDArray[np.float64]) -> None:
    with pytest.raises(PictureError, match="kernel"):
        BLUR.apply(taps)


def test_refuses_what_is_no_picture() -> None:
    with pytest.raises(PictureError, match="uint8"):
        CanvasBlur(np.zeros((64, 64), np.float32))  # type: ignore[arg-type]


def test_the_canvas_is_left_as_it_is() -> None:
    before = NOISE.copy()
    BLUR.apply(KERNELS["line"].make(50, 30))
    assert np.array_equal(NOISE, before)


def test_a_change_with_a_blur_is_the_change_within_a_level() -> None:
    change = Change(degree=40, angle=33, kernel="line", shift_x=5, shift_y=-2)
    wanted = apply_change(NOISE, change)
    assert cv2.absdiff(apply_change(NOISE, change, blur=BLUR), wanted).max() <= 1


@given(height=st.integers(11, 230), width=st.integers(11, 60), seed=st.integers(0, 9))
def test_a_prepared_ssim_is_the_plain_one(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, test = rng.integers(0, 256, (2, height, width, 3), np.uint8)
    against = ssim_against(reference)
    assert against(test) == ssim(reference, test)
    assert against(reference) == 1.0


def test_ssim_in_strips_agrees_with_scikit_image() -> None:
    from skimage.metrics import structural_similarity

    test = apply_kernel(NOISE, KERNELS["line"].make(9, 20))
    wanted = structural_similarity(
        luma(NOISE).astype(np.float64), luma(test).astype(np.float64), gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, data_range=255,
    )  # fmt: skip
    assert SsimReference(luma(NOISE)).ssim(luma(test)) == pytest.approx(wanted, abs=1e-6)


def test_every_metric_gives_the_same_against_a_prepared_reference() -> None:
    test = apply_kernel(NOISE, KERNELS["line"].make(9, 20))
    for row in METRICS.values():
        assert row.against(NOISE)(test) == row.compute(NOISE, test)


def test_a_prepared_ssim_still_checks_the_test_picture() -> None:
    with pytest.raises(PictureError, match="wanted the same"):
        ssim_against(NOISE)(NOISE[:100])
    with pytest.raises(PictureError, match="at least 11"):
        ssim_against(NOISE[:10])


def test_an_exact_readout_is_the_readout_of_the_pair(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    prepared = PreparedFace(portrait_face, dlib_embedder, kernel="study")
    change = Change(degree=30, angle=45)
    test = apply_change(portrait_face.canvas, change)
    plain = compare(prepared.reference, test, portrait_face, dlib_embedder, change=change)
    assert prepared.readout(change).values == plain.values
    found, told = prepared.readout(change).receipt.as_dict(), plain.receipt.as_dict()
    different = {key for key in told if told[key] != found[key]}
    # A bare pair knows neither how it was blurred nor the canvas before the study's stretch.
    assert different <= {"blur", "canvas_sha256", "canvas_mean"}
    assert found["blur"] == "filter2d"


def test_a_fast_readout_is_near_the_exact_one_and_says_so(
    portrait_face: Face, dlib_embedder: Embedder
) -> None:
    exact = PreparedFace(portrait_face, dlib_embedder)
    fast = PreparedFace(portrait_face, dlib_embedder, exact=False)
    for degree in (0, 10, 40, 100):
        change = Change(degree=degree, angle=20)
        a, b = exact.readout(change), fast.readout(change)
        assert (a.receipt.blur, b.receipt.blur) == ("filter2d", "fft")
        assert b.values["cosine_similarity"] == pytest.approx(
            a.values["cosine_similarity"], abs=1e-4
        )
        assert b.values["psnr"] == pytest.approx(a.values["psnr"], abs=0.02)
        assert b.values["ssim"] == pytest.approx(a.values["ssim"], abs=1e-3)


def test_the_canvas_is_hashed_once(
    portrait_face: Face, dlib_embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = PreparedFace(portrait_face, dlib_embedder, exact=False)
    hashes = [prepared.readout(Change(degree=3)).receipt.as_dict()["canvas_sha256"]]
    monkeypatch.setattr(receipt_module, "digest_of", None)
    hashes.append(prepared.readout(Change(degree=4)).receipt.as_dict()["canvas_sha256"])
    assert hashes[0] == hashes[1]


def test_psnr_is_unchanged_by_the_preparation() -> None:
    assert METRICS["psnr"].against(NOISE)(NOISE) == psnr(NOISE, NOISE)
