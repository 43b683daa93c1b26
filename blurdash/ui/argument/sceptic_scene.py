"""The Argument page's scene for the sceptic: every number under every switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blurdash import defaults
from blurdash.argument import ScepticRow, sceptic_table
from blurdash.kernel import KERNELS
from blurdash.register import REGISTRATIONS
from blurdash.sentences import sceptic_notes, sceptic_sentence
from blurdash.ui.argument.panels import sceptic_panel
from blurdash.ui.argument.searches import angle_of
from blurdash.ui.argument.told import Parts, Told

if TYPE_CHECKING:
    from blurdash.ui.server.known_face import Answer

__all__ = ["sceptic"]


def sceptic(told: Told) -> Parts:
    """Every number of the pair under every switch that a sceptic asks for."""
    story = told.story
    rows: list[ScepticRow] = []
    for kernel in KERNELS:
        answer = _sceptic_rows(told, kernel)
        rows += (answer.value if answer else None) or []
    panels = [_sceptic_choices(told)]
    if rows:
        panels.append(sceptic_panel(rows, (told.kernel, story.registration, told.crop)))
    elif told.pixels is None:
        panels.append({"kind": "notes", "lines": ["Every number under every switch is computed …"]})
    if rows:
        see = sceptic_sentence(rows)
        panels.append({"kind": "notes", "lines": sceptic_notes(rows)})
    else:
        see = "Register the pictures, detect the face again, change kernel and recogniser."
    return Parts(see, panels, told.waits, told.message)


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
