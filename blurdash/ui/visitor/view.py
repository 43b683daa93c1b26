"""What is being looked at, and how it stands in the address so that a link restores it.

A visitor's photo is never in the address: such a link says that there was one, and opens with the
portrait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from blurdash import defaults
from blurdash.blur import Change
from blurdash.clean import CROPS
from blurdash.embed import EMBEDDERS, PROTOCOLS, label_of
from blurdash.kernel import KERNELS
from blurdash.ui.components.sliders import EXPLORE_SLIDERS
from blurdash.ui.server import recogniser
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.server.streamlit_inside import went_back
from blurdash.ui.visitor.address import OWN_PHOTO, Reader, note, query_of
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use, stands_in, touch

__all__ = [
    "MODES",
    "View",
    "address_of",
    "choose_kernel",
    "choose_recogniser",
    "follows",
    "jump",
    "jumped",
    "jumps",
    "obey_back",
    "setting_choices",
    "settings_entries",
    "settings_key",
    "start",
    "still_wanted",
    "take_position",
]

MODES = ("side", "swipe", "flicker", "difference")
POSITION = ("degree", "angle", "shift")
AUTOMATIC = "auto"
PORTRAIT = "portrait"
VIEW_KEY = "bd_view"
START_KEY = "bd_start"
# Which choices are to show what the view says, and not what the browser still has of them.
FOLLOW_KEY = "bd_choices_follow"


@dataclass
class View:
    """Everything that decides what is on the screen.

    Attributes:
        face: ``portrait`` or the id of a visitor's face.
        degree: Blur length, canvas px.
        angle: Degrees.
        shift_x: Pixels to the right.
        shift_y: Pixels down.
        kernel: Key of ``KERNELS``.
        recogniser: Key of ``EMBEDDERS``, or None for the default rule.
        protocol: Key of ``PROTOCOLS``.
        crop: Key of ``CROPS``.
        mode: One of ``MODES``.
        reference: Name of the reference that was chosen; empty for the first that fits.
    """

    face: str = PORTRAIT
    degree: int = int(EXPLORE_SLIDERS["degree"].first)
    angle: float = EXPLORE_SLIDERS["angle"].first
    shift_x: float = EXPLORE_SLIDERS["shift_x"].first
    shift_y: float = EXPLORE_SLIDERS["shift_y"].first
    kernel: str = defaults.KERNEL
    recogniser: str | None = None
    protocol: str = defaults.PROTOCOL
    crop: str = defaults.CROP
    mode: str = MODES[0]
    reference: str = ""

    def change(self) -> Change:
        """What is done to the clean canvas."""
        return Change(self.degree, self.angle, self.kernel, self.shift_x, self.shift_y)

    def position(self) -> list[float]:
        """Where the sliders are: degree, angle, shift x, shift y."""
        return [self.degree, self.angle, self.shift_x, self.shift_y]


def start() -> View:
    """Returns this session's view; the first time it is read from the address."""
    if VIEW_KEY not in st.session_state:
        reader = Reader(st.query_params)
        st.session_state[VIEW_KEY] = _view_in(reader)
        note(reader, with_photo=reader.text("face") not in ("", PORTRAIT))
    view: View = st.session_state[VIEW_KEY]
    return view


def obey_back(view: View) -> bool:
    """Takes over what the address says, where the visitor went back to it.

    Returns:
        Whether it says something else than what was looked at.
    """
    if not went_back() or not st.query_params:
        return False
    other = _view_in(Reader(st.query_params))
    other.face = view.face  # an address knows no visitor's face
    if "scene" in st.query_params:  # nor Explore's sliders
        other.mode = view.mode
        for name in EXPLORE_SLIDERS:
            setattr(other, name, getattr(view, name))
    if other == view:
        return False
    for name in vars(other):
        setattr(view, name, getattr(other, name))
    st.session_state[FOLLOW_KEY] = {"Recogniser", "Kernel", "Protocol", "Crop", "Other faces"}
    return True


