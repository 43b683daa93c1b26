"""Search for the pictures that tell the argument best on one face, and for where it fails."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blurdash import defaults
from blurdash.blur import Picture, apply_kernel
from blurdash.distance import EMBEDDING
from blurdash.errors import SettingError
from blurdash.kernel import KERNELS, KernelAudit, audit_kernel, check_angle, line_kernel
from blurdash.measures import ARGUMENT_MEASURES
from blurdash.readout import PreparedFace
from blurdash.table import in_role, look_up
from blurdash.values import real_number

__all__ = [
    "PIXEL_RIVALS",
    "RIVALS",
    "AngleFlip",
    "AngleSide",
    "Disagreement",
    "find_angle_flip",
    "find_disagreement",
    "find_mildest",
]

RIVALS = in_role(ARGUMENT_MEASURES, "rival")
PIXEL_RIVALS = in_role(ARGUMENT_MEASURES, "pixel rival")

LIMITS = (0.5, 256.0)
COARSE_DEGREES = (2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
COARSE_SHARES = (0.125, 0.25, 0.5, 0.75, 1.0)
# Where a search stops halving: px of shift and of blur, degrees of angle.
FINEST_SHIFT = 0.5
FINEST_DEGREE = 1
FLIP_DEGREES = (20, 40, 60, 80, 100)
FLIP_ANGLES = tuple(range(0, 180, 30))
FLIP_STEPS = (15.0, 7.5)


@dataclass(frozen=True)
class Disagreement:
    """A sharp, shifted picture and a blurred one of a face, and who prefers which.

    Attributes:
        found: Whether the recogniser prefers the sharp picture and every rival the blurred one.
        shift_x: Of the sharp picture, px to the right.
        shift_y: px down.
        degree: Of the blurred picture, px.
        angle: Of the blur, as the face's kernel means it.
        sharp: Values of the sharp picture.
        blurred: Values of the blurred picture.
        margins: For the recogniser and each rival, how clearly it is on its side, as a share of
            what a blur of 100 px does to it; below 0 where it is on the other side.
        note: Why there is none, and who is on the wrong side; empty where there is one.
    """

    found: bool
    shift_x: float
    shift_y: float
    degree: int
    angle: float
    sharp: dict[str, float]
    blurred: dict[str, float]
    margins: dict[str, float]
    note: str

    @property
    def least(self) -> float:
        """The least of the margins: how sure the least sure of them is."""
        return min(self.margins.values())


def find_disagreement(
    prepared: PreparedFace,
    limit: float = 16.0,
    *,
    angle: float = defaults.ANGLE,
    direction: tuple[float, float] = (1.0, 0.0),
    rivals: Sequence[str] = RIVALS,
) -> Disagreement:
    """Returns the pair on which the recogniser and the pixel measures disagree most.

    Conventions:
        The recogniser (by cosine similarity) is to prefer the sharp, shifted picture and every
        rival the blurred one. Each has a margin, counted in what a blur of 100 px does to it
        (PSNR as the amplitude of the error); the pair with the largest least margin is taken, so
        none of them is on the verge. Searched from coarse to fine.

    Args:
        prepared: The face.
        limit: Largest shift, px, 0.5..256: what the viewer still calls slightly shifted.
        angle: Of the blur, degrees.
        direction: Of the shift: right and down, any length but 0.
        rivals: Keys of ``ARGUMENT_MEASURES``, at least one.

    Returns:
        A ``Disagreement``; where there is none under the limit the nearest, ``found`` False.

    Raises:
        SettingError: A setting is not allowed.
    """
    hunt = _Hunt(prepared, limit, angle, direction, rivals)
    shifts = [share * limit for share in COARSE_SHARES]
    degrees = list(COARSE_DEGREES)
    while True:
        best = max(
            ((far, degree) for far in shifts for degree in degrees),
            key=lambda pair: min(hunt.margins(*pair).values()),
        )
        more_shifts = _halfway(shifts, best[0], FINEST_SHIFT)
        more_degrees = [round(d) for d in _halfway(degrees, best[1], FINEST_DEGREE)]
        new = set(more_shifts) - set(shifts), set(more_degrees) - set(degrees)
        if not any(new):
            return hunt.told(*best)
        shifts, degrees = sorted({*shifts, *new[0]}), sorted({*degrees, *new[1]})


def find_mildest(
    prepared: PreparedFace,
    limit: float = 16.0,
    *,
    angle: float = defaults.ANGLE,
    direction: tuple[float, float] = (1.0, 0.0),
    rivals: Sequence[str] = PIXEL_RIVALS,
) -> Disagreement:
    """Returns the pair of the mildest blur for which the pixel measures are all wrong.

    Wrong is a measure that prefers the blurred picture while the recogniser prefers the sharp,
    shifted one. For each of a few shifts up to the limit, the least degree at which the recogniser
    does so is bisected, and the rivals are asked there.

    Args:
        prepared: The face.
        limit: Largest shift, px, 0.5..256.
        angle: Of the blur, degrees.
        direction: Of the shift: right and down, any length but 0.
        rivals: Keys of ``ARGUMENT_MEASURES``, at least one.

    Returns:
        A ``Disagreement``; where there is none under the limit the nearest, ``found`` False.

    Raises:
        SettingError: A setting is not allowed.
    """
    hunt = _Hunt(prepared, limit, angle, direction, rivals)
    shifts = [share * limit for share in COARSE_SHARES if share * limit >= FINEST_SHIFT] or [limit]
    pairs = [(far, hunt.least_degree(far)) for far in shifts]
    wrong = [pair for pair in pairs if min(hunt.margins(*pair).values()) > 0]
    if wrong:
        return hunt.told(*min(wrong, key=lambda pair: (pair[1], -pair[0])))
    return hunt.told(*max(pairs, key=lambda pair: min(hunt.margins(*pair).values())))


class _Hunt:
    """Margins of pairs of one face; every picture is measured once."""

    def __init__(
        self,
        prepared: PreparedFace,
        limit: float,
        angle: float,
        direction: tuple[float, float],
        rivals: Sequence[str],
    ) -> None:
        low, high = LIMITS
        limit = real_number(
            limit,
            "the limit of the shift",
            low,
            high,
            wanted=f"{low:g} to {high:g} px",
            hint="give the largest shift that still counts as slight",
        )
        if not rivals or not math.isfinite(length := math.hypot(*direction)) or length == 0:
            raise SettingError(
                "the shift has no direction or there is no rival, wanted both",
                hint="give a direction such as 1,0 and a measure such as psnr",
            )
        for name in rivals:
            look_up(ARGUMENT_MEASURES, name, "measure")
        self._prepared, self._limit, self._angle = prepared, limit, check_angle(angle)
        self._direction = direction[0] / length, direction[1] / length
        self._rivals = tuple(rivals)
        self._range: dict[str, float] = {}

    def margins(self, far: float, degree: int) -> dict[str, float]:
        """Each one's margin towards: the recogniser prefers sharp, the rivals blurred."""
        found = {EMBEDDING: self._gap(EMBEDDING, far, degree)}
        return found | {name: -self._gap(name, far, degree) for name in self._rivals}

    def _gap(self, name: str, far: float, degree: int) -> float:
        """How much closer the sharp picture is, as a share of what a blur of 100 px does."""
        away = ARGUMENT_MEASURES[name].away
        if name not in self._range:
            self._range[name] = max(abs(away(self._blurred(name, 100))), 1e-9)
        sharp, blurred = self._sharp(name, far), self._blurred(name, degree)
        gap = (away(blurred) - away(sharp)) / self._range[name]
        return gap if math.isfinite(gap) else -1.0  # no face found in one of them: no disagreement

    def _sharp(self, name: str, far: float) -> float:
        x, y = self._place(far)
        return self._prepared.values(self._prepared.shifted(x, y), (name,))[name]

    def _blurred(self, name: str, degree: int) -> float:
        change = self._prepared.blurred(degree, self._angle)
        return self._prepared.values(change, (name,))[name]

    def _place(self, far: float) -> tuple[float, float]:
        x, y = (round(part * far, 6) + 0.0 for part in self._direction)
        return x, y

    def least_degree(self, far: float) -> int:
        """The least degree at which the recogniser prefers the sharp picture; 100 if none."""
        low, high = 0, 100
        while high - low > 1:
            middle = (low + high) // 2
            if self._gap(EMBEDDING, far, middle) > 0:
                high = middle
            else:
                low = middle
        return high

    def told(self, far: float, degree: int) -> Disagreement:
        """A pair with everything that is known of it."""
        margins = self.margins(far, degree)
        against = [name for name, margin in margins.items() if margin <= 0]
        names = (EMBEDDING, *self._rivals)
        x, y = self._place(far)
        return Disagreement(
            found=not against,
            shift_x=x,
            shift_y=y,
            degree=degree,
            angle=self._angle,
            sharp={name: self._sharp(name, far) for name in names},
            blurred={name: self._blurred(name, degree) for name in names},
            margins=margins,
            note=self._note(against, far, degree),
        )

    def _note(self, against: Sequence[str], far: float, degree: int) -> str:
        if not against:
            return ""
        sides = [
            f"{ARGUMENT_MEASURES[name].label} prefers the {_WRONG_SIDE[name == EMBEDDING]} one"
            for name in against
        ]
        return (
            f"no pair of this face disagrees with a shift up to {self._limit:g} px; the nearest is "
            f"a shift of {far:.3g} px and a blur of {degree} px, where {' and '.join(sides)}"
        )


