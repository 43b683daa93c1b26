"""Shift against blur: what blur a measure takes a shift for, and the switches sceptics ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from blurdash import defaults
from blurdash.blur import Picture
from blurdash.distance import DISTANCES
from blurdash.disturb import Disturbance
from blurdash.embed import Embedder
from blurdash.errors import SettingError
from blurdash.evidence import ARGUMENT_MEASURES, Evidence
from blurdash.face import Face
from blurdash.kernel import KERNELS
from blurdash.readout import CROPS, PreparedFace
from blurdash.register import REGISTRATIONS, align, register
from blurdash.table import Measure, look_up

__all__ = ["STUDY_TURN", "BlurEquivalent", "ScepticRow", "blur_equivalent", "sceptic_table"]

# The study's angle 45 is drawn as the line kernel's angle 0: their zeros lie 135 degrees apart.
STUDY_TURN = 135.0
LEAST_SAID = 10  # px
SCEPTIC_NAMES = ("cosine_similarity", "l1", "l2", "psnr", "ssim", "cw_ssim", "sharpness_ratio")


@dataclass(frozen=True)
class BlurEquivalent:
    """The blur that a measure takes a changed picture for.

    Attributes:
        measure: The measure's row.
        degree: Canvas px; None where the value lies outside the curve.
        side: Empty, ``below`` (closer than every blur of the curve) or ``beyond``.
        first: Smallest degree of the curve.
        last: Its largest.
    """

    measure: Measure
    degree: float | None
    side: str
    first: float
    last: float

    @property
    def text(self) -> str:
        """One clause for a tile.

        Example:
            >>> BlurEquivalent(ARGUMENT_MEASURES["psnr"], 41.2, "", 0, 100).text
            'PSNR takes this for a blur of 41 px'
        """
        return f"{self.measure.label} takes this for a blur of {self.short}"

    @property
    def short(self) -> str:
        """The blur alone: a curve's first few degrees are too unlike each other to name one.

        Example:
            >>> BlurEquivalent(ARGUMENT_MEASURES["psnr"], None, "beyond", 0, 100).short
            'over 100 px'
        """
        if self.side == "beyond":
            return f"over {self.last:g} px"
        if self.degree is None or self.degree < LEAST_SAID:
            return f"below {max(self.first, LEAST_SAID):g} px"
        return f"{self.degree:.0f} px"


def blur_equivalent(value: float, curve: Mapping[int, float], measure: str) -> BlurEquivalent:
    """Returns the degree at which a face's own curve has this value.

    Conventions:
        A curve need not be monotone (the study's stretch lets PSNR rise between neighbouring small
        degrees): what is read off is its envelope, at each degree the farthest value so far,
        linearly between its points, at the first degree that is as far. PSNR is interpolated as
        the amplitude of the error.

    Args:
        value: Of the changed picture, such as a shifted one.
        curve: Degree, px, to the measure's value; at least two that are not NaN.
        measure: A key of ``ARGUMENT_MEASURES``.

    Returns:
        A ``BlurEquivalent``.

    Raises:
        SettingError: There is no such measure, the value is NaN, or the curve is too short.

    Example:
        >>> blur_equivalent(0.6, {0: 1.0, 50: 0.7, 100: 0.5}, "ssim").degree
        75.0
    """
    row = look_up(ARGUMENT_MEASURES, measure, "measure")
    degrees = [degree for degree in sorted(curve) if not math.isnan(curve[degree])]
    if len(degrees) < 2 or math.isnan(value):
        raise SettingError(
            f"the curve has {len(degrees)} known degrees and the value is {value:g}, "
            "wanted at least two and a number",
            hint="measure more degrees first",
        )
    away = np.maximum.accumulate([row.away(curve[degree]) for degree in degrees])
    here, first, last = row.away(value), degrees[0], degrees[-1]
    if here < away[0] - 1e-12:
        return BlurEquivalent(row, None, "below", first, last)
    if here > away[-1]:
        return BlurEquivalent(row, None, "beyond", first, last)
    right = int(np.searchsorted(away, here, side="left"))
    if right == 0 or away[right] == here:
        return BlurEquivalent(row, float(degrees[right]), "", first, last)
    share = (here - away[right - 1]) / (away[right] - away[right - 1])
    degree = degrees[right - 1] + share * (degrees[right] - degrees[right - 1])
    return BlurEquivalent(row, float(degree), "", first, last)


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
    """

    kernel: str
    angle: float
    crop: str
    registration: str
    sharp: dict[str, float]
    blurred: dict[str, float]
    note: str

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
        angle: As the study's kernel means it.
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
        turned = angle if kernel != "line" else (angle + STUDY_TURN) % 180
        known = {
            crop: Evidence(PreparedFace(face, embedder, kernel=kernel, crop=crop, exact=False))
            for crop in crops
        }
        if known:
            rows += _sceptic_rows(known, kernel, turned, degree, moved, registrations, names)
    return rows


def _sceptic_rows(
    known: Mapping[str, Evidence],
    kernel: str,
    angle: float,
    degree: int,
    moved: Disturbance,
    registrations: Sequence[str],
    names: Sequence[str],
) -> Iterator[ScepticRow]:
    any_crop = next(iter(known.values()))
    pictures = any_crop.picture(moved), any_crop.picture(any_crop.blurred(degree, angle))
    for how in registrations:
        # What does not depend on the crop is computed once: the registration, the pixel measures.
        pair = [_pixel_side(any_crop, picture, how, names) for picture in pictures]
        note = "; ".join(dict.fromkeys(side.note for side in pair if side.note))
        for crop, evidence in known.items():
            sharp, blurred = (_with_distances(evidence, side, names) for side in pair)
            yield ScepticRow(kernel, angle, crop, how, sharp, blurred, note)


class _Side(NamedTuple):
    """A picture as it is shown to the recogniser, and what the pixel measures say of it."""

    picture: Picture
    values: dict[str, float]
    note: str


def _pixel_side(evidence: Evidence, picture: Picture, how: str, names: Sequence[str]) -> _Side:
    pixel = [name for name in names if name not in DISTANCES]
    if how == "none":
        return _Side(picture, evidence.measure(picture, pixel), "")
    reference = evidence.prepared.reference
    found = register(reference, picture, how)
    moved, region = align(picture, found)
    here, there = (np.ascontiguousarray(one[region]) for one in (reference, moved))
    values = {name: ARGUMENT_MEASURES[name].compute(here, there) for name in pixel}
    return _Side(moved, values, found.note)


def _with_distances(evidence: Evidence, side: _Side, names: Sequence[str]) -> dict[str, float]:
    distances = evidence.measure(side.picture, [name for name in names if name in DISTANCES])
    return {name: (distances | side.values)[name] for name in names}
