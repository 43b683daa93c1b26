"""Where the Sweeps page takes its numbers from: references, the portrait, own photos, a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from blurdash import defaults
from blurdash.alike import check_alike
from blurdash.embed import EMBEDDERS
from blurdash.errors import BlurdashError
from blurdash.kernel import KERNELS
from blurdash.provenance import SAME_IN_A_SWEEP
from blurdash.reference import SWEEPS, Reference
from blurdash.sentences_others import measure_it
from blurdash.ui.server import recogniser
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.server.shipped import (
    PORTRAIT_FACES,
    Which,
    angle_name,
    read_shipped,
    sweep_at_hand,
    sweeps_at_hand,
)
from blurdash.ui.sweeps.board import Swept, which_of
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.shown_face import PORTRAIT_ID
from blurdash.words import counted, sentence

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "MY_FILE",
    "MY_PHOTOS",
    "PORTRAIT",
    "SWEEP_ANGLES",
    "Found",
    "groups",
    "label_of_name",
    "measured_by",
    "of_own_photos",
    "of_parts",
    "of_portrait",
    "of_reference",
    "weights_of",
]

PORTRAIT = "The portrait"
MY_PHOTOS = "My photos"
MY_FILE = "My file"
# What the portrait is swept with, by the keys of ``SWEEPS``.
SWEEP_ANGLES: dict[str, str | float] = dict(
    zip(SWEEPS, ("random", defaults.ANGLE, "all"), strict=True)
)


@dataclass(frozen=True)
class Found:
    """Numbers to show, and why others are not there.

    Attributes:
        swept: The sweeps; None where there are none.
        why: Why there are none, as sentences.
        missing: For a key of ``SWEEPS``, or ``second``, why it is not drawn.
        second: The same sweeps by another recogniser.
        reference: The reference that they are of.
    """

    swept: Swept | None = None
    why: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    second: Swept | None = None
    reference: Reference | None = None


def label_of_name(name: str) -> str:
    """Returns what a recogniser is called now."""
    return recogniser.label_now(name, defaults.PROTOCOL)


def groups() -> dict[str, list[Reference]]:
    """Returns references by whose faces they are of; the visitor's own first."""
    found: dict[str, list[Reference]] = {}
    for one in (*session_faces().references(), *references_at_hand().found):
        found.setdefault(one.title, []).append(one)
    return found


def measured_by(faces: str, there: Mapping[str, Sequence[Reference]]) -> set[str]:
    """Returns the recognisers that there are numbers of."""
    if faces in there:
        return {one.under.recogniser for one in there[faces]}
    if faces == MY_PHOTOS:
        return {run.recogniser for run in session_faces().runs}
    return {which.recogniser for which in sweeps_at_hand()}


def weights_of(name: str) -> str:
    """Returns the SHA-256 of a recogniser's weights; empty where that is not known yet."""
    embedder = recogniser.loaded(name, defaults.PROTOCOL)
    known = embedder.weights_sha256 if embedder else EMBEDDERS[name].weights_sha256
    return known or ""


# --- references -----------------------------------------------------------------------------------


def of_reference(several: Sequence[Reference], name: str, kernel: str, beside: str) -> Found:
    """Returns a reference's sweeps.

    Args:
        several: References of the same faces.
        name: Key of the recogniser.
        kernel: Key of ``KERNELS``.
        beside: Key of a second recogniser, or empty.
    """
    alike = _alike(several, name, kernel)
    if not alike:
        return Found(
            why=f"Other faces were not measured with {label_of_name(name)} and the kernel "
            f"{KERNELS[kernel].label} yet. "
            + measure_it(name, defaults.PROTOCOL, defaults.CROP, kernel)
        )
    reference = alike[0]
    try:
        swept = _swept_of(reference)
    except BlurdashError as error:
        return Found(why=sentence(str(error)))
    if not beside:
        return Found(swept, reference=reference)
    second, why = _beside(reference, beside)
    return Found(swept, missing={"second": why}, second=second, reference=reference)


def _alike(several: Sequence[Reference], name: str, kernel: str) -> list[Reference]:
    weights = weights_of(name)
    return [
        one
        for one in several
        if (one.under.recogniser, one.under.kernel) == (name, kernel)
        and (not weights or one.under.weights == weights)
    ]


def _swept_of(reference: Reference) -> Swept:
    paths = {}
    if isinstance(reference.where, Path):
        paths = {which: reference.where / f"{which}.parquet" for which in SWEEPS}
    source = ", ".join(text for text in (reference.who, reference.manifest["source"]) if text)
    tables = {which: reference.sweep(which) for which in SWEEPS}
    return Swept(tables, source, paths, reference.flips())


