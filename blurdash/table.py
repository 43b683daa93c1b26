"""What the row of a measure is, and how a name finds its row in any table."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from blurdash.errors import SettingError
from blurdash.words import quoted

__all__ = ["FAMILIES", "INFINITE", "ROLES", "Measure", "Span", "in_role", "look_up"]

INFINITE = "∞"

# Whose accent and shape a measure wears.
FAMILIES = ("embedding", "pixels", "plain")
# Where a measure can stand; a row says at which place.
ROLES = {
    "claim": "what the argument is about, in the order it is said",
    "tile": "a number of Explore, in the block of its family, which is not plain",
    "lane": "the curve of its family that Explore shows first",
    "axis": "on the axis of how blurred each measure thinks the picture is",
    "quick": "measured while a hand moves on Argument",
    "vote": "beside what the room prefers",
    "curve": "said as a blur on Argument",
    "sceptic": "a column of the sceptic's table",
    "rival": "what a disagreement is looked for with",
    "pixel rival": "what is to prefer the blurred picture, however it counts pixels",
    "panel": "a graph of a sweep",
    "flips": "a map of the rank flips",
}

Row = TypeVar("Row")


class Span(NamedTuple):
    """What of a measure is drawn: fixed and round, so that curves can be compared by eye.

    Attributes:
        low: Lower end.
        high: Upper end.
        ticks: Where lines are drawn.
        decimals: Digits after the point of their labels.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    decimals: int

    @classmethod
    def around(cls, identical: float, farthest: float) -> Span:
        """Returns what is to be drawn from a measure's value for equal pictures to another one.

        Example:
            >>> Span.around(1.0, 0.87).ticks, Span.around(0.0, 23.1).ticks
            ((0.9, 0.95, 1.0), (0.0, 10.0, 20.0))
        """
        reach = abs(farthest - identical) or 1.0
        step = next(one for one in _steps(reach) if reach / one < MOST_TICKS)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        low, high = sorted((identical, farthest))
        pad = reach * PADDING
        low, high = (low - pad, high) if farthest < identical else (low, high + pad)
        ticks = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        return cls(low, high, tuple(round(one * step, decimals + 1) for one in ticks), decimals)


def _steps(reach: float) -> Iterator[float]:
    """Round steps, from fine to coarse, one of which suits a range."""
    power = 10.0 ** math.floor(math.log10(reach) - 1)
    for factor in (1, 10):
        for round_one in (1, 2, 5):
            yield power * factor * round_one
    yield power * 100


MOST_TICKS = 3
PADDING = 0.04


@dataclass(frozen=True)
class Measure:
    """A number computed from a (reference, test) pair, and all that is needed to show it.

    Attributes:
        name: Key in the table and in JSON.
        label: What a person reads.
        compute: Function of ``(reference, test)``.
        unit: Unit, empty where there is none.
        higher_is_closer: Direction: True if a larger value means a closer pair.
        bounds: Smallest and largest possible value.
        identical: Value for two identical inputs.
        decimals: Digits after the point that are worth showing.
        source: Where the definition comes from.
        prepare: Function of a reference that does its half of ``compute`` once and returns a
            function of a test; None where nothing is worth keeping.
        family: One of ``FAMILIES``.
        test_id: What tests and scripts call it; None where that is its name.
        span: What is drawn of it; of distances, until it is known how far they go under the
            recogniser in use. None where it is drawn nowhere.
        roles: Keys of ``ROLES``, each with the place among those that play it.
        twin_tolerance: How close two values must be for pictures to count as its twins; None where
            none are looked for.
        order_of_sums: By how much sums in another order move it, in the network and in the blur.
        single_levels: By how much a canvas moves it of which 3 % of the values are a grey level
            off; three times what was measured.
    """

    name: str
    label: str
    compute: Callable[[Any, Any], float]
    unit: str
    higher_is_closer: bool
    bounds: tuple[float, float]
    identical: float
    decimals: int
    source: str
    prepare: Callable[[Any], Callable[[Any], float]] | None = None
    family: str = "plain"
    test_id: str | None = None
    span: Span | None = None
    roles: Mapping[str, int] = field(default_factory=dict)
    twin_tolerance: float | None = None
    order_of_sums: float = 0.0
    single_levels: float = 0.0

    def against(self, reference: Any) -> Callable[[Any], float]:
        """Returns a function of a test that gives ``compute(reference, test)``, for many tests."""
        if self.prepare is not None:
            return self.prepare(reference)
        return functools.partial(self.compute, reference)

    def prefers(self, first: float, second: float) -> bool:
        """Whether ``first`` is strictly the closer of two values."""
        return first > second if self.higher_is_closer else first < second

    def away(self, value: float) -> float:
        """How far a value is from that for identical input: 0 there, more where it is worse.

        In the measure's own unit; decibels, which have no finite distance from there, become the
        amplitude of the error: 10^(−value / 20).
        """
        if math.isinf(self.identical):
            return float(10 ** (-value / 20))
        return self.identical - value if self.higher_is_closer else value - self.identical

    def shown(self, value: float, *, with_unit: bool = False) -> str:
        """Returns a value as a person reads it, in so many digits as are worth showing.

        Args:
            value: Of this measure; NaN where there is none.
            with_unit: Whether its unit follows.
        """
        if math.isnan(value):
            return "–"
        unit = f" {self.unit}" if self.unit and with_unit else ""
        return (INFINITE if math.isinf(value) else f"{value:.{self.decimals}f}") + unit

    @property
    def short_label(self) -> str:
        """The label without what goes without saying, such as "L2"."""
        return self.label.removesuffix(" similarity").removesuffix(" distance")

    @property
    def direction(self) -> str:
        """Direction in words: ``"higher is closer"`` or ``"lower is closer"``."""
        return "higher is closer" if self.higher_is_closer else "lower is closer"


def in_role(table: Mapping[str, Measure], role: str) -> tuple[str, ...]:
    """Returns the names of the rows that play a role, in the order of their places.

    Args:
        table: Measures by name.
        role: A key of ``ROLES``.
    """
    names = [name for name, row in table.items() if role in row.roles]
    return tuple(sorted(names, key=lambda name: table[name].roles[role]))


def look_up(table: Mapping[str, Row], name: object, what: str) -> Row:
    """Returns the row called ``name``.

    Args:
        table: One of the tables.
        name: The wanted key.
        what: What the table holds, for the message: ``"kernel"``.

    Returns:
        The row.

    Raises:
        SettingError: There is no such row; the hint names the nearest or all of them.

    Example:
        >>> look_up({"study": 1, "line": 2}, "line", "kernel")
        2
    """
    if isinstance(name, str) and name in table:
        return table[name]
    near = difflib.get_close_matches(str(name), list(table), n=1)
    hint = f"did you mean {quoted(near[0])}?" if near else f"use one of {', '.join(table)}"
    article = "an" if what[0] in "aeiou" else "a"
    raise SettingError(f"{quoted(name)} is not {article} {what} that blurdash knows", hint=hint)
