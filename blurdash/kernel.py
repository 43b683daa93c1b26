"""Motion-blur kernels, and an audit that says what a kernel really does to a picture.

Two kernels are offered everywhere and every number says which one made it:

* ``study``: the recipe of the study, bit for bit, with the angle it means by "angle".
* ``line``: what its name says: a centred line of exact length, counter-clockwise from horizontal.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from blurdash.errors import PictureError
from blurdash.values import real_number, whole_number

__all__ = [
    "ANGLE_RANGE",
    "DEGREE_RANGE",
    "KERNELS",
    "STUDY_OWN_ANGLE",
    "Kernel",
    "KernelAudit",
    "audit_kernel",
    "check_angle",
    "check_degree",
    "check_seed",
    "checked_kernel",
    "kernel_centroid",
    "line_kernel",
    "study_kernel",
]

FloatArray = npt.NDArray[np.float64]

DEGREE_RANGE = (0, 100)
STUDY_OWN_ANGLE = (-88, 88)  # of its degree 1
ANGLE_RANGE = (-180, 180)


def check_degree(degree: object) -> int:
    """Returns ``degree`` as an int after checking that it is a whole number in 0..100.

    Args:
        degree: Blur length in canvas pixels.

    Raises:
        SettingError: It is anything else (1.5, 101, "x", NaN, None, True).

    Example:
        >>> check_degree(30)
        30
    """
    low, high = DEGREE_RANGE
    return whole_number(degree, "degree", low, high, hint="give the blur length in canvas pixels")


def check_angle(angle: object) -> float:
    """Returns ``angle`` as a float after checking that it is a finite number of degrees.

    Any finite angle is meaningful; the page and the command line offer −180..180.

    Args:
        angle: Angle in degrees.

    Raises:
        SettingError: It is not a finite number.

    Example:
        >>> check_angle(45)
        45.0
    """
    wanted = "a finite number of degrees"
    return real_number(angle, "angle", wanted=wanted, hint="give an angle such as 45")


def check_seed(seed: object) -> int:
    """Returns ``seed`` after checking that it is a whole number.

    Args:
        seed: What the study's random angle of degree 1 is drawn from.

    Raises:
        SettingError: It is anything else.

    Example:
        >>> check_seed(7)
        7
    """
    return whole_number(seed, "seed", wanted="a whole number", hint="such as 0")


def study_kernel(degree: int, angle: float) -> FloatArray:
    """Returns the kernel of the study, bit for bit.

    A ``degree`` × ``degree`` diagonal of ones, turned by ``cv2.warpAffine`` about
    ``(degree / 2, degree / 2)`` and divided by ``degree``.

    Conventions (kept because published numbers depend on them; see ``audit_kernel``):
        * ``angle`` 0 draws a 135° diagonal and 45 a horizontal streak: the direction as displayed
          is ``angle + 135``, counter-clockwise, modulo 180.
        * The length is ``degree`` · √2 at angle 0 and ``degree`` at 45.
        * The kernel does not sum to 1 off the diagonal (0.73 to 0.80 is typical); the study hides
          the lost light with a min-max stretch, see ``blurdash.blur.study_blur``.
        * It is not centred: its centroid is off by half a pixel or so.
        * ``degree`` 1 with ``|angle|`` ≥ 90 is all zero.

    Args:
        degree: Whole number 0..100, px; 0 gives the 1×1 identity, which the study does not filter
            with either.
        angle: Degrees, any finite number.

    Returns:
        float64 array ``(degree, degree)``, values in [0, 1 / degree].

    Raises:
        SettingError: ``degree`` or ``angle`` is not allowed.

    Example:
        >>> study_kernel(3, 0).round(2).tolist()
        [[0.33, 0.0, 0.0], [0.0, 0.33, 0.0], [0.0, 0.0, 0.33]]
    """
    degree, angle = check_degree(degree), check_angle(angle)
    if degree == 0:
        return np.ones((1, 1))
    turn = cv2.getRotationMatrix2D((degree / 2, degree / 2), angle, 1)
    diagonal = np.diag(np.ones(degree))
    return np.asarray(cv2.warpAffine(diagonal, turn, (degree, degree)) / degree, np.float64)


def line_kernel(length: float, angle: float) -> FloatArray:
    """Returns a straight motion-blur kernel that means what it says.

    ``ceil(length)`` equal taps, evenly spaced on a line through the centre, each laid down
    bilinearly; the spacing (1 px, or a little less) is solved for so that the second moment along
    the line is that of ``length`` pixels in a row, so ``audit_kernel`` gives back ``length``.

    Conventions:
        * ``angle`` is counter-clockwise as displayed, from horizontal; period 180°.
        * Unit mass, centroid at the centre pixel, odd and point-symmetric support.
        * Length 0 and 1 are the identity; for odd ``length`` at angle 0 it is that many equal taps.

    Args:
        length: 0..100, px, fractions allowed.
        angle: Degrees, any finite number.

    Returns:
        float64 array ``(n, n)``, n odd, non-negative, sum 1.

    Raises:
        SettingError: ``length`` or ``angle`` is not allowed.

    Example:
        >>> line_kernel(3, 0).round(2).tolist()
        [[0.0, 0.0, 0.0], [0.33, 0.33, 0.33], [0.0, 0.0, 0.0]]
    """
    length, angle = _check_length(length), check_angle(angle)
    if length <= 1:
        return np.ones((1, 1))
    cosine, sine = _direction_vector(angle)
    count = math.ceil(length)
    taps = np.linspace(-(count - 1) / 2, (count - 1) / 2, count)
    spacing = _solve_spacing(taps, cosine, sine, (length**2 - 1) / 12)
    # Rows count downwards, so a counter-clockwise angle goes up by a negative row.
    kernel = _splat(taps * spacing * cosine, -taps * spacing * sine)
    kernel = (kernel + kernel[::-1, ::-1]) / 2  # point symmetry to the last bit
    return np.asarray(kernel / kernel.sum(), np.float64)


class KernelAudit(NamedTuple):
    """What a kernel does to a picture.

    Attributes:
        mass: Sum of the kernel; 1 keeps the brightness.
        offset: Distance of the centroid from the anchor, px; 0 does not move the picture.
        length: Effective length along the main direction, px: that of a row of equal taps with
            the same second moment. 1 for a single tap.
        direction: Main direction, degrees in [0, 180), counter-clockwise as displayed from
            horizontal; NaN where there is none (a single tap, a disc).
    """

    mass: float
    offset: float
    length: float
    direction: float


def audit_kernel(kernel: npt.ArrayLike) -> KernelAudit:
    """Returns mass, centroid offset, effective length and direction of any kernel.

    Conventions:
        The anchor is OpenCV's: row ``height // 2``, column ``width // 2``.

    Args:
        kernel: 2-D array, any size, finite, with a sum above zero.

    Returns:
        A ``KernelAudit``; an all-zero kernel has mass 0 and NaN elsewhere.

    Raises:
        PictureError: The kernel is not a finite 2-D array.

    Example:
        >>> audit = audit_kernel(study_kernel(31, 45))
        >>> round(audit.length), round(audit.direction) % 180
        (31, 0)
        >>> round(audit_kernel(line_kernel(12.5, 30)).length, 3)
        12.5
    """
    taps = checked_kernel(kernel)
    mass = float(taps.sum())
    if abs(mass) < 1e-12:
        return KernelAudit(mass, math.nan, math.nan, math.nan)
    dx, dy = kernel_centroid(taps)
    x, y = _tap_positions(taps)
    var_x = float((taps * (x - dx) ** 2).sum() / mass)
    var_y = float((taps * (y - dy) ** 2).sum() / mass)
    cov = float((taps * (x - dx) * (y - dy)).sum() / mass)
    spread = math.hypot(var_x - var_y, 2 * cov)
    along = (var_x + var_y + spread) / 2
    direction = math.degrees(math.atan2(2 * cov, var_x - var_y)) / 2 % 180
    if spread < 1e-9:
        direction = math.nan
    elif round(direction, 9) == 180:
        direction = 0.0
    return KernelAudit(mass, math.hypot(dx, dy), math.sqrt(max(12 * along + 1, 0)), direction)


def kernel_centroid(kernel: npt.ArrayLike) -> tuple[float, float]:
    """Returns the centroid of a kernel relative to its anchor, as (right, up) in px.

    ``cv2.filter2D`` correlates, so a kernel with this centroid moves the picture by the opposite.

    Args:
        kernel: 2-D array with a sum other than zero.

    Raises:
        PictureError: The kernel is not a finite 2-D array, or its sum is zero.

    Example:
        >>> kernel_centroid([[0, 0, 1]])
        (1.0, 0.0)
    """
    taps = checked_kernel(kernel)
    mass = taps.sum()
    if abs(mass) < 1e-12:
        raise PictureError("the kernel sums to zero, so it has no centroid", "give other weights")
    x, y = _tap_positions(taps)
    return float((taps * x).sum() / mass), float((taps * y).sum() / mass)


def _check_length(length: object) -> float:
    low, high = DEGREE_RANGE
    return real_number(length, "length", low, high, hint="give the blur length in canvas pixels")


def _direction_vector(angle: float) -> tuple[float, float]:
    """Cosine and sine of ``angle`` modulo 180, exact at the multiples of 45 degrees."""
    angle = angle % 180
    exact: dict[float, tuple[float, float]] = {
        0: (1.0, 0.0),
        90: (0.0, 1.0),
        45: (0.5**0.5,) * 2,
        135: (-(0.5**0.5), 0.5**0.5),
    }
    return exact.get(angle) or (math.cos(math.radians(angle)), math.sin(math.radians(angle)))


def _solve_spacing(taps: FloatArray, cosine: float, sine: float, variance: float) -> float:
    """Tap spacing at which the bilinearly laid line has ``variance`` along its direction."""

    def excess(spacing: float) -> float:
        along = (taps**2).mean() * spacing**2
        # A tap split between two pixels at fraction f adds f (1 − f) to that axis.
        for part in (cosine, sine):
            fraction = (taps * spacing * part) % 1
            along += part**2 * (fraction * (1 - fraction)).mean()
        return float(along - variance)

    low, high = 0.0, 1.0
    if excess(high) <= 0:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return high


def _splat(x: FloatArray, y: FloatArray) -> FloatArray:
    """Square odd-sized array with a bilinear unit tap at each (column, row) offset from centre."""
    reach = math.ceil(max(np.abs(x).max(), np.abs(y).max()))
    kernel = np.zeros((2 * reach + 3, 2 * reach + 3))
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - column, y - row
    for step_x, weight_x in ((0, 1 - fx), (1, fx)):
        for step_y, weight_y in ((0, 1 - fy), (1, fy)):
            place = (row + step_y + reach + 1, column + step_x + reach + 1)
            np.add.at(kernel, place, weight_x * weight_y)
    return kernel[1:-1, 1:-1]


def checked_kernel(kernel: npt.ArrayLike) -> FloatArray:
    """Returns a kernel as float64 after checking that it is one.

    Raises:
        PictureError: It is no 2-D array of finite numbers.
    """
    taps = np.asarray(kernel)
    if taps.ndim != 2 or taps.size == 0 or taps.dtype.kind not in "iufb":
        raise PictureError(
            f"the kernel has shape {taps.shape} and type {taps.dtype}",
            "give a 2-D array of numbers",
        )
    taps = taps.astype(np.float64)
    if not np.isfinite(taps).all():
        raise PictureError("the kernel has values that are not finite", "give finite weights")
    return taps


def _tap_positions(taps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Offsets of every tap from the anchor: right, and up as displayed."""
    height, width = taps.shape
    x = np.arange(width, dtype=np.float64) - width // 2
    y = height // 2 - np.arange(height, dtype=np.float64)
    return x[None, :], y[:, None]