def follows(label: str) -> bool:
    """Whether a choice is to show what was taken over, and not what it showed; asked once.

    Args:
        label: The choice's.
    """
    wanted: set[str] = st.session_state.get(FOLLOW_KEY, set())
    if label not in wanted:
        return False
    wanted.discard(label)
    return True


def choose_kernel(view: View, kernel: str) -> None:
    """Chooses another kernel; the next drawing of the page shows it.

    Args:
        view: What is looked at.
        kernel: A key of ``KERNELS``.
    """
    view.kernel = kernel
    st.session_state.setdefault(FOLLOW_KEY, set()).add("Kernel")


def choose_recogniser(view: View, name: str | None) -> None:
    """Chooses another recogniser; the next drawing of the page shows it.

    Args:
        view: What is looked at.
        name: A key of ``EMBEDDERS``, or None for the default rule.
    """
    view.recogniser = name
    if name is not None and view.protocol not in EMBEDDERS[name].protocols:
        view.protocol = defaults.PROTOCOL
    st.session_state.setdefault(FOLLOW_KEY, set()).update(("Recogniser", "Protocol"))


def still_wanted() -> None:
    """Ends a run whose page is closed, or that a newer one has replaced.

    Streamlit does that wherever a run looks at its state.
    """
    _ = VIEW_KEY in st.session_state


def take_position(view: View, position: Sequence[float]) -> None:
    """Takes over where the sliders are, held inside their ranges: it comes from a browser."""
    before = view.position()
    for (name, slider), value in zip(EXPLORE_SLIDERS.items(), position, strict=True):
        inside = min(max(_finite(value), slider.low), slider.high)
        setattr(view, name, round(inside) if slider.whole else inside)
    if st.session_state.get(VIEW_KEY) is view and view.position() != before:
        touch()


def jump(view: View, position: Sequence[float]) -> None:
    """Moves Explore's sliders from here; the browser follows."""
    take_position(view, position)
    jumped()


def jumped() -> None:
    """Has the browser's sliders of Explore follow what is looked at."""
    st.session_state[START_KEY] = jumps() + 1


def jumps() -> int:
    """Returns how often Explore's sliders were moved from here."""
    return int(st.session_state.get(START_KEY, 0))


def address_of(view: View) -> str:
    """Returns the view as it stands in the address."""
    entries = {
        "face": PORTRAIT if view.face == PORTRAIT else OWN_PHOTO,
        "degree": f"{view.degree}",
        "angle": f"{view.angle:g}",
        "kernel": view.kernel,
        "crop": view.crop,
        "protocol": view.protocol,
        "mode": view.mode,
        "recogniser": view.recogniser or AUTOMATIC,
        **_reference_entry(view),
    }
    if view.shift_x or view.shift_y:
        entries["shift"] = f"{view.shift_x:g},{view.shift_y:g}"
    return query_of(entries)


def settings_entries(view: View) -> dict[str, str]:
    """Returns what an address says of the settings; what is as at first is left out."""
    first = View()
    names = ("kernel", "protocol", "crop")
    entries = {name: getattr(view, name) for name in names}
    entries = {name: text for name, text in entries.items() if text != getattr(first, name)}
    if view.recogniser:
        entries["recogniser"] = view.recogniser
    return {**entries, **_reference_entry(view)}


def _reference_entry(view: View) -> dict[str, str]:
    """The chosen reference's name, where every visitor can choose it: one's own is nobody's."""
    return {"reference": view.reference} if view.reference in _named_references() else {}


def _named_references() -> dict[str, None]:
    return {one.name: None for one in references_at_hand().found}


def settings_key(view: View) -> str:
    """What a number belongs to besides the position of the sliders: face and settings."""
    # Numbers of the one that stands in are not those of the one that follows it.
    name = view.recogniser or (f"{AUTOMATIC}, installed" if stands_in() else AUTOMATIC)
    return "|".join((view.face, name, view.protocol, view.kernel, view.crop))