def _beside(reference: Reference, name: str) -> tuple[Swept | None, str]:
    """The same faces by another recogniser, or why there is nothing of it."""
    everyone = [one for several in groups().values() for one in several]
    for other in everyone:
        if other.under.recogniser == name and _same_faces(other) == _same_faces(reference):
            try:
                swept = _swept_of(other)
                for which in SWEEPS:
                    check_alike(reference.sweep(which), swept.tables[which])
            except BlurdashError as error:
                return None, sentence(str(error))
            return swept, ""
    label = label_of_name(name)
    if reference.origin == "session":
        return None, (
            f"{label} has not measured these faces. Choose it under Recogniser and measure them "
            "again, all three, under Run on my photos."
        )
    return None, (
        f"No numbers of {label} are at hand. These faces are numbers of {reference.label}: without "
        "their pictures no other recogniser can measure them. Measure photos of your own, or give "
        "a reference that was made with it."
    )


def _same_faces(one: Reference) -> tuple[object, ...]:
    keys = ("faces", "protocol", "crop", "kernel", "angle", "seed")
    return tuple(one.manifest[key] for key in keys)


# --- the portrait ---------------------------------------------------------------------------------


def of_portrait(name: str, kernel: str, beside: str) -> Found:
    """Returns the portrait's sweeps: those that are shipped, or were computed on this machine.

    Args:
        name: Key of the recogniser.
        kernel: Key of ``KERNELS``.
        beside: Key of a second recogniser, or empty.
    """
    swept = _portrait(name, kernel)
    missing = {
        which: "This sweep of the portrait has not been computed on this machine yet."
        for which in SWEEPS
        if swept is None or which not in swept.tables
    }
    if swept is None or not beside:
        return Found(swept, missing=missing)
    second = _portrait(beside, kernel)
    if second is None:
        missing["second"] = (
            f"{label_of_name(beside)} has not measured the portrait on this machine. Choose it "
            "under Recogniser to have it computed."
        )
    return Found(swept, missing=missing, second=second)


def _portrait(name: str, kernel: str) -> Swept | None:
    weights = weights_of(name)
    paths = {}
    for which, angle in SWEEP_ANGLES.items():
        path = sweep_at_hand(Which(PORTRAIT_FACES, name, kernel, angle_name(angle)), weights)
        if path is not None:
            paths[which] = path
    tables = {which: read_shipped(path) for which, path in paths.items()}
    for run, table in session_faces().runs.items():  # what could not be kept for everyone
        if (run.faces, run.recogniser, run.kernel) == (frozenset({PORTRAIT_ID}), name, kernel):
            tables.setdefault(which_of(table), table)
    return Swept(tables, "the built-in portrait", paths, own=True) if tables else None


# --- own photos and files -------------------------------------------------------------------------

NOT_RUN = "Not measured: begin it under Run on my photos."


def of_own_photos(name: str, kernel: str, beside: str) -> Found:
    """Returns what was measured of the visitor's photos: of the last run, and what is alike.

    Args:
        name: Key of the recogniser.
        kernel: Key of ``KERNELS``.
        beside: Key of a second recogniser, or empty.
    """
    visitor = session_faces()
    mine = [run for run in visitor.runs if (run.recogniser, run.kernel) == (name, kernel)]
    if not mine and visitor.job is not None and visitor.job.running:
        return Found(why="Your photos are being measured; how far that is stands beside.")
    if not mine:
        return Found(
            why="Nothing of your photos was measured with this recogniser and kernel yet. Choose "
            "faces and an angle under Run on my photos; the portrait is always among them."
        )
    faces = mine[-1].faces
    swept = _runs_of(faces, name, kernel)
    missing = dict.fromkeys(SWEEPS, NOT_RUN)
    missing["map"] += " The map belongs to all three."
    second = _runs_of(faces, beside, kernel) if beside else None
    if second is not None and not second.tables:
        missing["second"] = (
            f"{label_of_name(beside)} has not measured these faces. Choose it under Recogniser and "
            "run them again."
        )
    return Found(swept, missing=missing, second=second if second and second.tables else None)


def _runs_of(faces: frozenset[str], name: str, kernel: str) -> Swept:
    tables = {}
    for run, table in session_faces().runs.items():  # of several fixed angles the last one
        if (run.faces, run.recogniser, run.kernel) == (faces, name, kernel):
            tables["random" if run.angle == "random" else "fixed"] = table
    several = counted(len(faces), "face")
    return Swept(tables, f"your photos, {several}", own=True)


def of_parts(parts: Sequence[pa.Table], chosen: int) -> Found:
    """Returns the sweeps of a visitor's file: the chosen one, and those that are alike.

    Args:
        parts: The sweeps in it.
        chosen: Which of them.
    """
    first = parts[chosen]
    tables = {which_of(first): first}
    for other in _alike_in(parts, first):
        tables.setdefault(which_of(other), other)
    missing = dict.fromkeys(SWEEPS, "Not in this file.")
    return Found(Swept(tables, "a file of yours"), missing=missing)


def _alike_in(parts: Sequence[pa.Table], first: pa.Table) -> Iterator[pa.Table]:
    """Parts of the same faces under the same, but for the angle."""
    for one in parts:
        if one is not first and _what_is_same(one) == _what_is_same(first):
            yield one


def _what_is_same(table: pa.Table) -> tuple[object, ...]:
    return (
        *(str(table[name][0]) for name in SAME_IN_A_SWEEP),
        frozenset(table["face"].to_pylist()),
    )