@dataclass(frozen=True)
class Kernel:
    """A row of the ``KERNELS`` table.

    Attributes:
        name: Key in the table, on the command line and in receipts.
        label: What a person reads.
        make: Function of ``(degree, angle)`` that returns the float64 kernel.
        stretched: Whether the filtered picture is then stretched to 0..255, as the study does.
        zero_direction: Direction that angle 0 draws, degrees counter-clockwise as displayed from
            horizontal; None for a kernel without a direction, such as a disc.
        own_angle: Least and greatest whole angle that degree 1 draws for itself whatever angle is
            given; None where it takes the one it is given.
        straight: Whether it is a straight line, whose length can be compared with a degree.
        fractional: Whether a degree may be a fraction.
        drawn_in_browser: Whether the page's ``kernels.js`` has it; else its taps come from the
            server, or where they are many the picture, once the hand rests.
        note: One clause on what the angle and the degree mean.
        says: One sentence on what it is.
        source: Where it comes from.
    """

    name: str
    label: str
    make: Callable[[int, float], FloatArray]
    stretched: bool
    zero_direction: float | None
    own_angle: tuple[int, int] | None
    straight: bool
    fractional: bool
    drawn_in_browser: bool
    note: str
    says: str
    source: str

    def drawn_angle(self, degree: int, rng: random.Random) -> float | None:
        """Returns the angle that a degree draws for itself; None where it takes what it is given.

        Args:
            degree: 0..100, px.
            rng: What it is drawn from; untouched where nothing is drawn.

        Example:
            >>> KERNELS["line"].drawn_angle(1, random.Random(0)) is None
            True
        """
        if self.own_angle is None or degree != 1:
            return None
        return float(rng.randint(*self.own_angle))

    def angle_like(self, other: Kernel, angle: float) -> float:
        """Returns the angle at which this kernel draws what another draws at ``angle``.

        Example:
            >>> KERNELS["line"].angle_like(KERNELS["study"], 45.0)
            0.0
        """
        mine, its = self.zero_direction, other.zero_direction
        if mine is None or its is None or mine == its:
            return angle
        return (angle + its - mine) % 180


KERNELS = {
    "study": Kernel(
        name="study",
        label="study recipe",
        make=study_kernel,
        stretched=True,
        zero_direction=135.0,
        own_angle=STUDY_OWN_ANGLE,
        straight=True,
        fractional=False,
        drawn_in_browser=True,
        says="The study's recipe, as it really is",
        note="a turned diagonal, then a contrast stretch; angle 45 is a horizontal streak",
        source="the study's own code",
    ),
    "line": Kernel(
        name="line",
        label="exact line",
        make=line_kernel,
        stretched=False,
        zero_direction=0.0,
        own_angle=None,
        straight=True,
        fractional=True,
        drawn_in_browser=True,
        says="A true line: centred, exact, keeps all light",
        note="a centred line of that many pixels, counter-clockwise from horizontal",
        source="blurdash",
    ),
}