_WRONG_SIDE = {True: "blurred", False: "sharp"}


def _halfway(values: Sequence[float], best: float, finest: float) -> list[float]:
    """Values half-way from the best to its neighbours, while these are further than the finest."""
    place = list(values).index(best)
    around = [values[i] for i in (place - 1, place + 1) if 0 <= i < len(values)]
    return [(best + other) / 2 for other in around if abs(best - other) > finest]


class AngleSide(NamedTuple):
    """One of the two blurs of an ``AngleFlip``.

    Attributes:
        degree: px.
        angle: As the face's kernel means it.
        value: Cosine similarity to the clean face.
        audit: What this kernel really does.
        line_value: Cosine similarity of an exact line of that many px in the same direction.
    """

    degree: int
    angle: float
    value: float
    audit: KernelAudit
    line_value: float


@dataclass(frozen=True)
class AngleFlip:
    """A longer blur that looks sharper to the recogniser than a shorter one at another angle.

    Attributes:
        found: Whether the longer one has the higher cosine similarity.
        longer: The blur of the larger degree.
        shorter: The blur of the smaller degree.
        by_geometry: Whether an exact line in the same two directions does not do so: then it is
            the recipe's geometry (√2, lost light, drift), not the face.
        note: Why there is none; empty where there is one.
    """

    found: bool
    longer: AngleSide
    shorter: AngleSide
    by_geometry: bool
    note: str

    @property
    def margin(self) -> float:
        """Cosine similarity of the longer blur minus that of the shorter."""
        return self.longer.value - self.shorter.value


