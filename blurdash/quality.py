"""Full-reference picture quality: PSNR and SSIM, exact and fast.

Range is 255 always; a comparison is (reference, test).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from blurdash.pictures import check_side, checked_pair, checked_picture
from blurdash.table import Measure, Span

__all__ = [
    "METRICS",
    "SSIM_C1",
    "SSIM_C2",
    "SSIM_LEVEL",
    "SSIM_RIM",
    "SSIM_WINDOW",
    "SsimReference",
    "luma",
    "psnr",
    "ssim",
    "ssim_against",
    "ssim_of_luma",
    "window_mean",
]

Picture = npt.NDArray[np.uint8]
FloatPicture = npt.NDArray[np.float32]

PEAK = 255.0
# Wang et al. 2004: an 11 × 11 Gaussian window of σ 1.5, K1 = 0.01, K2 = 0.03.
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_C1 = (0.01 * PEAK) ** 2
SSIM_C2 = (0.03 * PEAK) ** 2
SSIM_RIM = SSIM_WINDOW // 2
SSIM_STRIP = 128  # rows; a strip's handful of float32 maps then stays in a core's own cache
# In float32, E[x²] − E[x]² loses digits when the mean is large; taking out a common level first
# changes no variance and leaves small numbers to subtract.
SSIM_LEVEL = np.float32(128)
_INNER = slice(SSIM_RIM, -SSIM_RIM)  # rows


def psnr(reference: Picture, test: Picture) -> float:
    """Returns the peak signal-to-noise ratio over all RGB values.

    Args:
        reference: uint8 ``(H, W, 3)``.
        test: The same shape.

    Returns:
        dB; higher is closer; +inf for identical pictures.

    Raises:
        PictureError: Not such pictures, or different shapes.

    Example:
        >>> black = np.zeros((8, 8, 3), np.uint8)
        >>> round(psnr(black, black + 1), 2)
        48.13

    References:
        scikit-image ``peak_signal_noise_ratio(data_range=255)`` gives the same.
    """
    reference, test = checked_pair(reference, test)
    # A sum of integers, exact once rounded: some of OpenCV's ways give the square of its root.
    squared_error = round(cv2.norm(reference, test, cv2.NORM_L2SQR))
    if squared_error == 0:
        return math.inf
    return 10 * math.log10(PEAK**2 * reference.size / squared_error)


def ssim(reference: Picture, test: Picture) -> float:
    """Returns the structural similarity of the two pictures' luma (Rec. 601).

    Conventions:
        11 × 11 Gaussian window of σ 1.5, K = (0.01, 0.03), population covariance, mean over the
        map without its 5-pixel rim.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 11.
        test: The same shape.

    Returns:
        In [−1, 1]; higher is closer; 1 for identical pictures.

    Raises:
        PictureError: Not such pictures, different shapes, or smaller than the window.

    Example:
        >>> ramp = np.tile(np.arange(48, dtype=np.uint8)[:, None, None], (1, 48, 3))
        >>> round(ssim(ramp, ramp), 6)
        1.0

    References:
        Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to
        structural similarity", 2004. scikit-image ``structural_similarity(grey, grey,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)`` on the
        same luma gives the same.
    """
    reference, test = checked_pair(reference, test)
    check_side(reference, "SSIM", SSIM_WINDOW)
    if np.array_equal(reference, test):
        return 1.0
    return ssim_of_luma(luma(reference), luma(test))


def ssim_against(reference: Picture) -> Callable[[Picture], float]:
    """Returns a function of a test picture that gives ``ssim(reference, test)``.

    The reference's half of the work is done here, once; see ``SsimReference``.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 11; kept, not copied.

    Returns:
        The function; it raises what ``ssim`` raises for a test picture.

    Raises:
        PictureError: As ``ssim``.

    Example:
        >>> ramp = np.tile(np.arange(48, dtype=np.uint8)[:, None, None], (1, 48, 3))
        >>> ssim_against(ramp)(ramp // 2) == ssim(ramp, ramp // 2)
        True
    """
    reference = checked_picture(reference, "reference picture")
    check_side(reference, "SSIM", SSIM_WINDOW)
    prepared = SsimReference(luma(reference))

    def against(test: Picture) -> float:
        _, checked = checked_pair(reference, test)
        if np.array_equal(reference, checked):
            return 1.0
        return prepared.ssim(luma(checked))

    return against


def luma(picture: Picture) -> FloatPicture:
    """Returns Rec. 601 luma, 0.299 R + 0.587 G + 0.114 B, rounded to whole grey levels.

    Args:
        picture: uint8 ``(H, W, 3)``.

    Returns:
        float32 ``(H, W)``, whole numbers in 0..255.

    Example:
        >>> luma(np.full((1, 1, 3), 255, np.uint8)).tolist()
        [[255.0]]
    """
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)


def ssim_of_luma(x: FloatPicture, y: FloatPicture) -> float:
    """Returns SSIM of two luma pictures; see ``ssim``.

    Args:
        x: float32 ``(H, W)`` in 0..255.
        y: The same shape.

    Returns:
        In [−1, 1].
    """
    return SsimReference(x).ssim(y)


class SsimReference:
    """A reference picture's side of SSIM, computed once for many test pictures.

    Conventions:
        As ``ssim``. The maps are kept for the picture without its rim; the work goes in strips
        that stay in a core's cache, which makes it three times as fast as whole-picture steps.

    Args:
        reference: float32 ``(H, W)`` in 0..255, the luma of the reference, no side below 11.

    Example:
        >>> ramp = np.tile(np.arange(48, dtype=np.float32), (48, 1))
        >>> round(SsimReference(ramp).ssim(ramp), 6)
        1.0
    """

    def __init__(self, reference: FloatPicture) -> None:
        x = reference - SSIM_LEVEL
        mean = window_mean(x)
        true_mean = mean + SSIM_LEVEL
        self._twice = 2 * x
        # Without the rim's rows, but with its columns: quicker to go over, as it lies in one piece.
        self._twice_mean = 2 * mean[_INNER]
        self._twice_true_mean = 2 * true_mean[_INNER]
        self._square_c1 = (true_mean * true_mean)[_INNER] + SSIM_C1
        self._variance_c2 = (window_mean(x * x) - mean * mean)[_INNER] + SSIM_C2

    def ssim(self, test: FloatPicture) -> float:
        """Returns SSIM with a test picture, in [−1, 1].

        Args:
            test: float32 ``(H, W)`` in 0..255, luma, of the reference's shape.
        """
        total, size = 0.0, 0
        for strip in self._strips(test):
            total += float(strip.sum(dtype=np.float64))
            size += strip.size
        return total / size

    def map(self, test: FloatPicture) -> FloatPicture:
        """Returns the map that SSIM is the mean of, float32 ``(H − 10, W − 10)`` in [−1, 1].

        Args:
            test: As for ``ssim``. The map's first place is the picture's (5, 5).
        """
        return np.concatenate(list(self._strips(test)))

    def _strips(self, test: FloatPicture) -> Iterator[FloatPicture]:
        height = self._twice_mean.shape[0]
        for start in range(0, height, SSIM_STRIP):
            yield self._strip(test, start, min(start + SSIM_STRIP, height))

    def _strip(self, test: FloatPicture, start: int, stop: int) -> FloatPicture:
        """Rows ``start`` to ``stop`` of the SSIM map without rim."""
        with_rim = slice(start, stop + 2 * SSIM_RIM)
        rows = slice(start, stop)
        y = test[with_rim] - SSIM_LEVEL
        mean = window_mean(y)[_INNER]
        product = y * y
        variance = window_mean(product)[_INNER]
        np.multiply(y, self._twice[with_rim], out=product)
        covariance = window_mean(product)[_INNER]  # twice of it, as the formula has it
        product = self._twice_mean[rows] * mean
        covariance -= product
        covariance += SSIM_C2
        np.multiply(mean, mean, out=product)
        variance -= product
        variance += self._variance_c2[rows]
        mean += SSIM_LEVEL
        np.multiply(mean, self._twice_true_mean[rows], out=product)
        product += SSIM_C1
        covariance *= product
        mean *= mean
        mean += self._square_c1[rows]
        variance *= mean
        covariance /= variance
        return covariance[:, SSIM_RIM:-SSIM_RIM]


def window_mean(picture: FloatPicture) -> FloatPicture:
    """Returns means over SSIM's Gaussian windows, float32 of the same shape.

    The border rule does not matter: whoever uses them cuts off the rim, ``SSIM_RIM`` px.
    """
    return np.asarray(cv2.GaussianBlur(picture, (SSIM_WINDOW, SSIM_WINDOW), SSIM_SIGMA), np.float32)


METRICS = {
    "psnr": Measure(
        name="psnr",
        label="PSNR",
        compute=psnr,
        unit="dB",
        higher_is_closer=True,
        bounds=(0.0, math.inf),
        identical=math.inf,
        decimals=2,
        source="10 · log10(255² / MSE) over all RGB values",
        family="pixels",
        span=Span(15, 40, (20, 30, 40), 0),
        roles={
            "claim": 0,
            "tile": 3,
            "axis": 1,
            "quick": 2,
            "vote": 1,
            "curve": 2,
            "sceptic": 2,
            "rival": 0,
            "pixel rival": 0,
            "panel": 3,
            "flips": 1,
        },
        twin_tolerance=0.01,
        order_of_sums=1e-4,
        single_levels=0.05,
    ),
    "ssim": Measure(
        name="ssim",
        label="SSIM",
        compute=ssim,
        unit="",
        higher_is_closer=True,
        bounds=(-1.0, 1.0),
        identical=1.0,
        decimals=4,
        source="Wang et al. 2004 on Rec. 601 luma",
        prepare=ssim_against,
        family="pixels",
        span=Span(0.6, 1, (0.6, 0.8, 1), 2),
        roles={
            "claim": 1,
            "tile": 4,
            "lane": 1,
            "axis": 2,
            "quick": 3,
            "vote": 2,
            "curve": 3,
            "sceptic": 3,
            "rival": 1,
            "pixel rival": 1,
            "panel": 4,
            "flips": 2,
        },
        twin_tolerance=0.0005,
        order_of_sums=1e-6,
        single_levels=5e-4,
    ),
}
