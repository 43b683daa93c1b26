"""Shift against blur: what blur a measure takes a shift for, and the switches sceptics ask for."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from blurdash import defaults
from blurdash.blur import Picture
from blurdash.canvas import digest_of
from blurdash.clean import CROPS, REDETECT
from blurdash.distance import DISTANCES
from blurdash.disturb import Disturbance
from blurdash.embed import Embedder
from blurdash.embed.crops import crop_corners
from blurdash.errors import NoFaceError, SettingError
from blurdash.face import Face, locate_face
from blurdash.kernel import KERNELS
from blurdash.measures import ARGUMENT_MEASURES
from blurdash.readout import PreparedFace
from blurdash.register import REGISTRATIONS, Registration, align, register
from blurdash.table import Measure, in_role, look_up

__all__ = [
    "SCEPTIC_NAMES",
    "BlurEquivalent",
    "Corners",
    "ScepticRow",
    "blur_equivalent",
    "sceptic_table",
]

# Of a crop: left upper one first, clockwise; x and y.
Corners = tuple[tuple[float, float], ...]

LEAST_SAID = 10  # px
NEIGHBOURS = 3.0  # px: crossings that lie closer are one range
DRAWN_DEGREE = 1  # the study draws its angle
SCEPTIC_NAMES = in_role(ARGUMENT_MEASURES, "sceptic")


@dataclass(frozen=True)
class BlurEquivalent:
    """The blur that a measure takes a changed picture for.

    Attributes:
        measure: The measure's row.
        ranges: From and to, canvas px, in rising order: where the curve has the value; neighbours
            are one range. Empty where the value lies outside the curve.
        side: Empty, ``below`` (closer than every blur of the curve) or ``beyond``.
        first: Smallest degree of the curve.
        last: Its largest.
    """

    measure: Measure
    ranges: tuple[tuple[float, float], ...]
    side: str
    first: float
    last: float

    @property
    def degree(self) -> float | None:
        """The one degree that has the value; None where there is none, or several."""
        if len(self.ranges) != 1 or self.ranges[0][0] != self.ranges[0][1]:
            return None
        return self.ranges[0][0]

    @property
    def extent(self) -> tuple[float, float] | None:
        """From the first degree that has the value to the last; None where there is none."""
        return (self.ranges[0][0], self.ranges[-1][1]) if self.ranges else None

    def nearest(self, degree: float) -> float | None:
        """Returns the degree with this value that is nearest to another degree, px.

        Example:
            >>> dented = {0: 1.0, 20: 0.6, 40: 1.0, 60: 0.6}
            >>> blur_equivalent(0.8, dented, "ssim").nearest(55)
            50.0
        """
        inside = (min(max(degree, low), high) for low, high in self.ranges)
        return min(inside, key=lambda one: abs(one - degree), default=None)

    @property
    def text(self) -> str:
        """One clause for a tile.

        Example:
            >>> BlurEquivalent(ARGUMENT_MEASURES["psnr"], ((41.2, 41.2),), "", 0, 100).text
            'PSNR takes this for a blur of 41 px'
        """
        return f"{self.measure.label} takes this for a blur of {self.short}"

    @property
    def short(self) -> str:
        """The blur alone: a curve's first few degrees are too unlike each other to name one.

        Example:
            >>> BlurEquivalent(ARGUMENT_MEASURES["psnr"], (), "beyond", 0, 100).short
            'over 100 px'
            >>> BlurEquivalent(ARGUMENT_MEASURES["ssim"], ((2, 4), (20, 22)), "", 0, 100).short
            'below 10 or 20–22 px'
        """
        if self.side == "beyond":
            return f"over {self.last:g} px"
        least = max(self.first, LEAST_SAID)
        words = [_range_text(*one, least=least) for one in self.ranges or ((0.0, 0.0),)]
        *others, final = dict.fromkeys(words)
        return f"{', '.join(others)} or {final} px" if others else f"{final} px"


def _range_text(low: float, high: float, *, least: float) -> str:
    """A range in whole px, or the one number that it is."""
    if low < least:
        return f"below {max(least, high):.0f}"
    return "–".join(dict.fromkeys((f"{low:.0f}", f"{high:.0f}")))


def blur_equivalent(value: float, curve: Mapping[int, float], measure: str) -> BlurEquivalent:
    """Returns all degrees at which a face's own curve has this value.

    Conventions:
        A curve need not be monotone (the study's stretch lets PSNR rise between neighbouring
        degrees), so a value may belong to several blurs; crossings less than 3 px apart are one
        range. Between its points the curve is taken as straight, of PSNR the error's amplitude.
        Degree 1 is left out: the study draws its angle, and one lucky draw is like any blur.

    Args:
        value: Of the changed picture, such as a shifted one.
        curve: Degree, px, to the measure's value; at least two besides degree 1 that are not NaN.
        measure: A key of ``ARGUMENT_MEASURES``.

    Returns:
        A ``BlurEquivalent``.

    Raises:
        SettingError: There is no such measure, the value is NaN, or the curve is too short.

    Example:
        >>> blur_equivalent(0.6, {0: 1.0, 50: 0.7, 100: 0.5}, "ssim").degree
        75.0
        >>> blur_equivalent(0.8, {0: 1.0, 10: 0.6, 20: 1.0, 30: 0.6}, "ssim").short
        'below 10, 15 or 25 px'
    """
    row = look_up(ARGUMENT_MEASURES, measure, "measure")
    degrees = [at for at in sorted(curve) if at != DRAWN_DEGREE and not math.isnan(curve[at])]
    if len(degrees) < 2 or math.isnan(value):
        raise SettingError(
            f"the curve has {len(degrees)} known degrees and the value is {value:g}, "
            "wanted at least two and a number",
            hint="measure more degrees first",
        )
    points = [(float(degree), row.away(curve[degree])) for degree in degrees]
    level = row.away(value)
    ranges = _ranges(list(_crossings(points, level)))
    outside = "below" if level < min(away for _, away in points) else "beyond"
    return BlurEquivalent(row, ranges, "" if ranges else outside, degrees[0], degrees[-1])


def _crossings(points: Sequence[tuple[float, float]], level: float) -> Iterator[float]:
    """Where a line through points is at a level, from left to right."""
    for at, (here, left) in enumerate(points):
        if left == level:
            yield here
        if at + 1 == len(points):
            return
        there, right = points[at + 1]
        if min(left, right) < level < max(left, right):
            share = (level - left) / (right - left)
            yield here + share * (there - here)


def _ranges(crossings: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Crossings as ranges: neighbours are one."""
    ranges: list[tuple[float, float]] = []
    for at in crossings:
        if ranges and at - ranges[-1][1] < NEIGHBOURS:
            ranges[-1] = (ranges[-1][0], at)
        else:
            ranges.append((at, at))
    return tuple(ranges)


