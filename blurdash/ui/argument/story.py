"""The scenes of the Argument page, where its sliders are, and how both stand in the address."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import streamlit as st

from blurdash.blur import Change
from blurdash.disturb import Disturbance
from blurdash.register import REGISTRATIONS
from blurdash.ui.components.rows import FIRST_LIMIT, LIMIT_RANGE
from blurdash.ui.components.sent import is_number
from blurdash.ui.components.sliders import ARGUMENT_SLIDERS, Slider
from blurdash.ui.server.streamlit_inside import went_back
from blurdash.ui.visitor.address import Reader, note, query_of

__all__ = ["PAIR", "SCENES", "Scene", "Story", "address_of_story", "obey_back", "tell"]


class Scene(NamedTuple):
    """One step of the argument.

    Attributes:
        title: On its step.
        sliders: Names of the rows of ``ARGUMENT_SLIDERS`` that work in it.
        pictures: The two that are shown, the sharp one first; empty for none.
        presses: What each press inside it brings, as the button says it.
        kernel: The key of ``KERNELS`` that its pictures have, whatever the page's; empty for
            the page's.
    """

    title: str
    sliders: tuple[str, ...]
    pictures: tuple[str, ...]
    presses: tuple[str, ...] = ()
    kernel: str = ""


PAIR = ("sharp", "blurred")
MOVES = ("degree", "angle", "x", "y")
BLURS = ("degree_a", "angle_a", "degree_b", "angle_b")
SWAPPED = "1"  # in an address: the blurred picture is A
DISTURBS = (*MOVES, "rotation", "scale", "gain", "noise")

SCENES = {
    "two-pictures": Scene("Two pictures", MOVES, PAIR, ("Show the room",)),
    "pixels": Scene("PSNR and SSIM", DISTURBS, PAIR, ("SSIM",)),
    "embedding": Scene("The embedding", DISTURBS, PAIR, ("Where it looks", "Where it fails")),
    # Exact lines: nothing but their length and direction differs.
    "angle": Scene("Angle", BLURS, ("first", "second"), ("The embedding",), kernel="line"),
    "sceptic": Scene("The sceptic", MOVES, PAIR, ("Registered first", "Detected again", "Both")),
    "how-often": Scene("How often", (), ()),
    "take-home": Scene("Take home", (), PAIR),
}


@dataclass
class Story:
    """Where somebody is in the argument.

    Attributes:
        scene: A key of ``SCENES``.
        values: A number for each of ``ARGUMENT_SLIDERS``.
        swapped: Whether the blurred picture is A: drawn by lot, and so to the end.
        limit: The largest shift that the viewer calls slight, px.
        registration: Which row of the sceptic's table is looked at: ``none`` or a registration.
        start: Another number whenever the sliders are to jump.
        acted: Number of the last thing that was asked for and done.
        note: What the last search found.
        finding: The search under way; empty for none.
        revealed: Whether it is told which picture is which, and what the room said.
        voted: Where the sliders were when the vote ended; None before.
        other: Whether the sceptic's table is of the other recogniser.
        twin: What the last twins are, while the sliders stay; see ``searches.py``.
        kernel_changed: Whether the search under way has changed the page's kernel.
    """

    scene: str = "two-pictures"
    values: dict[str, float] = field(
        default_factory=lambda: {name: row.first for name, row in ARGUMENT_SLIDERS.items()}
    )
    swapped: bool = field(default_factory=lambda: bool(secrets.randbits(1)))
    limit: float = FIRST_LIMIT
    registration: str = "none"
    start: int = 0
    acted: int = 0
    note: str = ""
    finding: str = ""
    revealed: bool = False
    voted: dict[str, float] | None = None
    other: bool = False
    twin: dict[str, object] | None = None
    kernel_changed: bool = False

    def sharp(self) -> Disturbance:
        """What is done to the sharp picture."""
        v = self.values
        return Disturbance(
            v["x"], v["y"], v["rotation"], scale=v["scale"], gain=v["gain"], noise=v["noise"]
        )

    def blurred(self, kernel: str) -> Change:
        """What is done to the blurred picture."""
        return Change(int(self.values["degree"]), self.values["angle"], kernel)

    def blur(self, letter: str, kernel: str) -> Change:
        """One of the two blurs of the scene about angle, ``a`` or ``b``."""
        return Change(int(self.values[f"degree_{letter}"]), self.values[f"angle_{letter}"], kernel)

    def blurs_as_at_first(self) -> bool:
        """Whether nobody has touched the sliders of the scene about angle."""
        return all(self.values[name] == ARGUMENT_SLIDERS[name].first for name in BLURS)

    def pictures(self) -> tuple[str, ...]:
        """The two that are shown, the sharp one first, however they hang."""
        return SCENES[self.scene].pictures

    def kernel(self, chosen: str) -> str:
        """The kernel of what is shown; of most scenes the one that was chosen for the page."""
        return SCENES[self.scene].kernel or chosen

    def hung(self) -> tuple[str, ...]:
        """The same as they hang: A, B."""
        return self.pictures()[::-1] if self.blurred_is_a() else self.pictures()

    def blurred_is_a(self) -> bool:
        """Whether the pair hangs the other way round, also where a scene only speaks of it."""
        return self.swapped and self.pictures() in (PAIR, ())

    def reveal(self) -> None:
        """Ends the vote: from now on it is of the pictures as they are."""
        if not self.revealed:
            self.revealed = True
            self.voted = {name: self.values[name] for name in DISTURBS}

    def changes(self, kernel: str) -> list[Change | Disturbance]:
        """What is done to both pictures; of a scene without, to the pair."""
        made: dict[str, Change | Disturbance] = {
            "sharp": self.sharp(),
            "blurred": self.blurred(kernel),
            "first": self.blur("a", kernel),
            "second": self.blur("b", kernel),
        }
        return [made[name] for name in self.pictures() or PAIR]

    def take_position(self, position: Sequence[object]) -> None:
        """Takes over where the sliders are, held inside their ranges: it comes from a browser."""
        before = dict(self.values)
        for (name, row), value in zip(ARGUMENT_SLIDERS.items(), position, strict=False):
            self.values[name] = _inside(value, row)
        if self.values != before:
            self.twin = None
            self.note = ""

    def jump(self, **values: float) -> None:
        """Moves the sliders from here; the browser follows."""
        self.take_position([values.get(name, self.values[name]) for name in ARGUMENT_SLIDERS])
        self.start += 1

    def swap(self) -> None:
        """Hangs the pictures anew, where nobody knows them to be."""
        self.swapped = bool(secrets.randbits(1))
        self.revealed, self.voted = False, None

    def choose(self, group: object, value: object) -> None:
        """Takes over a choice of the sceptic's; what makes no sense changes nothing."""
        if group == "registration" and value in ("none", *REGISTRATIONS):
            self.registration = str(value)
        elif group == "recogniser":
            self.other = value == "other"

    def choose_limit(self, value: object) -> None:
        """Takes over the largest slight shift; what makes no sense changes nothing."""
        if is_number(value):
            self.limit = min(max(float(value), LIMIT_RANGE[0]), LIMIT_RANGE[1])


