"""What is being looked at, and how it stands in the address so that a link restores it.

A visitor's photo is never in the address: such a view is linked with the portrait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from blurdash import defaults
from blurdash.blur import Change
from blurdash.embed import EMBEDDERS, PROTOCOLS
from blurdash.kernel import ANGLE_RANGE, DEGREE_RANGE, KERNELS
from blurdash.readout import CROPS
from blurdash.ui import recogniser

__all__ = [
    "MODES",
    "SHIFT_RANGE",
    "View",
    "move",
    "setting_choices",
    "settings_key",
    "start",
    "write_address",
]

MODES = ("side", "swipe", "flicker")
SHIFT_RANGE = (-32, 32)
AUTOMATIC = "auto"


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
    """

    face: str = "portrait"
    degree: int = defaults.DEGREE
    angle: float = defaults.ANGLE
    shift_x: float = 0.0
    shift_y: float = 0.0
    kernel: str = defaults.KERNEL
    recogniser: str | None = None
    protocol: str = defaults.PROTOCOL
    crop: str = defaults.CROP
    mode: str = MODES[0]

    def change(self) -> Change:
        """What is done to the clean canvas."""
        return Change(self.degree, self.angle, self.kernel, self.shift_x, self.shift_y)

    def position(self) -> list[float]:
        """Where the sliders are: degree, angle, shift x, shift y."""
        return [self.degree, self.angle, self.shift_x, self.shift_y]


def start() -> View:
    """Returns this session's view; the first time it is read from the address."""
    if "bd_view" not in st.session_state:
        st.session_state["bd_view"] = _read_address(st.query_params)
    view: View = st.session_state["bd_view"]
    return view


def still_wanted() -> None:
    """Ends a run whose page is closed, or that a newer one has replaced.

    Streamlit does that wherever a run looks at its state.
    """
    _ = "bd_view" in st.session_state


def move(view: View, position: Sequence[float]) -> None:
    """Takes over where the sliders are, held inside their ranges: it comes from a browser."""
    degree, angle, shift_x, shift_y = (_finite(value) for value in position)
    view.degree = round(_inside(degree, DEGREE_RANGE))
    view.angle = _inside(angle, ANGLE_RANGE)
    view.shift_x = _inside(shift_x, SHIFT_RANGE)
    view.shift_y = _inside(shift_y, SHIFT_RANGE)


def write_address(view: View) -> None:
    """Writes the view into the address."""
    entries = {
        "face": "portrait",  # a visitor's own face is in no address
        "degree": f"{view.degree}",
        "angle": f"{view.angle:g}",
        "kernel": view.kernel,
        "crop": view.crop,
        "protocol": view.protocol,
        "mode": view.mode,
        "recogniser": view.recogniser or AUTOMATIC,
    }
    if view.shift_x or view.shift_y:
        entries["shift"] = f"{view.shift_x:g},{view.shift_y:g}"
    if dict(st.query_params) != entries or st.session_state.get("bd_address") != entries:
        st.session_state.pop("bd_address", None)
        st.query_params.from_dict(entries)
        # Noted when it is sent: a newer request may end the run in the line above.
        st.session_state["bd_address"] = entries


def settings_key(view: View) -> str:
    """What a number belongs to besides the position of the sliders: face and settings."""
    name = view.recogniser or AUTOMATIC
    return "|".join((view.face, name, view.protocol, view.kernel, view.crop))


def setting_choices(view: View) -> None:
    """Draws the choices of recogniser, kernel, protocol and crop, and takes them over."""
    labels = {AUTOMATIC: _automatic_label(view)}
    labels |= {name: row.label for name, row in EMBEDDERS.items()}
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
    return (
        st.selectbox(
            label,
            names,
            index=names.index(value),
            format_func=lambda name: labels[name],
            # Another widget for other words: the browser would go on showing the old ones.
            key=f"bd_choice_{label.lower()}_{labels[names[0]]}",
            help=what,
            width=width,
        )
        or value
    )


def _automatic_label(view: View) -> str:
    loading = recogniser.request(None, view.protocol) if view.recogniser is None else None
    if loading is None or loading.embedder is None:
        return "automatic"
    return f"automatic: {EMBEDDERS[loading.embedder.name].label}"


def _read_address(address: Mapping[str, str]) -> View:
    """A view from an address that anyone may have written: what makes no sense is left out."""
    view = View()
    shift = [*address.get("shift", "").split(","), "", ""]
    move(
        view,
        [
            _number(address.get("degree"), view.degree),
            _number(address.get("angle"), view.angle),
            _number(shift[0], 0.0),
            _number(shift[1], 0.0),
        ],
    )
    view.kernel = _known(address.get("kernel"), KERNELS, view.kernel)
    view.protocol = _known(address.get("protocol"), PROTOCOLS, view.protocol)
    view.crop = _known(address.get("crop"), CROPS, view.crop)
    view.mode = _known(address.get("mode"), dict.fromkeys(MODES), view.mode)
    view.recogniser = _known(address.get("recogniser"), EMBEDDERS, "") or None
    return view


def _known(value: str | None, table: Mapping[str, object], otherwise: str) -> str:
    return value if value in table else otherwise  # type: ignore[return-value]


def _number(text: str | None, otherwise: float) -> float:
    try:
        return float(text or "")
    except ValueError:
        return otherwise


def _finite(value: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _inside(value: float, limits: tuple[int, int]) -> float:
    return min(max(value, limits[0]), limits[1])
