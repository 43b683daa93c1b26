"""How far apart different people are under one recogniser: every pair of some clean faces.

Where a recogniser has no published threshold, this is what can be said of a pair: how many pairs of
strangers are as close. The same faces make all the pairs, so what is sure is less than their number
suggests.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from blurdash.distance import DISTANCES, EMBEDDING
from blurdash.errors import SettingError, TableError
from blurdash.pairs import Z95, share_interval, wilson
from blurdash.table import look_up

__all__ = ["FACES_AT_MOST", "RATE", "Closer", "MatchThreshold", "StrangerPairs", "pairs_of"]

Values = npt.NDArray[np.float64]
Embeddings = npt.NDArray[np.float32]

RATE = 0.01
"""The rate of false matches at which a threshold is given, where there are faces enough."""
# So many faces are enough for that rate, and make 319,600 pairs.
FACES_AT_MOST = 800


class Closer(NamedTuple):
    """How many pairs of strangers are as close as a pair, or closer.

    Attributes:
        close: Such pairs.
        pairs: All pairs.
        faces: Of how many faces.
        low: Lower end of the share's 95 % interval.
        high: Its upper end.
    """

    close: int
    pairs: int
    faces: int
    low: float
    high: float


class MatchThreshold(NamedTuple):
    """Where so few strangers are as close.

    Attributes:
        value: Of the measure; at the nearest pair that still counts as strangers.
        rate: The share of strangers that are closer, 0..1.
        faces: Of how many faces it is known.
    """

    value: float
    rate: float
    faces: int


@dataclass(frozen=True, eq=False)
class StrangerPairs:
    """The distances of every pair of some clean faces; one face a person.

    Attributes:
        faces: How many faces.
        values: For each key of ``DISTANCES`` float64 ``(pairs,)``, in the order of
            ``itertools.combinations``.
    """

    faces: int
    values: Mapping[str, Values]
    # What a page asks for again and again while a hand moves.
    _in_order: dict[str, Values] = field(default_factory=dict, init=False, repr=False)
    _bands: dict[str, tuple[float, float, float]] = field(
        default_factory=dict, init=False, repr=False
    )
    _intervals: dict[tuple[str, int], tuple[float, float]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        """Checks that there is a value for every pair."""
        wanted = self.faces * (self.faces - 1) // 2
        for name, several in self.values.items():
            look_up(DISTANCES, name, "distance")
            if several.shape != (wanted,) or not np.isfinite(several).all():
                raise TableError(
                    f"{len(several)} distances of {self.faces} faces are given, wanted {wanted}",
                    hint="measure the reference anew",
                )

    @property
    def pairs(self) -> int:
        """How many pairs."""
        return self.faces * (self.faces - 1) // 2

    def closer(self, measure: str, value: float) -> Closer:
        """Returns how many pairs of strangers are as close as a value, or closer.

        Conventions:
            The interval draws faces again, not pairs. Where no pair is as close, or every one is,
            that says nothing: then it is Wilson's for the pairs that share no face.

        Args:
            measure: A key of ``DISTANCES``.
            value: Of a pair, in the measure's unit.

        Raises:
            SettingError: There is no such measure, or no pair at all.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> known = pairs_of(rng.normal(size=(30, 8)).astype(np.float32))
            >>> found = known.closer("l2", 0.0)
            >>> f"{found.close} of {found.pairs}, up to {found.high:.0%}"
            '0 of 435, up to 20%'
        """
        look_up(DISTANCES, measure, "distance")
        if not self.pairs:
            raise SettingError("one face has no strangers", hint="measure more faces")
        ordered = self._ordered(measure)
        if DISTANCES[measure].higher_is_closer:
            count = self.pairs - int(np.searchsorted(ordered, value, "left"))
        else:
            count = int(np.searchsorted(ordered, value, "right"))
        return Closer(count, self.pairs, self.faces, *self._interval(measure, count))

    def threshold(self, measure: str, rate: float = RATE) -> MatchThreshold | None:
        """Returns where at most such a share of strangers is as close; None for too few faces.

        Conventions:
            Pairs that share no face are independent: a rate can be told where so many of them
            without a match would leave no more than that rate, with 95 % confidence.

        Args:
            measure: A key of ``DISTANCES``.
            rate: A share in 0..1.
        """
        row = look_up(DISTANCES, measure, "distance")
        if self.faces < faces_for(rate):
            return None
        ordered = self._ordered(measure)
        allowed = int(rate * self.pairs)
        place = self.pairs - 1 - allowed if row.higher_is_closer else allowed
        return MatchThreshold(float(ordered[place]), rate, self.faces)

    def band(self, measure: str) -> tuple[float, float, float]:
        """Returns 2.5 %, the median and 97.5 % of the pairs."""
        if measure not in self._bands:
            low, middle, high = np.quantile(self.values[measure], (0.025, 0.5, 0.975)).tolist()
            self._bands[measure] = low, middle, high
        return self._bands[measure]

    def nearest(self) -> tuple[int, int] | None:
        """Returns which two faces are closest to each other; None for one face."""
        if not self.pairs:
            return None
        row, values = DISTANCES[EMBEDDING], self.values[EMBEDDING]
        place = int(np.argmax(values) if row.higher_is_closer else np.argmin(values))
        return list(itertools.combinations(range(self.faces), 2))[place]

    def _ordered(self, measure: str) -> Values:
        if measure not in self._in_order:
            self._in_order[measure] = np.sort(self.values[measure])
        return self._in_order[measure]

    def _interval(self, measure: str, count: int) -> tuple[float, float]:
        if (measure, count) not in self._intervals:
            self._intervals[measure, count] = self._computed_interval(measure, count)
        return self._intervals[measure, count]

    def _computed_interval(self, measure: str, count: int) -> tuple[float, float]:
        if count in (0, self.pairs):
            disjoint = self.faces // 2
            return wilson(disjoint if count else 0, disjoint)
        ordered, values = self._ordered(measure), self.values[measure]
        if DISTANCES[measure].higher_is_closer:
            holds = values >= ordered[self.pairs - count]
        else:
            holds = values <= ordered[count - 1]
        return share_interval(holds, self.faces)

    def as_table(self) -> pa.Table:
        """Returns a column a distance and a row a pair, float32."""
        return pa.table({name: several.astype(np.float32) for name, several in self.values.items()})

    @classmethod
    def from_table(cls, table: pa.Table, faces: int) -> StrangerPairs:
        """Returns what ``as_table`` gave; distances that blurdash does not know are left out.

        Raises:
            TableError: It does not have a number for each pair of so many faces.
        """
        try:
            values = {
                name: np.asarray(table[name].cast(pa.float64()).to_numpy(), np.float64)
                for name in DISTANCES
                if name in table.column_names
            }
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise TableError(
                "these are no distances of pairs of faces", hint="measure the reference anew"
            ) from error
        return cls(faces, values)


def faces_for(rate: float) -> int:
    """Returns how many faces a threshold at a rate of false matches takes.

    Example:
        >>> faces_for(0.01), faces_for(0.001)
        (762, 7676)
    """
    return 2 * math.ceil(Z95**2 * (1 - rate) / rate)


def pairs_of(embeddings: Embeddings | Sequence[Embeddings]) -> StrangerPairs:
    """Returns the distances of every pair of clean embeddings.

    Args:
        embeddings: float32 ``(faces, D)``, one face a person.
    """
    several = np.asarray(embeddings, np.float32)
    pairs = list(itertools.combinations(several, 2))
    values = {
        name: np.array([row.compute(*pair) for pair in pairs], np.float64)
        for name, row in DISTANCES.items()
    }
    return StrangerPairs(len(several), values)
