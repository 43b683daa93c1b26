"""The only place where pixels move: filtering, the study's blur, and shifts."""

from __future__ import annotations

import math
import random
import threading
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from blurdash import defaults
from blurdash.errors import SettingError
from blurdash.kernel import (
    KERNELS,
    STUDY_OWN_ANGLE,
    FloatArray,
    check_angle,
    check_degree,
    check_seed,
    checked_kernel,
    study_kernel,
)
from blurdash.pictures import checked_levels
from blurdash.table import look_up
from blurdash.values import real_number

__all__ = [
    "CanvasBlur",
    "Change",
    "apply_change",
    "apply_kernel",
    "blur_picture",
    "inverse_move",
    "move",
    "reference_picture",
    "shift",
    "study_blur",
]

Picture = npt.NDArray[np.uint8]

LANCZOS_TAPS = 4
# cv2.filter2D adds up the non-zero taps of a box up to 11 × 11, and transforms for more.
DIRECT_TAPS = 121
DIRECT_PIECES = 2  # as a sum of more such boxes it is no quicker than the transform
_NOTHING = np.zeros(4)
# Paddings, px, for which 1024 + 2 · reach is a fast length: 1056, 1120, 1134. The last covers 100.
REACHES = (16, 48, 55)


def apply_kernel(image: Picture, kernel: npt.ArrayLike) -> Picture:
    """Returns ``image`` filtered by ``kernel``.

    Conventions:
        Correlation with OpenCV's anchor (``size // 2``), border mirrored without repeating the
        edge pixel, results rounded and clipped to 0..255.

    Args:
        image: uint8, ``(H, W)`` or ``(H, W, C)``, any channel order.
        kernel: 2-D float array.

    Returns:
        uint8 array of the shape of ``image``.

    Raises:
        PictureError: ``image`` is not such an array, or the kernel is not 2-D.

    Example:
        >>> apply_kernel(np.full((4, 4), 7, np.uint8), np.ones((3, 3)) / 9)[0, 0]
        np.uint8(7)
    """
    image = checked_levels(image)
    taps = checked_kernel(kernel)
    return np.asarray(cv2.filter2D(image, -1, taps), np.uint8).reshape(image.shape)


def study_blur(
    image: Picture,
    degree: int | None = None,
    angle: float | None = None,
    *,
    rng: Any = None,
) -> tuple[Picture, float]:
    """Returns the study's blurred picture and its severity, bit for bit as the study does it.

    Conventions (the study's random rules, in its order of draws):
        * No degree: a whole number drawn from 0..100. No angle: one from −180..180.
        * Degree 1 draws a whole angle from −88..88 even when an angle was given.
        * Degree 0 is not filtered. In every case the whole picture is stretched so that its
          smallest value becomes 0 and its largest 255.

    Args:
        image: uint8, ``(H, W)`` or ``(H, W, C)``, any channel order; not changed.
        degree: Whole number 0..100, px, or None.
        angle: Degrees, or None.
        rng: ``random.Random``, ``numpy.random.Generator`` or None for Python's global generator,
            which is what the study used.

    Returns:
        uint8 picture of the same shape, and ``degree / 100``.

    Raises:
        PictureError: ``image`` is not such an array.
        SettingError: ``degree``, ``angle`` or ``rng`` is not allowed.

    Example:
        >>> picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
        >>> study_blur(picture, 3, 45)[1]
        0.03
    """
    image = checked_levels(image)
    draw = _integer_drawer(rng)
    chosen = draw(0, 100) if degree is None else check_degree(degree)
    turned = draw(-180, 180) if angle is None else check_angle(angle)
    if chosen == 1:
        turned = draw(*STUDY_OWN_ANGLE)
    blurred = image.copy() if chosen == 0 else apply_kernel(image, study_kernel(chosen, turned))
    return _stretched(blurred), chosen / 100


