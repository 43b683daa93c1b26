"""The story in one file: every scene of Argument as it opens, made at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from blurdash import defaults
from blurdash.embed import label_of
from blurdash.kernel import KERNELS
from blurdash.twins import TWIN_KERNEL
from blurdash.ui.argument.often import (
    counts_of,
    counts_of_others,
    flip_preferences,
    flips_panel,
    often_at,
    often_sentence,
)
from blurdash.ui.argument.scene_data import circumstances, scene_data
from blurdash.ui.argument.searches import TWINS
from blurdash.ui.argument.story import SCENES, Story
from blurdash.ui.argument.told import Told
from blurdash.ui.one_file.explore import reader_part
from blurdash.ui.one_file.subject import shipped_references
from blurdash.ui.server.known_face import Answer
from blurdash.ui.vote.ballot_box import BallotBox

if TYPE_CHECKING:
    from blurdash.ui.one_file.subject import Subject

__all__ = ["story_part"]

# What a page alone cannot do to a picture, or ask of a server.
NOT_ALONE = {"rotation", "scale", "noise"}
NOT_ASKED = {"mildest"}
WITHOUT_SLIDERS = ("sceptic",)


@dataclass
class ToldAtOnce(Told):
    """What is known when a scene is drawn, with nothing left for later.

    Attributes:
        found: What scenes before this one asked for.
    """

    found: dict[Any, Answer] = field(default_factory=dict)

    def ask(self, kind: str, key: Any, compute: Callable[[], Any]) -> Answer | None:
        """Computes what the pages ask for in the background, once for all scenes of a kernel."""
        self.asked[kind] = False
        name = (kind, self.kernel, key)
        if name not in self.found:
            self.found[name] = Answer(compute())
        return self.found[name]


def story_part(subject: Subject, sliders: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Returns what the story reads: for every scene its data, for the vote before and after.

    Args:
        subject: Whose; it takes some seconds, for maps and the sceptic's table.
        sliders: Where they start, by name, but for what a page alone cannot do.
    """
    kept = {name: value for name, value in (sliders or {}).items() if name not in NOT_ALONE}
    scenes: dict[str, Any] = {}
    for name in SCENES:
        if name == "two-pictures":
            scenes[name] = {
                state: [
                    _scene(subject, name, kept, swapped=swapped, revealed=state == "revealed")
                    for swapped in (False, True)
                ]
                for state in ("hidden", "revealed")
            }
        else:
            scenes[name] = _scene(subject, name, kept)
    return {"scenes": scenes, "often": _often(subject)}


def _scene(
    subject: Subject,
    name: str,
    sliders: Mapping[str, float],
    *,
    swapped: bool = False,
    revealed: bool = False,
) -> dict[str, Any]:
    """A scene as ``frontend/pages/argument.js`` draws it, where its sliders start."""
    story = Story(name, swapped=swapped, revealed=revealed)
    story.jump(**sliders)
    told = _told(subject, story)
    data = scene_data(told)
    live = () if name in WITHOUT_SLIDERS else data["sliders"]
    panels = [panel for panel in data["panels"] if _is_alone(panel, told.kernel)]
    return {
        **data,
        "ack": 0,
        "acted": 0,
        "start": 0,
        "rested": "",
        "address": None,
        "remedy": None,
        "sliders": [one for one in live if one not in NOT_ALONE],
        "panels": [*_of_one_place(name, story, subject.kernel), *panels],
        "alone": True,
    }


def _told(subject: Subject, story: Story) -> Told:
    shown = subject.with_kernel(story.kernel(subject.kernel))
    told = ToldAtOnce(
        found=subject.found,
        story=story,
        kernel=shown.kernel,
        crop=defaults.CROP,
        box=BallotBox(),
        at_rest=True,
        face=shown.known,
        reader=reader_part(subject),
        recogniser=label_of(subject.embedder),
        counted=counts_of(subject.reference),
        others=counts_of_others(
            shipped_references(), subject.embedder.name, subject.kernel, defaults.CROP
        ),
        circumstances=circumstances(
            label_of(subject.embedder),
            subject.embedder.protocol,
            defaults.CROP,
            shown.kernel,
            subject.label,
        ),
    )
    changes = story.changes(shown.kernel)
    told.values = tuple(shown.known.quick(change) for change in changes)
    return told


def _is_alone(panel: dict[str, Any], kernel: str) -> bool:
    """Whether a panel means anything without a server; of searches those that a page does."""
    if panel["kind"] == "buttons":
        asked = [one for one in panel["buttons"] if one["act"] not in NOT_ASKED]
        # Twins need a line of any length: no search changes the kernel here.
        twins = kernel == TWIN_KERNEL
        panel["buttons"] = [one for one in asked if twins or not one["act"].startswith(TWINS)]
        return bool(panel["buttons"])
    if panel["kind"] == "ways":
        panel["phones"] = None
    return bool(panel["kind"] != "choices")


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


def _often(subject: Subject) -> dict[str, Any] | None:
    """How often it is so, cell by cell; None where other faces are not known."""
    counted = counts_of(subject.reference)
    if counted is None:
        return None
    told = _told(subject, Story("how-often"))
    settings = counted.flips.settings
    said = [
        [
            (often_sentence(counted, place), often_at(told, counted, place))
            for place in ((shift, degree) for degree in settings.degrees)
        ]
        for shift in settings.shifts
    ]
    return {**flips_panel(counted, flip_preferences(told)), "said": said}
