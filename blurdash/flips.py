"""How often a measure prefers a blurred picture to a sharp, shifted one: counts over faces."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import functools
import io
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from blurdash import defaults
from blurdash.blur import Change
from blurdash.clean import CROPS
from blurdash.errors import SettingError, TableError
from blurdash.folder import check_limit
from blurdash.kernel import KERNELS, check_angle, check_degree
from blurdash.measures import ARGUMENT_MEASURES
from blurdash.pairs import wilson
from blurdash.readout import PreparedFace
from blurdash.receipt import versions
from blurdash.table import in_role, look_up
from blurdash.values import is_real, is_whole

__all__ = [
    "FLIP_PANELS",
    "HUMAN",
    "FlipCell",
    "FlipSettings",
    "HumanAnchor",
    "RankFlips",
    "changes_of",
    "count_flips",
    "preferences",
]

# What is shown of the counts, in reading order: the claim, then what a sceptic puts beside it.
FLIP_PANELS = in_role(ARGUMENT_MEASURES, "flips")

SHIFTS = (2.0, 4.0, 8.0, 16.0)
DEGREES = (5, 10, 20, 30, 50, 75, 100)
FORMAT = 1

Grid = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HumanAnchor:
    """What people say of a shift.

    Attributes:
        shift_px: Canvas px.
        shift_at_256: px of the 256-px pictures that were shown.
        same: Answers "the same".
        answers: Answers in all.
        source: Who asked.
    """

    shift_px: float
    shift_at_256: float
    same: int
    answers: int
    source: str

    @property
    def share(self) -> float:
        """Share of the answers that were "the same"."""
        return self.same / self.answers


HUMAN = HumanAnchor(
    shift_px=8.0,
    shift_at_256=2.0,
    same=84,
    answers=150,
    source="user study of ST-LPIPS (Ghildyal and Liu, ECCV 2022), 256-px pictures",
)


@dataclass(frozen=True)
class FlipSettings:
    """What is compared: the same settings and photos give the same table.

    Attributes:
        shifts: Of the sharp picture to the right, canvas px.
        degrees: Of the blurred picture, whole canvas px, 1..100.
        angle: Of the blur, as the kernel means it, degrees.
        kernel: A key of ``KERNELS``.
        crop: A key of ``CROPS``.
        limit: At most so many faces; None for all.
        measures: Keys of ``ARGUMENT_MEASURES``.

    Raises:
        SettingError: One of them is not allowed.

    Example:
        >>> FlipSettings().pictures
        11
    """

    shifts: tuple[float, ...] = SHIFTS
    degrees: tuple[int, ...] = DEGREES
    angle: float = defaults.ANGLE
    kernel: str = defaults.KERNEL
    crop: str = defaults.CROP
    limit: int | None = defaults.FACES
    measures: tuple[str, ...] = tuple(ARGUMENT_MEASURES)

    def __post_init__(self) -> None:
        """Checks every field."""
        check_angle(self.angle)
        check_limit(self.limit)
        look_up(KERNELS, self.kernel, "kernel")
        look_up(CROPS, self.crop, "crop")
        for name in self.measures:
            look_up(ARGUMENT_MEASURES, name, "measure")
        for degree in self.degrees:
            check_degree(degree)
        for shift in self.shifts:
            if not 0 < shift <= 256:  # NaN fails this too
                raise SettingError(
                    f"a shift is {shift!r:.40} px, wanted more than 0 and at most 256",
                    hint="give shifts such as 2,4,8,16",
                )
        for what, values in (("shift", self.shifts), ("degree", self.degrees)):
            if not values or len(set(values)) != len(values):
                raise SettingError(
                    f"the {what}s are {values!r:.60}, wanted different ones",
                    hint=f"give every {what} once",
                )

    @property
    def pictures(self) -> int:
        """How many changed pictures a face needs."""
        return len(self.shifts) + len(self.degrees)


@dataclass(frozen=True)
class FlipCell:
    """One measure at one shift and one degree, over the faces.

    Attributes:
        measure: A key of ``ARGUMENT_MEASURES``.
        shift: px.
        degree: px.
        prefer_sharp: Faces for which the sharp, shifted picture is strictly the closer one.
        n: Faces that have a value for both pictures.
        low: Lower end of the Wilson 95 % interval of the share, NaN for no face.
        high: Its upper end.
    """

    measure: str
    shift: float
    degree: int
    prefer_sharp: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Share of the faces, NaN for no face."""
        return self.prefer_sharp / self.n if self.n else math.nan


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class RankFlips:
    """The counts over a folder.

    Attributes:
        settings: What was compared.
        faces: Names of the faces that were measured.
        failures: Name and reason of every picture that was not.
        cells: A cell for each measure, shift and degree, in this order.
        recogniser: Name, label, weights, protocol, note.
        created: When, ISO 8601.
        left_out: Why other files of the folder are not among them, and how many of each kind.
        libraries: Every library that the counts depend on, with its version.
    """

    settings: FlipSettings
    faces: tuple[str, ...]
    failures: dict[str, str]
    cells: tuple[FlipCell, ...]
    recogniser: dict[str, str]
    created: str = field(default_factory=_now)
    left_out: dict[str, int] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=lambda: dict(versions()))

    def cell(self, measure: str, shift: float, degree: int) -> FlipCell:
        """Returns one cell.

        Raises:
            SettingError: There is none such.
        """
        if found := self._by_place.get((measure, shift, degree)):
            return found
        raise SettingError(
            f"there is no cell of {measure!r:.40}, shift {shift!r:.20}, degree {degree!r:.20}",
            hint="use the settings' own shifts, degrees and measures",
        )

    @functools.cached_property
    def _by_place(self) -> dict[tuple[str, float, int], FlipCell]:
        return {(cell.measure, cell.shift, cell.degree): cell for cell in self.cells}

    def shares(self, measure: str) -> Grid:
        """Returns the share of faces that prefer sharp, float64 ``(shifts, degrees)``."""
        settings = self.settings
        return np.array(
            [[self.cell(measure, s, d).share for d in settings.degrees] for s in settings.shifts]
        )

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as JSON can hold it."""
        cells = [{**dataclasses.asdict(cell), "share": cell.share} for cell in self.cells]
        for cell in cells:
            for key in ("share", "low", "high"):
                cell[key] = None if math.isnan(cell[key]) else round(cell[key], 6)
        return {
            "format": FORMAT,
            "created": self.created,
            "n": len(self.faces),
            "settings": dataclasses.asdict(self.settings),
            "recogniser": self.recogniser,
            "interval": "Wilson, 95 %",
            "human": dataclasses.asdict(HUMAN),
            "versions": self.libraries,
            "faces": list(self.faces),
            "failures": self.failures,
            "left_out": self.left_out,
            "measures": {
                name: {"label": row.label, "direction": row.direction, "source": row.source}
                for name, row in ARGUMENT_MEASURES.items()
                if name in self.settings.measures
            },
            "cells": cells,
        }

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> RankFlips:
        """Returns the counts that ``as_dict`` wrote.

        Raises:
            TableError: It is not what ``as_dict`` writes.
        """
        try:
            if known["format"] != FORMAT:
                raise TableError(
                    f"the counts have format {known['format']!r:.20}, wanted {FORMAT}",
                    hint="make them anew with python -m blurdash argue",
                )
            settings: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in known["settings"].items()
            }
            cells = tuple(FlipCell(**_cell_from(cell)) for cell in known["cells"])
            wanted = FlipSettings(**settings)
            _check_cells(cells, wanted, len(known["faces"]))
            return cls(
                wanted,
                tuple(known["faces"]),
                dict(known["failures"]),
                cells,
                dict(known["recogniser"]),
                str(known["created"]),
                dict(known.get("left_out", {})),  # counts made earlier have none
                dict(known.get("versions", {})),
            )
        except (KeyError, TypeError, AttributeError, ValueError, SettingError) as error:
            if isinstance(error, TableError):
                raise
            raise TableError(
                "these are not counts of rank flips",
                hint="make them with python -m blurdash argue",
            ) from error

    def as_csv(self) -> str:
        """Returns the cells as CSV with a heading."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            ["measure", "shift_px", "degree_px", "prefer_sharp", "n", "share", "low", "high"]
        )
        for cell in self.cells:
            numbers = (
                "" if math.isnan(x) else f"{x:.4f}" for x in (cell.share, cell.low, cell.high)
            )
            writer.writerow(
                [cell.measure, f"{cell.shift:g}", cell.degree, cell.prefer_sharp, cell.n, *numbers]
            )
        return text.getvalue()