def shift(image: Picture, dx: float, dy: float) -> Picture:
    """Returns ``image`` moved by ``dx`` px to the right and ``dy`` px down, still sharp.

    Conventions:
        Whole amounts copy pixels exactly; fractions are interpolated by a normalised 8-tap
        Lanczos kernel, so that a shifted picture stays as sharp as its source. What comes in at
        the border is mirrored without repeating the edge pixel.

    Args:
        image: uint8, ``(H, W)`` or ``(H, W, C)``.
        dx: Pixels to the right, less than the width; may be negative or fractional.
        dy: Pixels down, less than the height; may be negative or fractional.

    Returns:
        uint8 array of the shape of ``image``.

    Raises:
        PictureError: ``image`` is not such an array.
        SettingError: An amount is not finite or not smaller than the picture.

    Example:
        >>> shift(np.array([[1, 2, 3, 4]], np.uint8), 1, 0).tolist()
        [[2, 1, 2, 3]]
    """
    image = checked_levels(image)
    height, width = image.shape[:2]
    dx, dy = _checked_amount(dx, width, "dx"), _checked_amount(dy, height, "dy")
    whole_x, whole_y = math.floor(dx), math.floor(dy)
    if (dx, dy) == (whole_x, whole_y):
        return _shift_whole(image, whole_x, whole_y)
    column, row = _lanczos(dx - whole_x), _lanczos(dy - whole_y)
    # What is mirrored in is laid out before the fraction is applied: it moves by it as well.
    wide = _shift_whole(image, whole_x, whole_y, rim=LANCZOS_TAPS).astype(np.float32)
    fine = cv2.sepFilter2D(wide, cv2.CV_32F, column, row).reshape(wide.shape)
    inside = fine[LANCZOS_TAPS:-LANCZOS_TAPS, LANCZOS_TAPS:-LANCZOS_TAPS]
    return np.clip(np.rint(inside), 0, 255).astype(np.uint8)


def move(
    image: Picture, dx: float, dy: float, *, rotation: float = 0.0, scale: float = 1.0
) -> Picture:
    """Returns ``image`` turned and scaled about its centre, then shifted; still sharp.

    Conventions:
        Without rotation and scale it is ``shift``, so whole amounts copy pixels exactly. Else
        8-tap Lanczos interpolation; what comes in at the border is mirrored without repeating
        the edge pixel. Undone by ``move`` with the amounts of ``inverse_move``.

    Args:
        image: uint8, ``(H, W)`` or ``(H, W, C)``.
        dx: Pixels to the right, less than the width.
        dy: Pixels down, less than the height.
        rotation: Degrees counter-clockwise as displayed, −180..180.
        scale: Factor, 0.5..2; larger than 1 makes everything larger.

    Returns:
        uint8 array of the shape of ``image``.

    Raises:
        PictureError: ``image`` is not such an array.
        SettingError: An amount is not allowed.

    Example:
        >>> move(np.array([[1, 2], [3, 4]], np.uint8), 0, 0, rotation=90).tolist()
        [[2, 4], [1, 3]]

    Known limits:
        With rotation or scale OpenCV places samples to 1/32 px.
    """
    image = checked_levels(image)
    rotation = real_number(
        rotation, "rotation", -180, 180, wanted="-180 to 180 degrees", hint="turn it by less"
    )
    scale = real_number(
        scale, "scale", 0.5, 2, wanted="0.5 to 2 times", hint="give a scale in that range"
    )
    if rotation == 0 and scale == 1:
        return shift(image, dx, dy)
    height, width = image.shape[:2]
    dx, dy = _checked_amount(dx, width, "dx"), _checked_amount(dy, height, "dy")
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), rotation, scale)
    turn[:, 2] += np.array([dx, dy])
    moved = cv2.warpAffine(
        image, turn, (width, height), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, np.uint8)


def inverse_move(
    dx: float, dy: float, rotation: float, scale: float
) -> tuple[float, float, float, float]:
    """Returns the amounts (dx, dy, rotation, scale) of the ``move`` that undoes a move.

    Args:
        dx: As for ``move``.
        dy: As for ``move``.
        rotation: As for ``move``.
        scale: As for ``move``.

    Example:
        >>> inverse_move(3, 0, 0, 1) == (-3, 0, 0, 1)
        True
    """
    turn = math.radians(-rotation)
    cosine, sine = math.cos(turn) / scale, math.sin(turn) / scale
    # Rows count downwards: counter-clockwise as displayed is (x cos + y sin, y cos − x sin).
    return -(dx * cosine + dy * sine), -(dy * cosine - dx * sine), -rotation, 1 / scale