def setting_choices(view: View) -> None:
    """Draws the choices of recogniser, kernel, protocol and crop, and takes them over."""
    before = view.recogniser, view.kernel, view.protocol, view.crop
    labels = {AUTOMATIC: _automatic_label(view)}
    labels |= {name: recogniser.label_now(name, view.protocol) for name in EMBEDDERS}
    picked = _choice(
        "Recogniser",
        labels,
        view.recogniser or AUTOMATIC,
        "The network whose embeddings are compared. Automatic: FaceNet where its weights are at "
        "hand or can be fetched, else dlib's, which is installed.",
        width=270,
    )
    view.recogniser = None if picked == AUTOMATIC else picked
    view.kernel = _choice(
        "Kernel",
        {name: row.label for name, row in KERNELS.items()},
        view.kernel,
        "How the picture is blurred. "
        + " ".join(f"{row.label.capitalize()}: {row.note}." for row in KERNELS.values()),
        width=170,
    )
    # Seldom changed, and named in the line at the page's foot: out of the way.
    with st.popover("Protocol, crop", key="bd_more"):
        view.protocol = _choice(
            "Protocol",
            {name: name for name in PROTOCOLS},
            view.protocol,
            "What the network is shown. " + _sentences(PROTOCOLS),
        )
        view.crop = _choice(
            "Crop",
            {name: name for name in CROPS},
            view.crop,
            "Where the face is cut out. " + _sentences(CROPS),
        )
        st.caption(f"Protocol: {_sentences(PROTOCOLS)}")
        st.caption(f"Crop: {_sentences(CROPS)}")
    if (view.recogniser, view.kernel, view.protocol, view.crop) != before:
        touch()


def _sentences(meanings: Mapping[str, str]) -> str:
    return " ".join(f"{name.capitalize()}: {text}." for name, text in meanings.items())


def _choice(
    label: str,
    labels: Mapping[str, str],
    value: str,
    what: str,
    *,
    width: int | Literal["stretch"] = "stretch",
) -> str:
    names = list(labels)
    # Another widget for other words: the browser would go on showing the old ones.
    key = f"bd_choice_{label.lower()}_{'|'.join(labels.values())}"
    taken_over = follows(label)
    if taken_over:
        st.session_state[key] = value
    return (
        st.selectbox(
            label,
            names,
            index=0 if taken_over else names.index(value),
            format_func=lambda name: labels[name],
            key=key,
            help=what,
            width=width,
        )
        or value
    )


def _automatic_label(view: View) -> str:
    loading = recogniser_in_use(None, view.protocol) if view.recogniser is None else None
    if loading is None or loading.embedder is None:
        return "automatic"
    return f"automatic: {label_of(loading.embedder)}"


def _view_in(reader: Reader) -> View:
    """A view from an address that anyone may have written: what makes no sense is left out."""
    view = View()
    _take_settings(view, reader)
    if reader.text("scene"):
        return view  # of the Argument page, whose sliders are others
    if reader.names(*POSITION):  # what an address does not name is 0
        degree, angle, right, _ = EXPLORE_SLIDERS.values()
        turned = reader.number("angle", angle.low, angle.high, view.angle)
        shift = reader.numbers("shift", 2, right.low, right.high)
        take_position(view, [reader.number("degree", degree.low, degree.high, 0), turned, *shift])
    view.mode = reader.known("mode", dict.fromkeys(MODES), view.mode)
    return view


def _take_settings(view: View, reader: Reader) -> None:
    view.kernel = reader.known("kernel", KERNELS, view.kernel)
    view.protocol = reader.known("protocol", PROTOCOLS, view.protocol)
    view.crop = reader.known("crop", CROPS, view.crop)
    chosen = reader.known("recogniser", {AUTOMATIC: None, **EMBEDDERS}, AUTOMATIC)
    view.recogniser = None if chosen == AUTOMATIC else chosen
    view.reference = reader.known("reference", _named_references(), view.reference)


def _finite(value: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
