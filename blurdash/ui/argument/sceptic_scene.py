"""The Argument page's scene for the sceptic: every number under every switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blurdash import defaults
from blurdash.argument import Corners, ScepticRow, sceptic_table
from blurdash.canvas import CANVAS_SIZE
from blurdash.kernel import KERNELS
from blurdash.measures import CLAIM
from blurdash.register import REGISTRATIONS
from blurdash.sentences import crop_place, sceptic_notes, sceptic_sentence
from blurdash.ui.argument.panels import measure_table, sceptic_panel
from blurdash.ui.argument.searches import angle_of
from blurdash.ui.argument.story import PAIR
from blurdash.ui.argument.told import Parts, Told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blurdash.ui.server.known_face import Answer

__all__ = ["sceptic"]


# As they stand in the drawing: left and right, above and below; a press shows the next.
WAYS = (("none", "fixed"), ("phase", "fixed"), ("none", "redetect"), ("phase", "redetect"))


def sceptic(told: Told) -> Parts:
    """The pair measured in four ways, and behind a press every number under every switch."""
    story = told.story
    rows: list[ScepticRow] = []
    for kernel in KERNELS:
        answer = _sceptic_rows(told, kernel)
        rows += (answer.value if answer else None) or []
    panels: list[dict[str, Any]] = [_four_ways(told, rows)]
    table = sceptic_panel(rows, (told.kernel, story.registration, told.crop)) if rows else None
    notes = sceptic_notes(rows) if rows else []
    if notes:
        panels.append({"kind": "notes", "title": "Where it weakens", "fails": True, "lines": notes})
    if table is None and told.pixels is None:
        panels.append({"kind": "notes", "lines": ["Every number under every switch is computed …"]})
    see = "Register the pictures, detect the face again, change kernel and recogniser."
    if rows:
        see = sceptic_sentence(rows)
    whole = [_sceptic_choices(told), *([table] if table else [])]
    panels.append({"kind": "whole", "see": see, "panels": whole})
    return Parts(see, panels, told.waits, told.message)


def _four_ways(told: Told, rows: Sequence[ScepticRow]) -> dict[str, Any]:
    """What each measure says of the pair as it is, registered, detected again, and both."""
    ways: list[dict[str, Any]] = []
    first = told.values if told.crop == "fixed" and not told.story.other else None  # known at once
    for registration, crop in WAYS:
        here = (told.kernel, registration, crop)
        found = [one for one in rows if (one.kernel, one.registration, one.crop) == here]
        pair: tuple[Mapping[str, float], ...] | None = None if ways else first
        if found:
            pair = found[0].sharp, found[0].blurred
        names = [name for name in CLAIM if pair is None or all(name in one for one in pair)]
        table = measure_table(*(pair or (None, None)), names=names, heads=PAIR)
        places = _places(found[0], _clean_crop(rows)) if found else []
        name = f"{registration}-{crop}"
        ways.append({"name": name, "known": pair is not None, "crops": places, **table})
    return {"kind": "four", "ways": ways}


def _clean_crop(rows: Sequence[ScepticRow]) -> Corners | None:
    """Where the clean face is cut out, which is where nothing was registered or found anew."""
    plain = (one.sharp_crop for one in rows if (one.registration, one.crop) == WAYS[0])
    return next(plain, None)


def _places(row: ScepticRow, clean: Corners | None) -> list[dict[str, Any]]:
    """Where the recogniser looks in both pictures, as shares of their side, and what is said."""
    return [
        {
            "corners": [[x / CANVAS_SIZE, y / CANVAS_SIZE] for x, y in corners or ()],
            "says": crop_place(row.crop, corners, clean),
        }
        for corners in (row.sharp_crop, row.blurred_crop)
        if clean is not None
    ]


def _sceptic_rows(told: Told, kernel: str) -> Answer | None:
    face, story = told.face, told.story
    if face is None or not told.at_rest:
        return None
    degree, angle = int(story.values["degree"]), angle_of(story, told.kernel, defaults.KERNEL)
    moved = story.sharp()
    return told.ask(
        f"sceptic {kernel}",
        (degree, angle, moved),
        lambda: sceptic_table(
            face.face,
            face.embedder,
            degree=degree,
            angle=angle,
            moved=moved,
            kernels=(kernel,),
        ),
    )


def _sceptic_choices(told: Told) -> dict[str, Any]:
    ways = {"none": "as is"} | {name: f"registered ({name})" for name in REGISTRATIONS}
    return {
        "kind": "choices",
        "groups": [
            {
                "name": "registration",
                "label": "Looked at",
                "value": told.story.registration,
                "options": [{"value": name, "label": label} for name, label in ways.items()],
            },
            {
                "name": "recogniser",
                "label": "Recogniser",
                "value": "other" if told.story.other else "this",
                "options": [
                    {"value": value, "label": label}
                    for value, label in zip(("this", "other"), told.recognisers, strict=True)
                ],
            },
        ],
    }
