"""Rivals of the argument: the pixel measures that a critic names, and a plain sharpness score.

They are kept apart from ``METRICS``: a sceptic asks for them, a readout does not show them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from blurdash.pictures import check_side, checked_pair, checked_picture
from blurdash.quality import SSIM_C1, SSIM_C2, SSIM_LEVEL, SSIM_RIM, SSIM_WINDOW, luma, window_mean
from blurdash.table import Measure

__all__ = [
    "SCEPTIC_METRICS",
    "cw_ssim",
    "cw_ssim_against",
    "gmsd",
    "gmsd_against",
    "ms_ssim",
    "ms_ssim_against",
    "sharpness",
    "sharpness_ratio",
]

Picture = npt.NDArray[np.uint8]
Complex = npt.NDArray[np.complex64]
Real = npt.NDArray[np.float32]

# CW-SSIM compares subbands in small windows. It was published on pictures of 128 px; at 256 px the
# finest subband of a canvas still sees what a face is recognised by.
CW_SIDE = 256
CW_SMALLEST = 32
CW_WAVELENGTHS = (4.0, 8.0, 16.0, 32.0)  # px of the reduced picture
CW_ORIENTATIONS = 6
CW_WINDOW = 7
CW_K = 0.01
# Width of a band: exp of the Gaussian's σ over log frequency, about an octave and a half in all.
CW_BANDWIDTH = 0.65

# Wang et al. 2003: how much each scale counts, from the finest to the coarsest, each half as large
# as the one before; the window and the constants are those of SSIM.
MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SMALLEST = SSIM_WINDOW * 2 ** (len(MS_WEIGHTS) - 1)

# Xue et al. 2014, for grey levels of 0..255.
GMSD_C = 170.0
GMSD_SMALLEST = 4
PREWITT = np.array([[1, 0, -1]] * 3, np.float32) / 3


def cw_ssim(reference: Picture, test: Picture) -> float:
    """Returns the complex-wavelet structural similarity of the two pictures' luma.

    A small shift turns the phases of all coefficients in a window alike, which the measure
    ignores; blur takes coefficients away, which it sees.

    Conventions:
        Rec. 601 luma, averaged down to at most 256 px a side. 24 complex log-Gabor subbands:
        wavelengths 4, 8, 16 and 32 px, 6 orientations. 7 × 7 windows, K = 0.01, mean over windows
        and subbands.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 32.
        test: The same shape.

    Returns:
        In [0, 1]; higher is closer; 1 for identical pictures.

    Raises:
        PictureError: Not such pictures, or different shapes.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        >>> cw_ssim(picture, picture)
        1.0

    References:
        Wang, Simoncelli, "Translation insensitive image similarity in complex wavelet domain",
        2005; Sampat, Wang, Gupta, Bovik, Markey, "Complex wavelet structural similarity", 2009.

    Known limits:
        Log-Gabor filters stand in for the authors' steerable pyramid: values of other programs
        differ. A shift beyond a few px of the reduced picture is not small any more.
    """
    return cw_ssim_against(reference)(test)


def cw_ssim_against(reference: Picture) -> Callable[[Picture], float]:
    """Returns a function of a test picture that gives ``cw_ssim(reference, test)``.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 32; kept, not copied.

    Returns:
        The function; it raises what ``cw_ssim`` raises for a test picture.

    Raises:
        PictureError: As ``cw_ssim``.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        >>> cw_ssim_against(picture)(255 - picture) == cw_ssim(picture, 255 - picture)
        True
    """
    reference = checked_picture(reference, "reference picture")
    check_side(reference, "CW-SSIM", CW_SMALLEST)
    # Kept as subbands, with their energies: half of the work of every comparison.
    kept = [(band, _window_sum(_energy(band))) for band in _subbands(_reduced(reference))]

    def against(test: Picture) -> float:
        checked = checked_pair(reference, test)[1]
        if np.array_equal(reference, checked):
            return 1.0
        pairs = zip(kept, _subbands(_reduced(checked)), strict=True)
        return float(np.mean([_band_similarity(x, energy, y) for (x, energy), y in pairs]))

    return against


def ms_ssim(reference: Picture, test: Picture) -> float:
    """Returns the multi-scale structural similarity of the two pictures' luma.

    Conventions:
        Rec. 601 luma in whole grey levels. Five scales, each the 2 × 2 means of the one before (an
        odd last row or column is left out); 11 × 11 Gaussian windows of σ 1.5 that lie whole
        inside, K = (0.01, 0.03). Contrast and structure of all scales and the luminance of the
        coarsest, raised to the published weights and multiplied; what is negative counts as 0.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 176.
        test: The same shape.

    Returns:
        In [0, 1]; higher is closer; 1 for identical pictures.

    Raises:
        PictureError: Not such pictures, different shapes, or smaller than the coarsest window.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (176, 190, 3), np.uint8)
        >>> ms_ssim(picture, picture), ms_ssim(picture, 255 - picture)
        (1.0, 0.0)

    References:
        Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality assessment",
        2003. piq ``multi_scale_ssim(data_range=255)`` gives the same on the same luma.
    """
    return ms_ssim_against(reference)(test)


def ms_ssim_against(reference: Picture) -> Callable[[Picture], float]:
    """Returns a function of a test picture that gives ``ms_ssim(reference, test)``.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 176; kept, not copied.

    Raises:
        PictureError: As ``ms_ssim``; the function too.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (176, 190, 3), np.uint8)
        >>> ms_ssim_against(picture)(picture // 2) == ms_ssim(picture, picture // 2)
        True
    """
    reference = checked_picture(reference, "reference picture")
    check_side(reference, "MS-SSIM", MS_SMALLEST)
    scales = len(MS_WEIGHTS)
    kept = [(x, _mean_and_variance(x)) for x in _halved(luma(reference) - SSIM_LEVEL, scales)]

    def against(test: Picture) -> float:
        checked = checked_pair(reference, test)[1]
        if np.array_equal(reference, checked):
            return 1.0
        product = 1.0
        pairs = zip(kept, _halved(luma(checked) - SSIM_LEVEL, scales), MS_WEIGHTS, strict=True)
        for scale, ((x, (mean_x, variance_x)), y, weight) in enumerate(pairs, start=1):
            mean_y, variance_y = _mean_and_variance(y)
            covariance = _gaussian_mean(x * y) - mean_x * mean_y
            alike = (2 * covariance + SSIM_C2) / (variance_x + variance_y + SSIM_C2)
            if scale == scales:
                light_x, light_y = mean_x + SSIM_LEVEL, mean_y + SSIM_LEVEL
                alike *= (2 * light_x * light_y + SSIM_C1) / (light_x**2 + light_y**2 + SSIM_C1)
            product *= max(float(alike.mean(dtype=np.float64)), 0.0) ** weight
        return product

    return against


def gmsd(reference: Picture, test: Picture) -> float:
    """Returns the gradient magnitude similarity deviation of the two pictures' luma.

    Conventions:
        Rec. 601 luma in whole grey levels, halved by 2 × 2 means (an odd last row or column is left
        out). Gradients by 3 × 3 Prewitt filters with 0 beyond the border, c = 170; the standard
        deviation of the similarity of their magnitudes over the whole map.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 4.
        test: The same shape.

    Returns:
        In [0, 0.5]; lower is closer; 0 for identical pictures.

    Raises:
        PictureError: Not such pictures, different shapes, or too small.

    Example:
        >>> board = np.kron(np.uint8([[0, 255], [255, 0]]), np.ones((8, 8)))[:, :, None]
        >>> board = board.repeat(3, axis=2).astype(np.uint8)
        >>> gmsd(board, board), gmsd(board, board // 2) > 0.05
        (0.0, True)

    References:
        Xue, Zhang, Mou, Bovik, "Gradient magnitude similarity deviation: a highly efficient
        perceptual image quality index", 2014. piq ``gmsd(data_range=255)`` gives the same on the
        same luma.
    """
    return gmsd_against(reference)(test)


def gmsd_against(reference: Picture) -> Callable[[Picture], float]:
    """Returns a function of a test picture that gives ``gmsd(reference, test)``.

    Args:
        reference: uint8 ``(H, W, 3)``, no side below 4; kept, not copied.

    Raises:
        PictureError: As ``gmsd``; the function too.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
        >>> gmsd_against(picture)(picture // 2) == gmsd(picture, picture // 2)
        True
    """
    reference = checked_picture(reference, "reference picture")
    check_side(reference, "GMSD", GMSD_SMALLEST)
    slope_x = _slope(reference)

    def against(test: Picture) -> float:
        checked = checked_pair(reference, test)[1]
        slope_y = _slope(checked)
        alike = (2 * slope_x * slope_y + GMSD_C) / (slope_x**2 + slope_y**2 + GMSD_C)
        return float(alike.std(dtype=np.float64))

    return against


def sharpness(picture: Picture) -> float:
    """Returns the variance of the Laplacian of a picture's luma, the usual sharpness score.

    Args:
        picture: uint8 ``(H, W, 3)``.

    Returns:
        In [0, ∞), grey levels squared; higher is sharper; 0 for a flat picture.

    Raises:
        PictureError: ``picture`` is not such an array.

    Example:
        >>> sharpness(np.full((8, 8, 3), 7, np.uint8))
        0.0

    References:
        Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000.
    """
    edges = cv2.Laplacian(luma(checked_picture(picture)), cv2.CV_32F)
    return float(edges.var(dtype=np.float64))


def sharpness_ratio(reference: Picture, test: Picture) -> float:
    """Returns the sharpness of the test picture over that of the reference.

    Conventions:
        No pixel of one is compared with a pixel of the other, so a shift changes nothing; nor is
        there a way to tell detail from noise: noise makes a picture "sharper than the original".

    Args:
        reference: uint8 ``(H, W, 3)``.
        test: The same shape.

    Returns:
        In [0, ∞); higher is sharper; 1 for identical pictures.

    Raises:
        PictureError: Not such pictures, or different shapes.

    Example:
        >>> board = np.tile(np.uint8([[0, 255], [255, 0]]), (8, 8))[:, :, None].repeat(3, axis=2)
        >>> sharpness_ratio(board, board // 2) < 0.3
        True
    """
    return _sharpness_against(reference)(test)


def _sharpness_against(reference: Picture) -> Callable[[Picture], float]:
    reference = checked_picture(reference, "reference picture")
    own = sharpness(reference)

    def against(test: Picture) -> float:
        checked = checked_pair(reference, test)[1]
        value = sharpness(checked)
        if own == 0:
            return 1.0 if value == 0 else math.inf
        return value / own

    return against


def _band_similarity(x: Complex, energy_x: Real, y: Complex) -> float:
    """CW-SSIM of one subband: Wang and Simoncelli's equation 5, averaged over windows."""
    product = x * y.conj()
    cross = np.hypot(_window_sum(product.real), _window_sum(product.imag))
    energy = energy_x + _window_sum(_energy(y))
    return float(((2 * cross + CW_K) / (energy + CW_K)).mean(dtype=np.float64))


def _energy(band: Complex) -> Real:
    return np.asarray(band.real**2 + band.imag**2, np.float32)


def _window_sum(values: npt.NDArray[Any]) -> Real:
    """Sums over 7 × 7 windows that lie whole inside."""
    rim = CW_WINDOW // 2
    sums = cv2.boxFilter(
        np.ascontiguousarray(values, np.float32), -1, (CW_WINDOW, CW_WINDOW), normalize=False
    )
    return np.asarray(sums[rim:-rim, rim:-rim], np.float32)


def _reduced(picture: Picture) -> Real:
    """Luma, float32, averaged down to at most 256 px a side."""
    grey = luma(picture)
    height, width = grey.shape
    scale = CW_SIDE / max(height, width)
    if scale < 1:
        size = (max(CW_WINDOW, round(width * scale)), max(CW_WINDOW, round(height * scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    return grey


def _subbands(grey: Real) -> Iterator[Complex]:
    """The complex subbands of a picture, one by one."""
    height, width = grey.shape
    spectrum = scipy.fft.fft2(grey - grey.mean())
    for gain in _filters(height, width):
        yield scipy.fft.ifft2(spectrum * gain)


@functools.lru_cache(maxsize=4)
def _filters(height: int, width: int) -> tuple[Real, ...]:
    """Gains over the frequencies; each passes one side of the plane only, hence complex bands."""
    down = scipy.fft.fftfreq(height)[:, None]
    right = scipy.fft.fftfreq(width)[None, :]
    radius = np.hypot(right, down)
    radius[0, 0] = 1.0  # no logarithm of 0; the mean is taken out before
    angle = np.arctan2(-down, right)
    found = []
    for wavelength in CW_WAVELENGTHS:
        ratio = np.log(radius * wavelength) / math.log(CW_BANDWIDTH)
        radial = np.exp(-(ratio**2) / 2)
        for step in range(CW_ORIENTATIONS):
            away = np.angle(np.exp(1j * (angle - step * math.pi / CW_ORIENTATIONS)))
            spread = math.pi / CW_ORIENTATIONS / 1.2
            gain = radial * np.exp(-((away / spread) ** 2) / 2)
            gain[0, 0] = 0.0
            found.append(gain.astype(np.float32))
    return tuple(found)


def _halved(grey: Real, scales: int) -> Iterator[Real]:
    """A picture and what it is averaged down to, each half as large as the one before."""
    for left in range(scales, 0, -1):
        yield grey
        if left > 1:
            grey = _half(grey)


def _half(grey: Real) -> Real:
    """2 × 2 means; an odd last row or column is left out."""
    height, width = grey.shape[0] // 2, grey.shape[1] // 2
    even = grey[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _gaussian_mean(values: Real) -> Real:
    """Means over SSIM's windows that lie whole inside."""
    return window_mean(values)[SSIM_RIM:-SSIM_RIM, SSIM_RIM:-SSIM_RIM]


def _mean_and_variance(values: Real) -> tuple[Real, Real]:
    mean = _gaussian_mean(values)
    return mean, _gaussian_mean(values * values) - mean * mean


def _slope(picture: Picture) -> Real:
    """Magnitude of the gradient of a halved picture's luma."""
    grey = _half(luma(picture))
    across, along = (
        cv2.filter2D(grey, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
        for kernel in (PREWITT, PREWITT.T)
    )
    return np.asarray(np.hypot(across, along), np.float32)


SCEPTIC_METRICS = {
    "cw_ssim": Measure(
        name="cw_ssim",
        label="CW-SSIM",
        compute=cw_ssim,
        unit="",
        higher_is_closer=True,
        bounds=(0.0, 1.0),
        identical=1.0,
        decimals=4,
        source="Wang and Simoncelli 2005, log-Gabor subbands of the luma at 256 px",
        prepare=cw_ssim_against,
        roles={"sceptic": 4, "pixel rival": 2, "flips": 3},
    ),
    "ms_ssim": Measure(
        name="ms_ssim",
        label="MS-SSIM",
        compute=ms_ssim,
        unit="",
        higher_is_closer=True,
        bounds=(0.0, 1.0),
        identical=1.0,
        decimals=4,
        source="Wang et al. 2003, five scales of the luma",
        prepare=ms_ssim_against,
        roles={"sceptic": 4},
    ),
    "gmsd": Measure(
        name="gmsd",
        label="GMSD",
        compute=gmsd,
        unit="",
        higher_is_closer=False,
        bounds=(0.0, 0.5),
        identical=0.0,
        decimals=4,
        source="Xue et al. 2014, gradients of the halved luma",
        prepare=gmsd_against,
        roles={"sceptic": 4},
    ),
    "sharpness_ratio": Measure(
        name="sharpness_ratio",
        label="Sharpness",
        compute=sharpness_ratio,
        unit="× clean",
        higher_is_closer=True,
        bounds=(0.0, math.inf),
        identical=1.0,  # not its end: noise scores above the original
        decimals=3,
        source="variance of the Laplacian over that of the clean picture",
        prepare=_sharpness_against,
        roles={"quick": 4, "vote": 3, "sceptic": 5, "flips": 7},
    ),
}