@dataclass(frozen=True)
class Change:
    """What is done to a clean canvas: a blur, then a shift.

    Attributes:
        degree: Blur length, whole canvas pixels, 0..100.
        angle: Degrees; what it means is the kernel's convention.
        kernel: Name of a row of ``KERNELS``.
        shift_x: Pixels to the right.
        shift_y: Pixels down.
        seed: Whole number that the study's angle of degree 1 is drawn from, so that a readout of
            it can be repeated; without effect on any other change.

    Raises:
        SettingError: One of them is not allowed.

    Example:
        >>> Change(degree=50).kernel
        'study'
    """

    degree: int = defaults.DEGREE
    angle: float = defaults.ANGLE
    kernel: str = defaults.KERNEL
    shift_x: float = 0.0
    shift_y: float = 0.0
    seed: int = defaults.SEED

    def __post_init__(self) -> None:
        """Checks every field, so that a change that exists is a change that can be made."""
        check_degree(self.degree)
        check_angle(self.angle)
        look_up(KERNELS, self.kernel, "kernel")
        _checked_amount(self.shift_x, 1024, "shift x")
        _checked_amount(self.shift_y, 1024, "shift y")
        check_seed(self.seed)

    @property
    def used_angle(self) -> float:
        """The angle the kernel is really made with: the study draws its own for degree 1."""
        rng = random.Random(self.seed)  # noqa: S311
        drawn = KERNELS[self.kernel].drawn_angle(self.degree, rng)
        return float(self.angle) if drawn is None else drawn

    def taps(self) -> FloatArray:
        """The kernel that the change filters with, float64 2-D."""
        return KERNELS[self.kernel].make(self.degree, self.used_angle)


# First row and column in the kernel's box, and the taps.
_Piece = tuple[int, int, npt.NDArray[np.float32]]


class CanvasBlur:
    """A clean picture whose Fourier transform is kept, for many fast blurs.

    Conventions:
        As ``apply_kernel``, from which a result differs by at most 1 grey level (rounding of
        single-precision sums). A kernel whose taps fit one or two small boxes goes through
        ``cv2.filter2D``, which is quick there; up to 11 × 11 with the very result of
        ``apply_kernel``.

    Args:
        canvas: uint8, ``(H, W)`` or ``(H, W, C)``; kept, not copied.

    Raises:
        PictureError: ``canvas`` is not such an array.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
        >>> blurred = CanvasBlur(picture).apply(study_kernel(40, 20))
        >>> int(cv2.absdiff(blurred, apply_kernel(picture, study_kernel(40, 20))).max()) <= 1
        True

    Known limits:
        Taps more than 55 px from the anchor fall back on ``cv2.filter2D``. A 1024 × 1024 RGB
        canvas keeps up to 57 MB: a transform for each of three reaches and a copy, each made when
        first needed.
    """

    def __init__(self, canvas: Picture) -> None:
        self._canvas = checked_levels(canvas)
        self._transforms: dict[int, npt.NDArray[np.complex64]] = {}
        self._padded: npt.NDArray[np.float32] | None = None
        self._lock = threading.Lock()

    def apply(self, kernel: npt.ArrayLike) -> Picture:
        """Returns the canvas filtered by ``kernel``.

        Args:
            kernel: 2-D float array, as for ``apply_kernel``.

        Returns:
            uint8 array of the shape of the canvas.

        Raises:
            PictureError: The kernel is not 2-D.
        """
        taps = checked_kernel(kernel)
        if taps.size <= DIRECT_TAPS:
            return apply_kernel(self._canvas, taps)
        box, (row, column) = _trimmed(taps)
        if box.size <= DIRECT_TAPS:
            anchor = (-column, -row)
            filtered = cv2.filter2D(self._canvas, -1, box, anchor=anchor)
            return np.asarray(filtered, np.uint8).reshape(self._canvas.shape)
        reach = self._reach(max(-row, -column, row + box.shape[0] - 1, column + box.shape[1] - 1))
        if reach is None:
            return apply_kernel(self._canvas, taps)
        small = box.astype(np.float32)
        pieces = _pieces(small) if reach == REACHES[0] else []
        if 0 < len(pieces) <= DIRECT_PIECES:
            return self._by_pieces(pieces, row + reach, column + reach, reach)
        return self._by_transform(small, row + reach, column + reach, reach)

    def _reach(self, wanted: int) -> int | None:
        """The smallest padding that covers the kernel, None where no mirrored padding can."""
        side = min(self._canvas.shape[:2])
        return next((r for r in REACHES if wanted <= r < side), None)

    def _transform(self, reach: int) -> npt.NDArray[np.complex64]:
        """Transform of the mirrored-padded canvas, complex64 (C, n, n // 2 + 1)."""
        with self._lock:
            if reach not in self._transforms:
                padded = cv2.copyMakeBorder(
                    self._canvas, reach, reach, reach, reach, cv2.BORDER_REFLECT_101
                )
                planes = np.stack(cv2.split(padded.astype(np.float32)))
                sides = [scipy.fft.next_fast_len(n, real=True) for n in planes.shape[1:]]
                self._transforms[reach] = scipy.fft.rfft2(planes, s=sides)
            return self._transforms[reach]

    def _by_pieces(self, pieces: list[_Piece], row: int, column: int, reach: int) -> Picture:
        """Correlation as a sum of small filters; the box's first tap lies at (row, column) ≥ 0."""
        height, width = self._canvas.shape[:2]
        with self._lock:
            if self._padded is None:
                around = (reach, reach, reach, reach)
                padded = cv2.copyMakeBorder(self._canvas, *around, cv2.BORDER_REFLECT_101)
                self._padded = padded.astype(np.float32)
        total: Any = None
        for top, left, taps in pieces:
            rows, columns = taps.shape
            top, left = top + row, left + column
            seen = self._padded[top : top + height + rows - 1, left : left + width + columns - 1]
            part = cv2.filter2D(seen, cv2.CV_32F, taps, anchor=(0, 0))[:height, :width]
            total = part if total is None else cv2.add(total, part)
        rounded = cv2.add(total, _NOTHING, dtype=cv2.CV_8U)
        return np.asarray(rounded, np.uint8).reshape(self._canvas.shape)

    def _by_transform(
        self, box: npt.NDArray[np.float32], row: int, column: int, reach: int
    ) -> Picture:
        """Correlation by the transform; the box's first tap lies at (row, column) ≥ 0."""
        picture = self._transform(reach)
        height, width = self._canvas.shape[:2]
        rows = picture.shape[1]
        columns = scipy.fft.next_fast_len(width + 2 * reach, real=True)
        # The kernel's transform, of its few non-zero rows first; a correlation needs its conjugate,
        # which an inverse transform along the columns gives for free.
        placed = np.zeros((row + box.shape[0], column + box.shape[1]), np.float32)
        placed[row:, column:] = box
        kernel = scipy.fft.rfft(placed, n=columns, axis=1).conj()
        kernel = scipy.fft.ifft(kernel, n=rows, axis=0, norm="forward")
        rounded = []
        for plane in picture:  # one after the other, for a core's cache
            spectrum = scipy.fft.ifft(plane * kernel, axis=0, overwrite_x=True)[:height]
            blurred = scipy.fft.irfft(spectrum, n=columns, axis=1, overwrite_x=True)[:, :width]
            # Adding nothing with another depth is OpenCV's way to round and clip.
            rounded.append(cv2.add(blurred, _NOTHING, dtype=cv2.CV_8U))
        return np.asarray(cv2.merge(rounded), np.uint8).reshape(self._canvas.shape)


