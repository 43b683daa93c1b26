"""Registration: a sceptic's picture is moved back onto the reference before it is measured."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from blurdash.blur import Picture, inverse_move, move, shift
from blurdash.errors import PictureError, SettingError
from blurdash.pictures import check_side, checked_picture
from blurdash.quality import luma, psnr, ssim
from blurdash.table import Measure, look_up

__all__ = [
    "REGISTERED_METRICS",
    "REGISTRATIONS",
    "Registrar",
    "Registration",
    "align",
    "register",
    "registered_psnr",
    "registered_ssim",
]

Luma = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]
Region = tuple[slice, slice]

REGISTRATIONS = {
    "phase": "phase correlation, shift only, kept if the pictures then agree better: within 0.1 px "
    "on sharp pictures, within 2 px on blurred ones",
    "ecc": "ECC, shift and rotation, from the phase correlation's shift",
}

SMALLEST = 64  # px a side: less has too few pixels to be registered by
UPSAMPLING = 20
# A picture whose best shift is further off than that share of its side was not merely moved.
FARTHEST = 0.25
TOO_FAR = (
    "nothing was registered: the pictures fit best more than a quarter of their size apart, which "
    "is taken for chance"
)
SAME = 0.998  # correlation of a picture that was merely moved
ECC_SIDE = 512  # px; ECC runs on a copy no larger: its gradients need no finer one
ECC_STEPS = 60
ECC_PRECISION = 1e-6
ECC_BLUR = 5
# Interpolation reaches that far into what lies outside of the picture.
REACH = 4


@dataclass(frozen=True)
class Registration:
    """How a test picture lies on its reference: as ``move`` of it by these amounts.

    Attributes:
        dx: Pixels to the right.
        dy: Pixels down.
        rotation: Degrees counter-clockwise as displayed.
        how: A key of ``REGISTRATIONS``.
        note: What a user must know, such as a method that did not converge; may be empty.
    """

    dx: float
    dy: float
    rotation: float
    how: str
    note: str = ""

    def carried(
        self, points: Sequence[tuple[float, float]], size: tuple[int, int]
    ) -> list[tuple[float, float]]:
        """Returns where places of the reference lie in the test picture.

        Args:
            points: x and y, px.
            size: Width and height of the pictures, px.

        Example:
            >>> Registration(8, 0, 90, "ecc").carried([(0, 0), (99, 99)], (100, 100))
            [(8.0, 99.0), (107.0, 0.0)]
        """
        turn = math.radians(self.rotation)
        cosine, sine = math.cos(turn), math.sin(turn)
        x, y = ((side - 1) / 2 for side in size)
        away = [(right - x, down - y) for right, down in points]
        # Rows count downwards: see ``inverse_move``.
        return [
            (x + one * cosine + two * sine + self.dx, y + two * cosine - one * sine + self.dy)
            for one, two in away
        ]


def register(reference: Picture, test: Picture, how: str = "phase") -> Registration:
    """Returns how the test picture is moved against the reference.

    Conventions:
        Luma. ``phase``: cross-power spectrum of the pictures under a Hann window, on a grid of
        1/20 px. A motion blur of d px gives it false peaks at ± d / 2; so plain cross-correlation
        is asked as well, unless the pictures then are the same, and of both shifts and none the one
        is kept after which the pictures correlate best.
        ``ecc``: maximises the correlation coefficient over shift and rotation, from there on, on a
        copy of 512 px; where it does not converge the phase correlation's shift stays, and the
        note says so.

    Args:
        reference: uint8 RGB ``(H, W, 3)``, no side below 64.
        test: The same shape.
        how: A key of ``REGISTRATIONS``.

    Returns:
        A ``Registration``; all zero for identical pictures.

    Raises:
        PictureError: Not such pictures, or different shapes.
        SettingError: There is no such method.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
        >>> found = register(picture, move(picture, 3, -2))
        >>> found.dx, found.dy
        (3.0, -2.0)

    Known limits:
        Measured on canvases of 5 faces, shifts up to 16 px: sharp pictures within 0.1 px; blurred
        and shifted ones within 0.2 px at the median and 2 px at most. What lies more than a
        quarter of the picture away is not registered, and the note says so.

    References:
        Guizar-Sicairos, Thurman, Fienup, "Efficient subpixel image registration algorithms", 2008
        (scikit-image ``phase_cross_correlation``); Evangelidis, Psarakis, "Parametric image
        alignment using enhanced correlation coefficient maximization", 2008 (OpenCV). The official
        evaluation of RealBlur registers by ECC before PSNR and SSIM.
    """
    return Registrar(reference).register(test, how)


class Registrar:
    """Registers many test pictures with one reference, whose transform is kept.

    Args:
        reference: uint8 RGB ``(H, W, 3)``, no side below 64; kept, not copied.

    Raises:
        PictureError: ``reference`` is not such an array.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
        >>> Registrar(picture).register(move(picture, -4, 0)).dx
        -4.0
    """

    def __init__(self, reference: Picture) -> None:
        self._reference = _checked(reference)
        self._grey = luma(self._reference)
        self._spectrum = _spectrum(self._grey)

    def register(self, test: Picture, how: str = "phase") -> Registration:
        """Returns how a test picture is moved; see the function ``register``."""
        look_up(REGISTRATIONS, how, "registration")
        other = _checked(test)
        if other.shape != self._reference.shape:
            raise PictureError(
                f"the pictures have shapes {self._reference.shape} and {other.shape}, "
                "wanted the same",
                hint="resize or crop one of them",
            )
        if np.array_equal(self._reference, other):
            return Registration(0.0, 0.0, 0.0, how)
        grey = luma(other)
        if min(float(np.ptp(grey)), float(np.ptp(self._grey))) == 0:
            return Registration(0.0, 0.0, 0.0, how, "a flat picture has nothing to register by")
        coarse = _by_phase(self._grey, grey, self._spectrum)
        if how == "phase" or coarse.note:  # from nowhere ECC only finds its way to chance
            return dataclasses.replace(coarse, how=how)
        return _by_ecc(self._grey, grey, coarse)


def align(test: Picture, registration: Registration) -> tuple[Picture, Region]:
    """Returns the test picture moved back, and the region in which it shows what it showed.

    Args:
        test: uint8 ``(H, W, 3)``.
        registration: As ``register`` found it.

    Returns:
        The moved picture, the same shape, and (rows, columns) without what the border mirrored.

    Raises:
        PictureError: ``test`` is not such an array.
        SettingError: Nothing of the picture would be left.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
        >>> moved, region = align(move(picture, 8, 0), Registration(8, 0, 0, "phase"))
        >>> region, np.array_equal(moved[region], picture[region])
        ((slice(0, 80, None), slice(0, 72, None)), True)
    """
    amounts = inverse_move(registration.dx, registration.dy, registration.rotation, 1.0)
    dx, dy, rotation, _ = (round(amount, 6) for amount in amounts)
    moved = move(test, dx, dy, rotation=rotation)
    return moved, _region(test.shape, registration)


def registered_psnr(reference: Picture, test: Picture) -> float:
    """Returns PSNR after registration by phase correlation, on the common region.

    Args:
        reference: uint8 RGB ``(H, W, 3)``, no side below 64.
        test: The same shape.

    Returns:
        dB; higher is closer; +inf for identical pictures and for whole shifts.

    Raises:
        PictureError: Not such pictures, or different shapes.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
        >>> registered_psnr(picture, move(picture, 3, -2))
        inf
    """
    return _registered(psnr)(reference)(test)


def registered_ssim(reference: Picture, test: Picture) -> float:
    """Returns SSIM after registration by phase correlation, on the common region.

    Args:
        reference: uint8 RGB ``(H, W, 3)``, no side below 64.
        test: The same shape.

    Returns:
        In [−1, 1]; higher is closer; 1 for identical pictures and for whole shifts.

    Raises:
        PictureError: Not such pictures, or different shapes.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
        >>> registered_ssim(picture, move(picture, 3, -2))
        1.0
    """
    return _registered(ssim)(reference)(test)


def _registered(
    metric: Callable[[Picture, Picture], float],
) -> Callable[[Picture], Callable[[Picture], float]]:
    """The half of a registered metric that is done once for a reference."""

    def prepare(reference: Picture) -> Callable[[Picture], float]:
        registrar = Registrar(reference)

        def against(test: Picture) -> float:
            moved, region = align(test, registrar.register(test))
            return metric(reference[region], moved[region])

        return against

    return prepare


def _by_phase(reference: Luma, test: Luma, spectrum: Spectrum) -> Registration:
    """The shift after which the pictures correlate best, of the few that are asked for."""
    other = _spectrum(test)
    best, level, far = (0.0, 0.0), _correlation(reference, test, 0.0, 0.0), False
    for normalization in ("phase", None):
        if level > SAME:
            break
        dx, dy = _peak(spectrum, other, normalization)
        if max(abs(dx) / reference.shape[1], abs(dy) / reference.shape[0]) > FARTHEST:
            far = True
            continue
        reached = _correlation(reference, test, dx, dy)
        if reached > level:
            best, level = (dx, dy), reached
    return Registration(*best, 0.0, "phase", TOO_FAR if far and best == (0.0, 0.0) else "")


def _spectrum(grey: Luma) -> Spectrum:
    """Transform of a picture under a Hann window; its own border, which stays, would fit best."""
    window = np.outer(np.hanning(grey.shape[0]), np.hanning(grey.shape[1])).astype(np.float32)
    return np.asarray(scipy.fft.fft2((grey - grey.mean()) * window), np.complex64)


def _peak(reference: Spectrum, test: Spectrum, normalization: str | None) -> tuple[float, float]:
    from skimage.registration import phase_cross_correlation

    found, _, _ = phase_cross_correlation(
        reference,
        test,
        upsample_factor=UPSAMPLING,
        space="fourier",
        normalization=normalization,
    )
    # What is found moves the test onto the reference; a registration says the way there.
    dy, dx = (-round(UPSAMPLING * float(amount)) / UPSAMPLING + 0.0 for amount in found)
    return dx, dy


def _correlation(reference: Luma, test: Luma, dx: float, dy: float) -> float:
    """Correlation coefficient on the common region after moving the test back."""
    moved = shift(test.astype(np.uint8), -dx, -dy)  # luma is whole grey levels: nothing is lost
    region = _region(reference.shape, Registration(dx, dy, 0.0, "phase"))
    here, there = reference[region], moved[region].astype(np.float32)
    a, b = here - here.mean(), there - there.mean()
    norm = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(np.vdot(a, b)) / norm if norm else 0.0


def _by_ecc(reference: Luma, test: Luma, start: Registration) -> Registration:
    height, width = reference.shape
    scale = min(1.0, ECC_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (reference, test)]
    warp = np.array([[1, 0, start.dx * scale], [0, 1, start.dy * scale]], np.float32)
    everywhere = np.ones(small[0].shape, np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ECC_STEPS, ECC_PRECISION)
    try:
        _, found = cv2.findTransformECC(
            small[0], small[1], warp, cv2.MOTION_EUCLIDEAN, criteria, everywhere, ECC_BLUR
        )
    except cv2.error:
        note = "ECC did not converge: the shift of the phase correlation is used"
        return Registration(start.dx, start.dy, 0.0, "ecc", note)
    return _of_warp(np.asarray(found, np.float64), scale, size)


def _of_warp(warp: Any, scale: float, size: tuple[int, int]) -> Registration:
    """The registration of a warp from the small reference's pixels to the small test's."""
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    dx, dy = (warp[:, :2] @ centre + warp[:, 2] - centre) / scale
    # x' = x cos + y sin with rows counting downwards is counter-clockwise as displayed.
    rotation = math.degrees(math.atan2(warp[0, 1], warp[0, 0]))
    return Registration(float(dx), float(dy), rotation, "ecc")


def _region(shape: tuple[int, ...], registration: Registration) -> Region:
    """The box of an aligned picture that comes from inside the test picture."""
    height, width = shape[:2]
    turn = math.radians(registration.rotation)
    cosine, sine = math.cos(turn), math.sin(turn)
    half = np.array([(width - 1) / 2, (height - 1) / 2])
    away = {"left": 0.0, "right": 0.0, "top": 0.0, "bottom": 0.0}
    for x in (-half[0], half[0]):
        for y in (-half[1], half[1]):
            at_x = x * cosine + y * sine + registration.dx
            at_y = y * cosine - x * sine + registration.dy
            away["left"] = max(away["left"], -half[0] - at_x)
            away["right"] = max(away["right"], at_x - half[0])
            away["top"] = max(away["top"], -half[1] - at_y)
            away["bottom"] = max(away["bottom"], at_y - half[1])
    whole = registration.rotation == 0 and registration.dx % 1 == registration.dy % 1 == 0
    edges = {side: math.ceil(round(by, 6)) + (0 if whole else REACH) for side, by in away.items()}
    rows = slice(edges["top"], height - edges["bottom"])
    columns = slice(edges["left"], width - edges["right"])
    if min(rows.stop - rows.start, columns.stop - columns.start) < SMALLEST // 2:
        raise SettingError(
            "the pictures have nearly no region in common", hint="give a smaller shift"
        )
    return rows, columns


def _checked(picture: Any) -> Picture:
    array = checked_picture(picture)
    check_side(array, "registration", SMALLEST)
    return array


REGISTERED_METRICS = {
    "registered_psnr": Measure(
        name="registered_psnr",
        label="PSNR, registered",
        compute=registered_psnr,
        unit="dB",
        higher_is_closer=True,
        bounds=(0.0, math.inf),
        identical=math.inf,
        decimals=2,
        source="PSNR after phase correlation, on the common region",
        prepare=_registered(psnr),
        roles={"flips": 5},
    ),
    "registered_ssim": Measure(
        name="registered_ssim",
        label="SSIM, registered",
        compute=registered_ssim,
        unit="",
        higher_is_closer=True,
        bounds=(-1.0, 1.0),
        identical=1.0,
        decimals=4,
        source="SSIM after phase correlation, on the common region",
        prepare=_registered(ssim),
        roles={"flips": 6},
    ),
}