def find_angle_flip(
    prepared: PreparedFace,
    *,
    gap: int = 10,
    degrees: Sequence[int] = FLIP_DEGREES,
    angles: Iterable[float] = FLIP_ANGLES,
) -> AngleFlip:
    """Returns two blurs where the larger degree has the higher cosine similarity.

    Conventions:
        Of all pairs of a grid whose degrees are at least ``gap`` apart the one with the largest
        margin; then angles between are tried at either end.

    Args:
        prepared: The face.
        gap: How much larger the larger degree must be, px, 1..99.
        degrees: Those that are tried, px; at least two that are ``gap`` apart.
        angles: Those that are tried first, degrees.

    Returns:
        An ``AngleFlip``; where there is none the nearest, ``found`` False.

    Raises:
        SettingError: A setting is not allowed.
    """
    tried = sorted({float(check_angle(angle)) for angle in angles})
    if not tried or gap < 1 or not degrees or max(degrees) - min(degrees) < gap:
        raise SettingError(
            f"the gap is {gap!r:.40} px over {len(degrees)} degrees and {len(tried)} angles, "
            "wanted an angle and two degrees that far apart",
            hint="give a smaller gap or more degrees",
        )
    found = {
        degree: [(angle, _cosine(prepared, degree, angle)) for angle in tried] for degree in degrees
    }
    for step in (0.0, *FLIP_STEPS):
        longer, shorter = _best_flip(found, gap)
        if step:
            for degree, angle in (longer, shorter):
                found[degree] += [
                    (a, _cosine(prepared, degree, a)) for a in (angle - step, angle + step)
                ]
    return _told_flip(prepared, *_best_flip(found, gap))


def _cosine(prepared: PreparedFace, degree: int, angle: float) -> float:
    return prepared.values(prepared.blurred(degree, angle), (EMBEDDING,))[EMBEDDING]


_Blur = tuple[int, float]


def _best_flip(found: dict[int, list[tuple[float, float]]], gap: int) -> tuple[_Blur, _Blur]:
    """The pair of blurs, longer and shorter, whose margin is largest."""
    by_value = operator.itemgetter(1)
    pairs = []
    for long in found:
        for short in found:
            if long - short >= gap:
                high, low = max(found[long], key=by_value), min(found[short], key=by_value)
                pairs.append((high[1] - low[1], (long, high[0]), (short, low[0])))
    return max(pairs)[1:]


def _told_flip(prepared: PreparedFace, longer: _Blur, shorter: _Blur) -> AngleFlip:
    long, short = (_side(prepared, *blur) for blur in (longer, shorter))
    found = long.value > short.value
    note = (
        ""
        if found
        else (
            f"no larger degree of this face scores higher than a smaller one; the nearest is "
            f"{long.degree} px at {long.angle:g}° against {short.degree} px at {short.angle:g}°, "
            f"{short.value - long.value:.4f} lower"
        )
    )
    return AngleFlip(found, long, short, found and long.line_value <= short.line_value, note)


def _side(prepared: PreparedFace, degree: int, angle: float) -> AngleSide:
    kernel = KERNELS[prepared.kernel].make(degree, angle)
    audit = audit_kernel(kernel)
    direction = 0.0 if math.isnan(audit.direction) else audit.direction  # a single tap has none
    line: Picture = apply_kernel(prepared.reference, line_kernel(degree, direction))
    value = _cosine(prepared, degree, angle)
    return AngleSide(degree, angle, value, audit, prepared.measure(line, (EMBEDDING,))[EMBEDDING])
