"""What ``frontend/pages/argument.js`` draws of a scene, on the page and in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blurdash.kernel import KERNELS
from blurdash.ui.argument.scenes import SCENE_PARTS
from blurdash.ui.argument.story import SCENES
from blurdash.values import for_json

if TYPE_CHECKING:
    from blurdash.ui.argument.story import Story
    from blurdash.ui.argument.told import Told

__all__ = ["circumstances", "scene_data"]


def scene_data(told: Told) -> dict[str, Any]:
    """Returns all of a scene but what belongs to one conversation with a browser.

    Args:
        told: What is known of it.
    """
    story = told.story
    parts = SCENE_PARTS[story.scene](told)
    hidden = story.scene == "two-pictures" and not story.revealed
    return {
        "scene": story.scene,
        "scenes": [
            {"id": name, "title": scene.title, "presses": scene.presses}
            for name, scene in SCENES.items()
        ],
        "see": parts.see,
        "pos": list(story.values.values()),
        "ready": told.values is not None,
        "values": None
        if told.values is None
        else [{name: for_json(value) for name, value in one.items()} for one in told.values],
        "reader": told.reader,
        "pending": parts.pending,
        "kernel": told.kernel,
        # Before the reveal they would say what was done.
        "sliders": () if hidden else SCENES[story.scene].sliders,
        "pictures": list(story.pictures()),
        "swapped": story.blurred_is_a(),
        "hidden": hidden,
        "twin": _drawn_twin(story),
        "vote": {**told.box.told(revealed=story.revealed), "on": story.voted},
        "panels": parts.panels,
        "facts": told.circumstances,
        "message": parts.message,
        "alert": bool(told.problem),
    }


def circumstances(
    recogniser: str, protocol: str, crop: str, kernel: str, face: str
) -> list[tuple[str, str]]:
    """Returns what stands beside every number, name and value.

    Args:
        recogniser: What a person reads.
        protocol: A key of ``PROTOCOLS``.
        crop: A key of ``CROPS``.
        kernel: A key of ``KERNELS``.
        face: What a person reads.
    """
    return [
        ("Recogniser", recogniser),
        ("protocol", protocol),
        ("crop", crop),
        ("kernel", KERNELS[kernel].label),
        ("this face", face),
    ]


def _drawn_twin(story: Story) -> dict[str, object] | None:
    """What of the twins the browser draws: their numbers stand in the table."""
    if story.twin is None:
        return None
    return {name: story.twin[name] for name in ("kernel", "length", "angle", "x", "y")}
