"""Bare pairs of pictures: every measure, registered and not, under a protocol that is one string.

A restored face and its original, say: what was done to the picture is not known and not asked.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from blurdash.canvas import Picture
from blurdash.embed import Embedder, LoadOptions, load_with
from blurdash.errors import PictureError, SettingError, StoppedError
from blurdash.face import find_face
from blurdash.failures import FAILURES, reason_of
from blurdash.folder import read_folder
from blurdash.measures import ARGUMENT_MEASURES
from blurdash.pairs import mean_interval
from blurdash.photo import load_photo
from blurdash.readout import REGISTERED, PreparedFace
from blurdash.receipt import Recogniser, versions
from blurdash.register import Registrar, align
from blurdash.sweep import LOST, RunOptions, Source
from blurdash.sweep_file import Journal, table_of
from blurdash.values import for_json
from blurdash.words import quoted

__all__ = [
    "Compared",
    "Mean",
    "Pair",
    "Pairs",
    "compare_pairs",
    "means_of",
    "pair_up",
    "protocol_of",
    "shift_sentence",
]

# The reference is the clean canvas itself: nothing is stretched.
KERNEL = "line"
CANVAS = "FFHQ framing, 1024 px"
REGISTRATION = "phase"
ASPECT = 0.01  # by so much height over width may differ between a picture and its test
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pair:
    """Two pictures of one face.

    Attributes:
        name: What a table calls it.
        clean: The reference.
        test: What is compared with it.
    """

    name: str
    clean: Path
    test: Path

    def stamp(self) -> str:
        """Returns what stays while nobody touches either file."""
        return "|".join(Source("", path).stamp() for path in (self.clean, self.test))


class Pairs(NamedTuple):
    """What there is to compare.

    Attributes:
        found: The pairs, in order.
        alone: Files without a partner, each with the folder it lies in.
        left_out: Why other files were not looked at, and how many of each kind.
    """

    found: list[Pair]
    alone: list[str]
    left_out: dict[str, int]


@dataclass(frozen=True)
class Compared:
    """Every number of a pair.

    Attributes:
        name: The pair's.
        values: For each key of ``ARGUMENT_MEASURES``; NaN where there is none.
        shift: By how much registration says that the test picture is moved: right, down; canvas px.
        resized: Width and height of the test picture, where it was resized to the clean one's size.
        note: What registration says; may be empty.
        receipt: How the numbers came about.
        failure: Why there are none, or none of the embedding; empty where there are all.
    """

    name: str
    values: dict[str, float] = field(default_factory=dict)
    shift: tuple[float, float] | None = None
    resized: tuple[int, int] | None = None
    note: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def shift_db(self) -> float:
        """How many dB PSNR gains by registration: what of its loss is shift; NaN for none."""
        plain, registered = (
            self.values.get(name, math.nan) for name in ("psnr", "registered_psnr")
        )
        if math.isinf(plain):
            return 0.0
        return max(0.0, registered - plain)

    def as_dict(self) -> dict[str, Any]:
        """Returns it as JSON can hold it; an infinite value is ``"inf"``, one there is not None."""
        values = {name: for_json(value) for name, value in self.values.items()}
        shift = None if self.shift is None else [round(one, 2) for one in self.shift]
        return {
            "pair": self.name,
            **values,
            "shift_px": shift,
            "shift_db": for_json(self.shift_db),
            "resized_from": None if self.resized is None else list(self.resized),
            "note": self.note or None,
            "failure": self.failure or None,
            "receipt": self.receipt or None,
        }

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> Compared:
        """Returns what ``as_dict`` gave."""
        values = {name: _from_json(known[name]) for name in ARGUMENT_MEASURES if name in known}
        shift, resized = known["shift_px"], known["resized_from"]
        return cls(
            known["pair"],
            values,
            None if shift is None else (shift[0], shift[1]),
            None if resized is None else (resized[0], resized[1]),
            known["note"] or "",
            known["receipt"] or {},
            known["failure"] or "",
        )


def _from_json(value: object) -> float:
    return math.nan if value is None else float(value)  # type: ignore[arg-type]


def protocol_of(embedder: Embedder, crop: str) -> str:
    """Returns all that pins the numbers, as one line.

    Example:
        >>> from blurdash.embed import load_embedder
        >>> protocol_of(load_embedder("dlib"), "fixed").split("; ")[1]
        'recogniser=dlib'
    """
    who = Recogniser.of(embedder)
    told = {
        "blurdash": dict(versions())["blurdash"],
        "recogniser": who.name,
        "weights": f"sha256:{who.weights_sha256}",
        "protocol": who.protocol,
        "crop": crop,
        "canvas": CANVAS,
        "registration": REGISTRATION,
    }
    told |= {name: version for name, version in versions(embedder) if name != "blurdash"}
    return "; ".join(f"{name}={value}" for name, value in told.items())


# --- what is compared -----------------------------------------------------------------------------


def pair_up(clean: Path, tests: Sequence[Path]) -> Pairs:
    """Returns the pairs of two files, or of folders by the names of their pictures.

    Args:
        clean: A picture, or a folder of them.
        tests: Pictures, or folders; their endings and kinds of file may differ.

    Raises:
        SettingError: Files and folders are mixed, there is no such folder, or no pair at all.
    """
    if not clean.is_dir():
        if folder := next((test for test in tests if test.is_dir()), None):
            raise SettingError(
                f"{quoted(clean.name)} is a file and {quoted(folder.name)} a folder",
                hint="give files, or folders whose pictures have the same names",
            )
        return Pairs([Pair(test.name, clean, test) for test in tests], [], {})
    there = read_folder(clean)
    left_out = Counter(there.left_out)
    cleans = {photo.name: photo.path for photo in there.photos}
    found, used, alone = list[Pair](), set[str](), list[str]()
    for test in tests:
        if not test.is_dir():
            raise SettingError(
                f"{quoted(clean.name)} is a folder and {quoted(test.name)} is not",
                hint="give files, or folders whose pictures have the same names",
            )
        inside = read_folder(test)
        left_out.update(inside.left_out)
        prefix = f"{test.name}/" if len(tests) > 1 else ""
        for photo in inside.photos:
            if photo.name in cleans:
                found.append(Pair(prefix + photo.name, cleans[photo.name], photo.path))
                used.add(photo.name)
            else:
                alone.append(f"{test.name}/{photo.name}")
    alone += [f"{clean.name}/{name}" for name in cleans if name not in used]
    if not found:
        raise SettingError(
            f"no picture in {quoted(clean.name)} has the name of one in "
            f"{', '.join(quoted(test.name) for test in tests)}",
            hint="give folders whose pictures have the same names, endings aside",
        )
    return Pairs(found, alone, dict(left_out))


def compare_pairs(
    pairs: Sequence[Pair],
    embedder: Embedder,
    *,
    crop: str,
    how: RunOptions | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[Compared]:
    """Returns every number of every pair, in their order.

    Conventions:
        The face is found in the clean picture, and both are cut alike. A test picture of another
        size and the same shape is resized to the clean one's.

    Args:
        pairs: What to compare; different names.
        embedder: A loaded recogniser; workers elsewhere load it themselves.
        crop: A key of ``CROPS``.
        how: Where and how it runs.
        journal: Where finished pairs are kept, and those of a run before are found.
        progress: Called with the pairs done and those in all.
        stop: When set, ends soon with ``StoppedError``.

    Raises:
        SettingError: There is no such engine, or number of workers.
        StoppedError: ``stop`` was set.
    """
    how = how or RunOptions()
    known = {} if journal is None else dict(_kept(journal, pairs))
    todo = [pair for pair in pairs if pair.name not in known]
    stamps = {pair.name: pair.stamp() for pair in todo}
    for found in _compared(todo, embedder, crop, how, stop):
        known[found.name] = found
        if journal is not None:
            note = {"stamp": stamps[found.name], "compared": found.as_dict()}
            journal.write(found.name, table_of([]), note)
        if progress:
            progress(len(known), len(pairs))
    return [known[pair.name] for pair in pairs]


def _kept(journal: Journal, pairs: Sequence[Pair]) -> Iterator[tuple[str, Compared]]:
    for pair in pairs:
        kept = journal.read(pair.name)
        if kept is not None and kept[1].get("stamp") == pair.stamp():
            yield pair.name, Compared.from_dict(kept[1]["compared"])


def _compared(
    todo: Sequence[Pair],
    embedder: Embedder,
    crop: str,
    how: RunOptions,
    stop: threading.Event | None,
) -> Iterator[Compared]:
    load = how.load_elsewhere(embedder)
    return how.run(
        _Comparer(embedder, crop, stop),
        functools.partial(_make_comparer, embedder.name, load, crop),
        todo,
        lost=lambda pair: Compared(pair.name, failure=LOST),
    )


def _make_comparer(name: str, load: LoadOptions, crop: str) -> _Comparer:
    return _Comparer(load_with(name, load), crop, None)


class _Comparer:
    """Compares pairs; shared by the threads of a process."""

    def __init__(self, embedder: Embedder, crop: str, stop: threading.Event | None) -> None:
        self._embedder, self._crop, self._stop = embedder, crop, stop
        self._aborted, self._lock = threading.Event(), threading.Lock()
        self._last: tuple[str, PreparedFace, Picture] | None = None

    def abort(self) -> None:
        """Makes what is under way the last."""
        self._aborted.set()

    def __call__(self, pair: Pair) -> Compared:
        """Returns every number of a pair, or why there is none."""
        if self._aborted.is_set() or (self._stop is not None and self._stop.is_set()):
            raise StoppedError("the run was stopped", "the same command goes on from there")
        try:
            known, clean = self._prepared(pair.clean)
            test, resized = _fitted(load_photo(pair.test), clean)
            return _measured(pair.name, known, known.face.canvas_of(test), resized)
        except FAILURES as error:
            return Compared(pair.name, failure=reason_of(error))

    def _prepared(self, path: Path) -> tuple[PreparedFace, Picture]:
        """The clean side; kept for the next pair, which may be of the same picture."""
        key = f"{path}|{Source('', path).stamp()}"
        with self._lock:
            last = self._last
        if last is None or last[0] != key:
            photo = load_photo(path)
            face = find_face(photo, every_turn=False)
            known = PreparedFace(face, self._embedder, kernel=KERNEL, crop=self._crop)
            last = (key, known, photo)
            with self._lock:
                self._last = last
        return last[1], last[2]


def _fitted(test: Picture, clean: Picture) -> tuple[Picture, tuple[int, int] | None]:
    """A test picture in the size of the clean one, and its own size where that was another."""
    if test.shape == clean.shape:
        return test, None
    height, width = clean.shape[:2]
    size = (test.shape[1], test.shape[0])
    if abs(size[1] / size[0] * width / height - 1) > ASPECT:
        raise PictureError(
            f"it has {size[0]} × {size[1]} pixels, its clean picture {width} × {height}",
            hint="compare pictures of one shape",
        )
    smaller = size[0] > width
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(test, (width, height), interpolation=way), np.uint8), size


def _measured(
    name: str, known: PreparedFace, test: Picture, resized: tuple[int, int] | None
) -> Compared:
    readout = known.clean.readout(test, None)
    values = dict(readout.values)
    others = [one for one in ARGUMENT_MEASURES if one not in values and one not in REGISTERED]
    values |= known.measure(test, others)
    found = Registrar(known.reference).register(test, REGISTRATION)
    moved, region = align(test, found)
    for one, plain in REGISTERED.items():
        values[one] = ARGUMENT_MEASURES[plain].compute(known.reference[region], moved[region])
    ordered = {one: values[one] for one in ARGUMENT_MEASURES}
    return Compared(
        name,
        ordered,
        (found.dx, found.dy),
        resized,
        found.note,
        dataclasses.replace(readout.receipt, blur=None).as_dict(),  # nothing was blurred here
        readout.failure,
    )


# --- what is said ---------------------------------------------------------------------------------


class Mean(NamedTuple):
    """A measure over pairs.

    Attributes:
        mean: Over the pairs that have a finite value; NaN for none.
        low: Lower end of its 95 % interval, by drawing pairs again.
        high: Its upper end.
        n: Pairs with a finite value.
        identical: Pairs whose value is infinite, as PSNR is of equal pictures: left out.
    """

    mean: float
    low: float
    high: float
    n: int
    identical: int


def means_of(compared: Sequence[Compared]) -> dict[str, Mean]:
    """Returns each measure's mean over pairs, and how sure it is."""
    found = {}
    for name in (*ARGUMENT_MEASURES, "shift_db"):
        values = np.array(
            [
                one.shift_db if name == "shift_db" else one.values.get(name, math.nan)
                for one in compared
            ],
            np.float64,
        )
        finite = values[np.isfinite(values)]
        mean = float(finite.mean()) if len(finite) else math.nan
        low, high = mean_interval(finite)
        found[name] = Mean(mean, low, high, len(finite), int(np.isinf(values).sum()))
    return found


def shift_sentence(compared: Compared) -> str:
    """Returns how much of PSNR's loss is shift.

    Example:
        >>> shift_sentence(Compared("a", {"psnr": 22.1, "registered_psnr": 31.4}, (8.0, -0.5)))
        'of this loss 9.3 dB are shift: registered by 8 px right and 0.5 px up it is 31.4 dB'
    """
    plain, registered = compared.values["psnr"], compared.values["registered_psnr"]
    if math.isinf(plain):
        return "the pictures are identical"
    if compared.note:
        return compared.note
    right, down = compared.shift or (0.0, 0.0)
    moved = [
        f"{abs(round(amount, 2)):g} px {direction[amount < 0]}"
        for amount, direction in ((right, ("right", "left")), (down, ("down", "up")))
        if round(amount, 2)
    ]
    if not moved:
        return "nothing of this loss is shift"
    by = f"registered by {' and '.join(moved)}"
    if math.isinf(registered):
        return f"all of this loss is shift: {by} the pictures are identical"
    return f"of this loss {compared.shift_db:.1f} dB are shift: {by} it is {registered:.1f} dB"