def tell() -> Story:
    """Returns this session's story; the first time it is read from the address."""
    if "bd_story" not in st.session_state:
        reader = Reader(st.query_params)
        st.session_state["bd_story"] = _story_in(reader)
        if reader.odd:
            note(reader, more=True)
    story: Story = st.session_state["bd_story"]
    return story


def obey_back(story: Story) -> None:
    """Takes over what the address says, where the visitor went back to it."""
    if not went_back() or "scene" not in st.query_params:
        return
    other = _story_in(Reader(st.query_params))
    story.jump(**other.values)
    story.registration = other.registration
    if story.scene != other.scene:
        story.scene = other.scene
        story.note, story.finding, story.twin = "", "", None


def address_of_story(story: Story, settings: Mapping[str, str]) -> str:
    """Returns scene and sliders as they stand in the address, what is as at first left out.

    Args:
        story: Where the page is.
        settings: Entries of recogniser, kernel, protocol, crop and reference.
    """
    entries = {"scene": story.scene}
    entries |= {
        name: f"{story.values[name]:g}"
        for name, row in ARGUMENT_SLIDERS.items()
        if story.values[name] != row.first
    }
    if story.revealed and story.swapped:
        entries["lot"] = SWAPPED  # who opens it sees the same A and B
    if story.registration != "none":
        entries["registration"] = story.registration
    return query_of({**entries, **settings})


def _story_in(reader: Reader) -> Story:
    """A story from an address that anyone may have written: what makes no sense is left out."""
    story = Story()
    if not reader.text("scene"):
        return story  # of another page, whose sliders are others
    story.scene = reader.known("scene", SCENES, story.scene)
    registrations = {"none": None, **dict.fromkeys(REGISTRATIONS)}
    story.registration = reader.known("registration", registrations, story.registration)
    story.swapped = reader.known("lot", {SWAPPED: None}, "") == SWAPPED
    for name, row in ARGUMENT_SLIDERS.items():
        story.values[name] = _inside(reader.number(name, row.low, row.high, row.first), row)
    return story


def _inside(value: object, row: Slider) -> float:
    if not is_number(value):
        return row.first
    inside = min(max(float(value), row.low), row.high)
    return float(round(inside)) if row.whole else round(inside, 3)