@dataclass(frozen=True)
class ScepticRow:
    """The same pair, sharp but moved against blurred, measured one way.

    Attributes:
        kernel: A key of ``KERNELS``.
        angle: The kernel's angle; every row draws the same direction.
        crop: A key of ``CROPS``.
        registration: ``none`` or a key of ``REGISTRATIONS``: what is done before measuring.
        sharp: Values of the sharp, moved picture.
        blurred: Values of the blurred picture.
        note: What a user must know; may be empty.
        sharp_crop: Corners of what the recogniser is shown, px of the sharp picture as it is before
            it is registered; None where no face is found, or nobody knows how it is cut.
        blurred_crop: The same in the blurred picture.
    """

    kernel: str
    angle: float
    crop: str
    registration: str
    sharp: dict[str, float]
    blurred: dict[str, float]
    note: str
    sharp_crop: Corners | None = None
    blurred_crop: Corners | None = None

    def prefers_sharp(self, name: str) -> bool | None:
        """Whether a measure calls the sharp picture the closer one; None where it has no value."""
        pair = self.sharp[name], self.blurred[name]
        if any(math.isnan(value) for value in pair):
            return None
        return ARGUMENT_MEASURES[name].prefers(*pair)


def sceptic_table(
    face: Face,
    embedder: Embedder,
    *,
    degree: int = defaults.DEGREE,
    angle: float = defaults.ANGLE,
    moved: Disturbance | None = None,
    kernels: Sequence[str] = tuple(KERNELS),
    crops: Sequence[str] = tuple(CROPS),
    registrations: Sequence[str] = ("none", *REGISTRATIONS),
    names: Sequence[str] = SCEPTIC_NAMES,
) -> list[ScepticRow]:
    """Returns every number of a pair under every switch that a sceptic asks for.

    Conventions:
        Registration moves either picture back onto the clean one; pixel measures then count the
        common region, the recogniser gets the whole picture moved back. The line kernel is drawn
        in the direction in which the study's kernel draws ``angle``. A distance of embeddings is
        NaN where the crop is ``redetect`` and no face is found.

    Args:
        face: The clean face.
        embedder: A loaded recogniser; for another one call again.
        degree: Of the blurred picture, px, 0..100.
        angle: As the default kernel means it.
        moved: What happens to the sharp picture; None for 16 px to the right.
        kernels: Keys of ``KERNELS``.
        crops: Keys of ``CROPS``.
        registrations: ``none`` and keys of ``REGISTRATIONS``.
        names: Keys of ``ARGUMENT_MEASURES``.

    Returns:
        A row for each kernel, registration and crop, in this order.

    Raises:
        SettingError: A setting is not allowed.
    """
    moved = Disturbance(x=16.0) if moved is None else moved
    for name in registrations:
        look_up({"none": "", **REGISTRATIONS}, name, "registration")
    rows: list[ScepticRow] = []
    for kernel in kernels:
        row = look_up(KERNELS, kernel, "kernel")
        turned = row.angle_like(KERNELS[defaults.KERNEL], angle)
        find = _Finder()
        prepared = PreparedFace(face, embedder, kernel=kernel, exact=False, locate=find)
        place = functools.partial(_corners, face, embedder, find)
        rows += _sceptic_rows(prepared, turned, degree, moved, registrations, crops, names, place)
    return rows