def apply_change(image: Picture, change: Change, *, blur: CanvasBlur | None = None) -> Picture:
    """Returns the changed picture: blurred by the change's kernel, then shifted.

    Args:
        image: uint8 ``(H, W, 3)``, a clean canvas.
        change: What to do.
        blur: ``CanvasBlur`` of this same canvas, to blur fast and within 1 grey level (before the
            stretch of the study's kernel); None for the bit-exact ``apply_kernel``.

    Returns:
        uint8 array of the shape of ``image``.

    Raises:
        PictureError: ``image`` is not such an array.

    Example:
        >>> picture = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
        >>> np.array_equal(apply_change(picture, Change(degree=0, kernel="line")), picture)
        True
    """
    image = checked_levels(image)
    blurred = blur_picture(image, change.kernel, change.degree, change.used_angle, blur=blur)
    return shift(blurred, change.shift_x, change.shift_y)


def blur_picture(
    image: Picture, kernel: str, degree: int, angle: float, *, blur: CanvasBlur | None = None
) -> Picture:
    """Returns the picture blurred by a named kernel with exactly this angle.

    Args:
        image: uint8 ``(H, W, 3)``, a clean canvas.
        kernel: Name of a row of ``KERNELS``.
        degree: Whole canvas pixels, 0..100; 0 does not filter.
        angle: Degrees; also for degree 1, where a ``Change`` leaves it to the study's rule.
        blur: As for ``apply_change``.

    Returns:
        uint8 array of the shape of ``image``.

    Raises:
        PictureError: ``image`` is not such an array.
        SettingError: There is no such kernel, or ``degree`` or ``angle`` is not allowed.

    Example:
        >>> blur_picture(np.array([[10, 20]], np.uint8), "study", 0, 0.0).tolist()
        [[0, 255]]
    """
    image = checked_levels(image)
    row = look_up(KERNELS, kernel, "kernel")
    if degree == 0:
        blurred = image.copy()
    else:
        taps = row.make(degree, angle)
        blurred = blur.apply(taps) if blur else apply_kernel(image, taps)
    return _stretched(blurred) if row.stretched else blurred