def _cell_from(known: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``FlipCell``; the share follows from them, and null means no face."""
    fields = {key: value for key, value in known.items() if key != "share"}
    return fields | {
        end: math.nan if fields[end] is None else fields[end] for end in ("low", "high")
    }


def _check_cells(cells: Sequence[FlipCell], settings: FlipSettings, faces: int) -> None:
    """Raises ``ValueError`` where cells are not what these settings give: a page asks for each."""
    places = {(cell.measure, cell.shift, cell.degree) for cell in cells}
    wanted = set(itertools.product(settings.measures, settings.shifts, settings.degrees))
    if places != wanted or len(cells) != len(wanted):
        raise ValueError("cells")
    for cell in cells:
        counted = is_whole(cell.prefer_sharp) and is_whole(cell.n)
        if not counted or not 0 <= cell.prefer_sharp <= cell.n <= faces:
            raise ValueError("counts")
        if not all(is_real(end) or math.isnan(end) for end in (cell.low, cell.high)):
            raise ValueError("interval")


def changes_of(prepared: PreparedFace, settings: FlipSettings) -> tuple[list[Change], list[Change]]:
    """Returns what is done to a face for its flips: the shifts, and the blurs."""
    return (
        [prepared.shifted(shift) for shift in settings.shifts],
        [prepared.blurred(degree, settings.angle) for degree in settings.degrees],
    )


def preferences(
    prepared: PreparedFace,
    settings: FlipSettings,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Grid]:
    """Returns what every measure prefers for one face.

    Args:
        prepared: The face, prepared with the settings' kernel and crop.
        settings: What to compare.
        tick: Called after every picture.

    Returns:
        For each measure float64 ``(shifts, degrees)``: 1 where the sharp, shifted picture is
        strictly the closer one, 0 where it is not, NaN where one of them has no value.
    """
    sharp, blurred = list[dict[str, float]](), list[dict[str, float]]()
    for values, changes in zip((sharp, blurred), changes_of(prepared, settings), strict=True):
        for change in changes:
            values.append(prepared.values(change, settings.measures))
            tick()
    return {
        name: np.array([[_prefers(name, s[name], b[name]) for b in blurred] for s in sharp])
        for name in settings.measures
    }


def _prefers(name: str, sharp: float, blurred: float) -> float:
    if math.isnan(sharp) or math.isnan(blurred):
        return math.nan
    return float(ARGUMENT_MEASURES[name].prefers(sharp, blurred))


def count_flips(
    settings: FlipSettings, found: Sequence[Mapping[str, Grid]]
) -> tuple[FlipCell, ...]:
    """Returns the counts over faces of what ``preferences`` returned for each."""
    cells = []
    for name in settings.measures:
        grids = np.array([face[name] for face in found])
        for i, shift in enumerate(settings.shifts):
            for j, degree in enumerate(settings.degrees):
                known = grids[:, i, j][~np.isnan(grids[:, i, j])]
                count, n = int(known.sum()), len(known)
                cells.append(FlipCell(name, shift, degree, count, n, *wilson(count, n)))
    return tuple(cells)