class _Finder:
    """Finds the face in a picture, in each picture once."""

    def __init__(self) -> None:
        self._found: dict[str, Face | NoFaceError] = {}

    def __call__(self, picture: Picture) -> Face:
        key = digest_of(picture)
        if key not in self._found:
            try:
                self._found[key] = locate_face(picture)
            except NoFaceError as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, NoFaceError):
            raise found
        return found


def _corners(
    face: Face, embedder: Embedder, find: _Finder, side: _Side, crop: str
) -> Corners | None:
    """Where the recogniser's crop lies in a picture as it is before it is registered."""
    try:
        plan = embedder.crop_plan(find(side.picture) if crop == REDETECT else face)
    except NoFaceError:
        return None
    if plan is None:
        return None
    corners = crop_corners(plan)
    high, wide = side.picture.shape[:2]
    return tuple(side.found.carried(corners, (wide, high))) if side.found else corners


def _sceptic_rows(
    prepared: PreparedFace,
    angle: float,
    degree: int,
    moved: Disturbance,
    registrations: Sequence[str],
    crops: Sequence[str],
    names: Sequence[str],
    place: Callable[[_Side, str], Corners | None],
) -> Iterator[ScepticRow]:
    pictures = prepared.changed(moved), prepared.changed(prepared.blurred(degree, angle))
    for how in registrations:
        # What does not depend on the crop is computed once: the registration, the pixel measures.
        pair = [_pixel_side(prepared, picture, how, names) for picture in pictures]
        note = "; ".join(dict.fromkeys(side.note for side in pair if side.note))
        for crop in crops:
            sharp, blurred = (_with_distances(prepared, side, crop, names) for side in pair)
            places = (place(side, crop) for side in pair)
            yield ScepticRow(prepared.kernel, angle, crop, how, sharp, blurred, note, *places)


class _Side(NamedTuple):
    """A picture as it is shown to the recogniser, and what the pixel measures say of it."""

    picture: Picture
    values: dict[str, float]
    note: str
    found: Registration | None = None  # how the picture was moved back


def _pixel_side(prepared: PreparedFace, picture: Picture, how: str, names: Sequence[str]) -> _Side:
    pixel = [name for name in names if name not in DISTANCES]
    if how == "none":
        return _Side(picture, prepared.measure(picture, pixel), "")
    reference = prepared.reference
    found = register(reference, picture, how)
    moved, region = align(picture, found)
    here, there = (np.ascontiguousarray(one[region]) for one in (reference, moved))
    values = {name: ARGUMENT_MEASURES[name].compute(here, there) for name in pixel}
    return _Side(moved, values, found.note, found)


def _with_distances(
    prepared: PreparedFace, side: _Side, crop: str, names: Sequence[str]
) -> dict[str, float]:
    wanted = [name for name in names if name in DISTANCES]
    distances = prepared.measure(side.picture, wanted, crop=crop)
    return {name: (distances | side.values)[name] for name in names}