def reference_picture(image: Picture, kernel: str) -> Picture:
    """Returns the picture that a change by this kernel is compared with: its degree 0, unshifted.

    The study compares with its own degree 0, which is stretched to 0..255 like all the others; so
    a change of nothing is a change of nothing for every kernel and every photo.

    Args:
        image: uint8 ``(H, W, 3)``, a clean canvas.
        kernel: Name of a row of ``KERNELS``.

    Returns:
        uint8 array of the shape of ``image``; for a canvas that already spans 0..255 a copy of it.

    Raises:
        SettingError: There is no such kernel.

    Example:
        >>> reference_picture(np.array([[10, 20]], np.uint8), "study").tolist()
        [[0, 255]]
    """
    return apply_change(image, Change(degree=0, angle=0.0, kernel=kernel))


def _stretched(picture: Picture) -> Picture:
    """The study's min-max stretch over all channels together, in place."""
    cv2.normalize(picture, picture, 0, 255, cv2.NORM_MINMAX)
    return picture


def _trimmed(taps: FloatArray) -> tuple[FloatArray, tuple[int, int]]:
    """The box of the anchor and every non-zero tap, and where it starts relative to the anchor."""
    row, column = taps.shape[0] // 2, taps.shape[1] // 2
    rows, columns = np.nonzero(taps)
    top, bottom = min(rows.min(initial=row), row), max(rows.max(initial=row), row)
    left, right = min(columns.min(initial=column), column), max(columns.max(initial=column), column)
    box = taps[top : bottom + 1, left : right + 1]
    return box, (int(top) - row, int(left) - column)


def _pieces(box: npt.NDArray[np.float32]) -> list[_Piece]:
    """Bands of rows of a kernel, each trimmed to few enough taps; together they are the kernel."""
    found: list[_Piece] = []
    start = 0
    while start < len(box):
        end, left, right = start, 0, 0
        while end < len(box):
            columns = np.flatnonzero(box[start : end + 1].any(axis=0))
            first, last = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
            if end > start and (end + 1 - start) * (last - first) > DIRECT_TAPS:
                break
            end, left, right = end + 1, first, last
        if right > left:
            found.append((start, left, box[start:end, left:right]))
        start = end
    return found


def _checked_amount(amount: object, size: int, name: str) -> float:
    most = math.nextafter(size, 0)  # something of the picture stays
    wanted = f"a number of pixels smaller than {size}"
    return real_number(amount, name, -most, most, wanted=wanted, hint="give a smaller shift")


def _shift_whole(image: Picture, dx: int, dy: int, rim: int = 0) -> Picture:
    """The picture moved by whole pixels, with ``rim`` px of what is mirrored in on every side."""
    if dx == dy == rim == 0:
        return image.copy()
    height, width = image.shape[:2]
    columns = _mirrored(np.arange(-rim, width + rim) - dx, width)
    rows = _mirrored(np.arange(-rim, height + rim) - dy, height)
    return np.ascontiguousarray(image[rows][:, columns])


def _mirrored(index: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Indices outside 0..size−1 mirrored without repeating the edge (OpenCV's reflect-101)."""
    if size == 1:
        return np.zeros_like(index)
    folded = np.abs(index) % (2 * (size - 1))
    return np.where(folded >= size, 2 * (size - 1) - folded, folded)


def _lanczos(fraction: float) -> FloatArray:
    """Taps that move a signal by ``fraction`` px to higher indices; sum 1, odd length."""
    # Correlation: out[x] = Σ k[i] · in[x + i], so the kernel peaks at i = −fraction.
    place = np.arange(-LANCZOS_TAPS, LANCZOS_TAPS + 1) + fraction
    taps = np.sinc(place) * np.sinc(place / LANCZOS_TAPS) * (np.abs(place) < LANCZOS_TAPS)
    return np.asarray(taps / taps.sum(), np.float64)


def _integer_drawer(rng: Any) -> Any:
    """A function of (low, high) that draws a whole number, both ends included."""
    if rng is None:
        return random.randint
    if isinstance(rng, random.Random):
        return rng.randint
    if isinstance(rng, np.random.Generator):
        return lambda low, high: int(rng.integers(low, high, endpoint=True))
    raise SettingError(
        f"rng is a {type(rng).__name__}",
        hint="give a random.Random or a numpy.random.Generator",
    )
