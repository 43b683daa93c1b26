"""The components that the pages are made of, each a line of Python that calls one in the browser.

Their JavaScript lies in ``frontend/`` and is sent once, with the stage, which rarely changes.
The others are a line each that calls what the stage brought, so that an answer to a moved
slider carries numbers and no code. Nothing is loaded from another host.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from blurdash.ui.components.scripts import script, style_sheet

if TYPE_CHECKING:
    from blurdash.blur import Change

__all__ = [
    "argument",
    "carrier",
    "controls",
    "curve_feed",
    "face_pictures",
    "figure",
    "intake",
    "pack_stage",
    "scene",
    "scripts",
    "served",
    "slot",
    "stage",
    "sweeps",
]

# Waits until the stage's script is there, then hands over; called again whenever data changes.
SHIM = """
export default function (component) {
  const bus = (window.__blurdash ??= new EventTarget());
  const root = component.parentElement;
  root.__latest = bus.patient ? bus.patient(component) : component;
  const run = () => bus.%(function)s(root.__latest);
  if (bus.%(function)s) return run();
  if (!root.__waiting) {
    root.__waiting = true;
    bus.addEventListener("ready", () => {
      root.__waiting = false;
      root.__latest = bus.patient(component);
      run();
    }, { once: true });
  }
}
"""


def stage(data: bytes, *, key: str) -> None:
    """Shows a clean canvas beside its blurred self, drawn in the browser.

    Args:
        data: As ``pack_stage`` makes it.
        key: The component's key.
    """
    _stage_component()(key=key, data=data)


def scripts(*, key: str) -> None:
    """Brings the scripts that the other components call, on a page without a stage.

    Args:
        key: The component's key.
    """
    _stage_component()(key=key, data=None)


def controls(
    data: dict[str, Any],
    *,
    key: str,
    position: Sequence[float],
) -> None:
    """Shows the sliders, and the curves above them; tiles are drawn in a slot.

    Args:
        data: What the script reads; see ``frontend/widgets/controls.js``.
        key: The component's key.
        position: Where the sliders start: degree, angle, shift x, shift y.

    Conventions:
        Its state, which ``Sent.by(key)`` reads, has ``pos``: degree, angle, shift x, shift y and
        the number of the request; and ``rest``: where the hand came to rest last.
    """
    component = _shimmed("blurdash_controls", '<div class="bd-controls"></div>', "mountControls")
    component(
        key=key,
        data=data,
        default={"pos": [*position, 0], "rest": ""},
        on_pos_change=lambda: None,
        on_rest_change=lambda: None,
    )


def argument(data: dict[str, Any], *, key: str, position: Sequence[float], scene: str) -> None:
    """Shows a scene of the Argument page.

    Args:
        data: What the script reads; see ``frontend/pages/argument.js``.
        key: The component's key.
        position: Where the sliders start, in the order of ``ARGUMENT_SLIDERS``.
        scene: The scene to start with.

    Conventions:
        Its state, which ``Sent.by(key)`` reads, has ``pos``: the sliders and the number of the
        request; ``rest``: where the hand came to rest; ``scene``: the scene that is asked for;
        ``act``: the last thing asked for; ``poll``: another number whenever it asks what is new.
    """
    component = _shimmed("blurdash_argument", '<div class="bd-argument"></div>', "mountArgument")
    component(
        key=key,
        data=data,
        default={
            "pos": [*position, 0],
            "rest": "",
            "scene": scene,
            "act": None,
            "poll": 0,
        },
        on_pos_change=lambda: None,
        on_rest_change=lambda: None,
        on_scene_change=lambda: None,
        on_act_change=lambda: None,
        on_poll_change=lambda: None,
    )


def slot(name: str, *, key: str) -> None:
    """A place of its own on the page that the controls' script draws into.

    Args:
        name: ``sentence``, ``readouts`` or ``context``.
        key: The component's key.
    """
    component = _shimmed("blurdash_slot", '<div class="bd-slot"></div>', "mountSlot")
    component(key=key, data={"name": name})


def curve_feed(data: dict[str, Any], *, key: str) -> None:
    """Hands the values of a curve to the controls, which let them stand in while numbers come.

    Conventions:
        Its state, which ``Sent.by(key)`` reads, has ``own``: 1 where the browser finds its curves
        itself.
    """
    # Told to look again, the browser has the fragment run that this is drawn in.
    component = _shimmed("blurdash_curve", "<span hidden></span>", "takeCurve")
    component(
        key=key,
        data=data,
        default={"own": 0},
        on_look_change=lambda: None,
        on_own_change=lambda: None,
    )


def scene(what: str, session: str, *, shown: str, key: str) -> None:
    """Tells the browser which face and settings the page shows now, before numbers for it come.

    Args:
        what: As the key of ``controls_data``.
        session: A word that is another once the server has forgotten this visitor.
        shown: Id of the shown face; the portrait too until photos that are sent again are there.
        key: The component's key.

    Conventions:
        Its state, which ``Sent.by(key)`` reads, has ``drawn``: ``server`` where the browser cannot
        draw changed pictures, empty where it does.
    """
    component = _shimmed("blurdash_scene", "<span hidden></span>", "takeScene")
    data = {"key": what, "session": session, "shown": shown}
    # Drawn in no part that runs by itself: told to renew, the browser has the whole page run.
    component(
        key=key,
        data=data,
        default={"drawn": ""},
        on_renew_change=lambda: None,
        on_drawn_change=lambda: None,
    )


def served(what: str, change: Change, picture: bytes, *, key: str, places: int = 0) -> None:
    """Hands the browser what it does not make itself: a changed picture, or its kernel's taps.

    Args:
        what: As the key of ``scene``.
        change: What was done to the face.
        picture: PNG of the changed canvas; or the taps, float64 little-endian, three numbers each:
            right, down, weight.
        key: The component's key.
        places: Of the kernel whose taps they are, rows times columns; 0 for a picture.
    """
    view = {
        "kernel": change.kernel,
        "degree": change.degree,
        "angle": change.angle,
        "used_angle": change.used_angle,
        "shift_x": change.shift_x,
        "shift_y": change.shift_y,
    }
    component = _shimmed("blurdash_served", "<span hidden></span>", "takeServed")
    header = {"key": what, "view": view, **({"places": places} if places else {})}
    component(key=key, data=pack_stage(header, picture))


def sweeps(data: Mapping[str, object], *, key: str) -> None:
    """Shows a sweep's graphs, with a cursor and a choice of measures.

    Args:
        data: What the script reads; see ``blurdash.ui.sweeps.board``.
        key: The component's key.

    Conventions:
        Its state, which ``Sent.by(key)`` reads, has ``act``: ``axis`` with a key of ``AXES``, or
        ``mine``; and a number that grows.
    """
    component = _shimmed("blurdash_sweeps", '<div class="bd-sweeps-board"></div>', "mountSweeps")
    component(key=key, data=dict(data), default={"act": None}, on_act_change=lambda: None)


def face_pictures(faces: Sequence[Mapping[str, object]], *, shown: str, key: str) -> None:
    """Shows the faces that there are as small pictures, to choose from and to remove.

    Args:
        faces: For each its ``id``, its ``label``, its ``picture`` (JPEG, base64), ``small`` (its
            width in its photo where that is too small, px, else null), and the key of its
            ``photo`` with what that is called (``of``); both null for the built-in portrait.
        shown: Id of the one that is shown.
        key: The component's key.

    Conventions:
        Its state, which ``Sent.by(key)`` reads, has ``act``: ``show`` with a face's id or
        ``remove`` with a photo's key, and a number that grows.
    """
    component = _shimmed("blurdash_faces", '<div class="bd-facerow"></div>', "mountFaces")
    data = {"faces": list(faces), "shown": shown}
    component(key=key, data=data, default={"act": None}, on_act_change=lambda: None)


def figure(svg: str, *, key: str) -> None:
    """Shows a drawing in the page's own colours.

    Args:
        svg: An SVG of ours: Streamlit's own HTML takes none, and a picture knows no theme.
        key: The component's key.
    """
    _figure_component()(key=key, data=svg)


def intake(endings: Sequence[str], *, key: str) -> None:
    """Shows upload and camera.

    Args:
        endings: Which file names are offered, such as ``.jpg``.
        key: The component's key.
    """
    component = _shimmed("blurdash_intake", '<div class="bd-intake"></div>', "mountIntake")
    component(key=key, data={"endings": list(endings)})


def carrier(data: dict[str, Any], *, key: str, on_said: Callable[[], None]) -> None:
    """Brings photos from the browser in pieces, and shows how far it is.

    Args:
        data: What the script reads; see ``frontend/widgets/carrier.js``.
        key: The component's key.
        on_said: Called when the browser has said something.
    """
    component = _shimmed("blurdash_carrier", '<div class="bd-carrier"></div>', "mountCarrier")
    component(key=key, data=data, on_said_change=on_said)


def pack_stage(header: dict[str, Any], png: bytes) -> bytes:
    """Returns header and picture in one piece: length of the header, JSON, PNG.

    Example:
        >>> pack_stage({}, b"png")
        b'\\x02\\x00\\x00\\x00{}png'
    """
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text + png


@functools.cache
def _figure_component() -> Any:
    draw = "export default ({ data, parentElement: root }) => { root.querySelector('div').innerHTML = data; }"  # noqa: E501
    html = '<div style="overflow-x: auto"></div>'
    return st.components.v2.component("blurdash_figure", html=html, js=draw)


@functools.cache
def _stage_component() -> Any:
    return st.components.v2.component(
        "blurdash_stage",
        html="<div></div>",
        css=style_sheet("widgets/widgets.css", "pictures/stage.css"),
        js=script(),
    )


@functools.cache
def _shimmed(name: str, html: str, function: str) -> Any:
    """A component that calls what the stage brought under this name, once it is there."""
    return st.components.v2.component(name, html=html, js=SHIM % {"function": function})
