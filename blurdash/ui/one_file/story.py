"""The story in one file: every scene of Argument as it opens, made at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blurdash import defaults
from blurdash.embed import label_of
from blurdash.errors import TableError
from blurdash.figure_argument import FLIP_PANELS
from blurdash.kernel import KERNELS
from blurdash.measures import ARGUMENT_MEASURES
from blurdash.twins import TWIN_KERNEL
from blurdash.ui.argument.often import often_sentences
from blurdash.ui.argument.scenes import SCENE_PARTS
from blurdash.ui.argument.searches import TWINS
from blurdash.ui.argument.story import SCENES, Story
from blurdash.ui.argument.told import Counted, Told
from blurdash.ui.one_file.explore import reader_part
from blurdash.ui.server.known_face import Answer
from blurdash.ui.vote.ballot_box import BallotBox
from blurdash.values import for_json

if TYPE_CHECKING:
    from blurdash.blur import Change
    from blurdash.disturb import Disturbance
    from blurdash.reference import Reference
    from blurdash.ui.one_file.subject import Subject

__all__ = ["story_part"]

# What a page alone cannot do to a picture, or ask of a server.
NOT_ALONE = {"rotation", "scale", "noise"}
NOT_ASKED = {"mildest", "phones"}
WITHOUT_SLIDERS = ("sceptic",)


@dataclass
class ToldAtOnce(Told):
    """What is known when a scene is drawn, with nothing left for later."""

    def ask(self, kind: str, key: Any, compute: Callable[[], Any]) -> Answer | None:  # noqa: ARG002
        """Computes what the pages ask for in the background."""
        self.asked[kind] = False
        return Answer(compute())


def story_part(subject: Subject) -> dict[str, Any]:
    """Returns what the story reads: for every scene its data, for the vote before and after.

    Args:
        subject: Whose; it takes some seconds, for maps and the sceptic's table.
    """
    scenes: dict[str, Any] = {}
    for name in SCENES:
        if name == "two-pictures":
            scenes[name] = {
                state: [
                    _scene(subject, name, swapped=swapped, revealed=state == "revealed")
                    for swapped in (False, True)
                ]
                for state in ("hidden", "revealed")
            }
        else:
            scenes[name] = _scene(subject, name)
    return {"scenes": scenes, "often": _often(subject)}


def _scene(
    subject: Subject, name: str, *, swapped: bool = False, revealed: bool = False
) -> dict[str, Any]:
    """A scene as ``frontend/pages/argument.js`` draws it, where its sliders start."""
    story = Story(name, swapped=swapped, revealed=revealed)
    told = _told(subject, story)
    parts = SCENE_PARTS[name](told)
    hidden = name == "two-pictures" and not revealed
    sliders = () if hidden or name in WITHOUT_SLIDERS else SCENES[name].sliders
    return {
        "scene": name,
        "scenes": [{"id": one, "title": scene.title} for one, scene in SCENES.items()],
        "see": parts.see,
        "pos": list(story.values.values()),
        "ack": 0,
        "acted": 0,
        "start": 0,
        "rested": "",
        "address": None,
        "room": None,
        "ready": True,
        "values": [
            {measure: for_json(value) for measure, value in one.items()}
            for one in told.values or ()
        ],
        "reader": dict(told.reader or {}),
        "pending": False,
        "kernel": subject.kernel,
        "sliders": [one for one in sliders if one not in NOT_ALONE],
        "pictures": list(story.pictures()),
        "hidden": hidden,
        "twin": None,
        "vote": told.box.told(revealed=revealed) if name == "two-pictures" else None,
        "panels": [
            *_of_one_place(name, story, subject.kernel),
            *(panel for panel in parts.panels if _is_alone(panel, subject.kernel)),
        ],
        "remedy": None,
        "facts": told.circumstances,
        "message": parts.message,
        "alert": False,
        "alone": True,
    }


def _told(subject: Subject, story: Story) -> Told:
    told = ToldAtOnce(
        story=story,
        kernel=subject.kernel,
        crop=defaults.CROP,
        box=BallotBox(),
        at_rest=True,
        face=subject.known,
        reader=reader_part(subject),
        recogniser=label_of(subject.embedder),
        counted=_counted(subject.reference),
        others=[one for one in map(_counted, subject.other_references) if one],
        circumstances=_circumstances(subject),
    )
    made: dict[str, Change | Disturbance] = {
        "sharp": story.sharp(),
        "blurred": story.blurred(subject.kernel),
        "first": story.blur("a", subject.kernel),
        "second": story.blur("b", subject.kernel),
    }
    told.values = tuple(subject.known.quick(made[which]) for which in story.pictures())
    return told


def _is_alone(panel: dict[str, Any], kernel: str) -> bool:
    """Whether a panel means anything without a server; of searches those that a page does."""
    if panel["kind"] == "buttons":
        asked = [one for one in panel["buttons"] if one["act"] not in NOT_ASKED]
        # Twins need a line of any length: no search changes the kernel here.
        twins = kernel == TWIN_KERNEL
        panel["buttons"] = [one for one in asked if twins or not one["act"].startswith(TWINS)]
        return bool(panel["buttons"])
    return panel["kind"] not in ("phones", "choices")


def _of_one_place(name: str, story: Story, kernel: str) -> list[dict[str, Any]]:
    """Which place a table is of that a page alone cannot compute anew."""
    if name not in WITHOUT_SLIDERS:
        return []
    at, label = story.values, KERNELS[kernel].label
    line = (
        f"Blurred by {at['degree']:g} px in the direction that {at['angle']:g}° has with the "
        f"{label}, against moved by {at['x']:g} px. "
        "blurdash on a computer registers pictures and finds faces anew; this is of one place."
    )
    return [{"kind": "notes", "lines": [line]}]


def _counted(reference: Reference | None) -> Counted | None:
    try:
        return Counted(reference.flips(), reference.who, FLIP_PANELS) if reference else None
    except TableError:
        return None


def _circumstances(subject: Subject) -> list[tuple[str, str]]:
    return [
        ("Recogniser", label_of(subject.embedder)),
        ("protocol", subject.embedder.protocol),
        ("crop", defaults.CROP),
        ("kernel", KERNELS[subject.kernel].label),
        ("this face", subject.label),
    ]


def _often(subject: Subject) -> dict[str, Any] | None:
    """How often it is so, cell by cell; None where other faces are not known."""
    counted = _counted(subject.reference)
    if counted is None:
        return None
    told = _told(subject, Story("how-often"))
    flips, settings = counted.flips, counted.flips.settings
    said = [
        [often_sentences(told, counted, (shift, degree)) for degree in settings.degrees]
        for shift in settings.shifts
    ]
    maps = [
        {
            "name": ARGUMENT_MEASURES[name].label,
            "family": ARGUMENT_MEASURES[name].family,
            "shares": [[for_json(round(one, 3)) for one in row] for row in flips.shares(name)],
        }
        for name in FLIP_PANELS
        if name in settings.measures
    ]
    return {
        "shifts": list(settings.shifts),
        "degrees": list(settings.degrees),
        "said": said,
        "maps": maps,
        "faces": len(flips.faces),
    }
