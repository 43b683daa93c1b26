"""The Explore page: a face beside its blurred self, with every number live."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import streamlit as st

from blurdash import defaults
from blurdash.circumstances import Circumstances
from blurdash.embed import DEFAULT_EMBEDDER, EMBEDDERS, FALLBACK_EMBEDDER
from blurdash.errors import BlurdashError
from blurdash.face import SMALLEST_SOURCE
from blurdash.kernel import KERNELS
from blurdash.ui.components.browser import controls, curve_feed, pack_stage, slot, stage
from blurdash.ui.components.clicks import clicked
from blurdash.ui.components.fragments import fragment
from blurdash.ui.components.sent import Sent, asked_at_rest, rests_at
from blurdash.ui.explore.controls_data import (
    controls_data,
    curve_data,
    equivalents,
    others_data,
    readings_of,
    recogniser_data,
    sentence_data,
)
from blurdash.ui.server import recogniser
from blurdash.ui.server.known_face import Curve
from blurdash.ui.server.live import in_line, somebody_waits, stop_growing
from blurdash.ui.server.shipped import SHIPPED_EMBEDDER, shipped_curve
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.visitor import view
from blurdash.ui.visitor.face_in_use import face_in_use, serve_change
from blurdash.ui.visitor.reader import reader_data
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use
from blurdash.ui.visitor.reference_in_use import any_of_kernel, measured_by, reference_in_use
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.shown_face import PORTRAIT_ID, ShownFace
from blurdash.ui.visitor.toolbar import face_row, settings_row
from blurdash.ui.visitor.view import View
from blurdash.words import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blurdash.argument import BlurEquivalent
    from blurdash.clean import Readout
    from blurdash.embed import EmbedderRow
    from blurdash.face import Face
    from blurdash.reference import Reference
    from blurdash.ui.server.recogniser import Loading

__all__ = ["explore_page"]

CONTROLS_KEY = "bd_controls"
CURVE_KEY = "bd_curve_feed"
# How often a page looks for the recogniser, and for new points of its curve; the latter less often
# the more visitors wait, for then there are fewer new points, and looking takes their time.
LOOK_SECONDS = 1.0
WAITING_FOR_A_SECOND = 2
# A curve that grows is sent at a few numbers of points only.
CURVE_STEPS = (5, 21, 51, 101)
PARTS_OF_A_PLACE = 5  # degree, angle, shift x, shift y, mode


def explore_page() -> None:
    """Draws the page."""
    somebody_waits(current_session())
    chosen = view.start()
    if view.obey_back(chosen):
        view.jumped()
        st.session_state["bd_left_at"] = _sent_position()
    settings_row(chosen)
    loading = recogniser_in_use(chosen.recogniser, chosen.protocol)
    slot("sentence", key="bd_sentence")
    with st.container(key="bd-work"):
        left, right = st.container(key="bd-left"), st.container(key="bd-right")
    with left:
        face = face_row(chosen)
        _stage(face, chosen)
    with right:
        _curve(chosen, loading)
        slot("readouts", key="bd_readouts")
    with left:
        # After the curve: where its angle is another by now, they have the page drawn anew.
        # What a fragment is given, Streamlit keeps: never a face or anything made from one.
        fragment(_draw_controls)(chosen, loading)
    slot("context", key="bd_context")


def _stage(face: ShownFace, chosen: View) -> None:
    # The position of the sliders is not in it: it reaches the stage through the browser, and data
    # that stays the same is not sent again.
    header = {
        "face": face.id,
        "name": face.label,
        "eye_distance": round(face.face.eye_distance, 2),
        "mode": chosen.mode,
        "notes": " ".join(sentence(text) for text in face.face.notes),
    }
    stage(pack_stage(header, face.png()), key="bd_stage")


def _curve(chosen: View, loading: Loading) -> None:
    in_use = face_in_use(chosen, loading.embedder)
    curve = in_use.curve(chosen.angle)
    session_faces().curve = curve  # the Sweeps page may draw it in
    session_faces().curve_under = _under(chosen, loading)
    waiting = not loading.done.is_set()
    session_faces().fill_curve = None
    if not waiting and not curve.complete:
        fill = functools.partial(in_use.fill, curve, chosen.kernel, session=current_session())
        session_faces().fill_curve = fill
        if not _has_own_curves(chosen):
            fill()
    every = LOOK_SECONDS if waiting else None
    st.session_state["bd_curve_angle"] = chosen.angle
    fragment(_feed_curve, every=every)(chosen, loading, polled=waiting)


def _under(chosen: View, loading: Loading) -> Circumstances | None:
    """What the curve is measured under; None while there is no recogniser."""
    return measured_by(chosen, loading.embedder, chosen.angle) if loading.embedder else None


def _feed_curve(chosen: View, loading: Loading, *, polled: bool) -> None:
    """Hands the browser what is known of the curve by now, or says why there is none."""
    curve = session_faces().curve
    if recogniser_in_use(chosen.recogniser, chosen.protocol) is not loading:
        st.rerun()  # another answers meanwhile, or no longer
    if not loading.done.is_set():
        _loading_note(loading, chosen)
        _feed_shipped(chosen)  # stands in for the face's own until the recogniser is there
        return
    if polled or curve is None:
        st.rerun()  # the whole page learns that the recogniser is there, or why it is not
    if loading.error:
        _draw_failure(loading)
    if _has_own_curves(chosen):
        stop_growing(current_session())
    known = dict(curve.values)
    steps = [step for step in CURVE_STEPS if step <= len(known)]
    shown = {degree: known[degree] for degree in list(known)[: steps[-1] if steps else 0]}
    again = LOOK_SECONDS + in_line() // WAITING_FOR_A_SECOND
    in_use = face_in_use(chosen, loading.embedder)
    readout = in_use.known(chosen.change())
    data = curve_data(
        curve,
        shown,
        view.settings_key(chosen),
        look_again=None if len(shown) == CURVE_STEPS[-1] or _has_own_curves(chosen) else again,
        **_others(chosen, loading, curve.angle),
    )
    # The numbers on screen may have come before enough of the curve was known to compare with.
    data["pos"] = chosen.position()
    readings = readings_of(chosen, readout.values, known) if readout else {}
    data["equivalents"] = equivalents(chosen, readout.values, readings) if readout else []
    data["sentence"] = _sentence(chosen, loading, readout, readings)
    curve_feed(data, key=CURVE_KEY)


def _has_own_curves(chosen: View) -> bool:
    """Whether the browser finds this kernel's curves itself, and has said so."""
    return KERNELS[chosen.kernel].drawn_in_browser and Sent.by(CURVE_KEY).whole("own") == 1


def _others(chosen: View, loading: Loading, angle: float) -> dict[str, Any]:
    """Where other faces lie, and whose they are."""
    reference = reference_in_use(chosen, loading.embedder)
    return others_data(reference, any_of_kernel(chosen), angle)


def _shipped_for(chosen: View) -> tuple[str, dict[int, dict[str, float]]] | None:
    """The portrait's shipped numbers, where they are of what was chosen."""
    row = EMBEDDERS[SHIPPED_EMBEDDER]
    if (
        chosen.face != PORTRAIT_ID
        or chosen.recogniser not in (None, row.name)
        or chosen.protocol not in row.protocols
        or chosen.crop != defaults.CROP
    ):
        return None
    return shipped_curve(chosen.kernel, chosen.angle)


def _feed_shipped(chosen: View) -> None:
    """The portrait's shipped numbers, until the recogniser is there."""
    found = _shipped_for(chosen)
    if found is None:
        return
    data = curve_data(Curve(chosen.angle), found[1], view.settings_key(chosen))
    curve_feed(data, key="bd_shipped_feed")


def _draw_failure(loading: Loading) -> None:
    with st.container(key="bd-note"):
        st.error(sentence(loading.error), icon=":material/error:")
        with st.container(horizontal=True, gap="small"):
            label = EMBEDDERS[FALLBACK_EMBEDDER].label
            instead = loading.name != FALLBACK_EMBEDDER and clicked(
                f"Use {label}", key="bd_installed", type="primary"
            )
            again = clicked("Try again", key="bd_again")
    if instead:
        view.choose_recogniser(view.start(), FALLBACK_EMBEDDER)
        st.rerun()
    if again:
        recogniser.request(loading.name, loading.protocol, again=True)
        st.rerun()


def _loading_note(loading: Loading, chosen: View) -> None:
    """On the clean picture, where it moves nothing: what is under way, and how far it is."""
    with st.container(key="bd-note"):
        if loading.fraction is None:
            st.caption("The recogniser is being loaded; the picture is live already.")
        else:
            done, total = loading.downloaded or (0, 1)
            far = f"{done / 1e6:.0f} of {(total or 0) / 1e6:.0f} MB"
            st.progress(loading.fraction, f"Fetching the recogniser's weights: {far}")
        instead = loading.fetches and chosen.recogniser is not None and _instead(loading)
    if instead:
        # By the default rule the installed one answers until the other is here.
        is_rule = loading.name == DEFAULT_EMBEDDER
        view.choose_recogniser(view.start(), None if is_rule else FALLBACK_EMBEDDER)
        st.rerun()


def _instead(loading: Loading) -> bool:
    """Offers the installed recogniser while another is on its way; whether it is wanted."""
    label = EMBEDDERS[FALLBACK_EMBEDDER].label
    if loading.name == FALLBACK_EMBEDDER:
        return False
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        wanted = clicked(f"Use {label} meanwhile", key="bd_meanwhile", type="primary")
        if loading.name == DEFAULT_EMBEDDER:
            st.caption(f"{EMBEDDERS[DEFAULT_EMBEDDER].label} takes over when it is here.")
    return wanted


def _draw_controls(chosen: View, loading: Loading) -> None:
    face = session_faces().shown_face(chosen.face)
    position, ack = _position(chosen)
    view.take_position(chosen, position)
    rested, stale = _at_rest(chosen)
    in_use = face_in_use(chosen, loading.embedder)
    readout, message = None, ""
    try:
        readout = in_use.readout(
            chosen.change(), session=current_session(), still_wanted=view.still_wanted
        )
        message = sentence(readout.failure) if loading.embedder and readout.failure else ""
    except BlurdashError as error:
        message = sentence(str(error))
    known = in_use.known_of_curve(chosen.angle)
    readings = readings_of(chosen, readout.values, known) if readout else {}
    reference = reference_in_use(chosen, loading.embedder)
    data = controls_data(
        chosen,
        readout,
        ack=ack,
        rested=rested,
        key=view.settings_key(chosen),
        start=view.jumps(),
        eye_distance=face.face.eye_distance,
        source=face.face.frame.side if face.face.frame else None,
        doubt=sentence(face.face.doubt) if face.face.doubt else "",
        recogniser=_recogniser(chosen, loading, reference),
        same=_asked_by(face, loading, readout, reference),
        ready=loading.embedder is not None,
        message=message,
        readings=readings,
    )
    data["sentence"] = _sentence(chosen, loading, readout, readings)
    data["small_source"] = _small_source(face.face)
    data["reader"] = reader_data(chosen, face.face, loading.embedder if readout else None)
    here = rests_at(rested, chosen.position())
    data["address"] = view.address_of(chosen) if here else None
    controls(data, key=CONTROLS_KEY, position=position)
    if readout:
        at_rest = here or not rested
        serve_change(chosen, in_use, chosen.change(), key="bd_served", at_rest=at_rest)
    if stale:
        st.rerun()


def _sentence(
    chosen: View,
    loading: Loading,
    readout: Readout | None,
    readings: Mapping[str, BlurEquivalent],
) -> dict[str, object] | None:
    """What is said on top of the page; None until there are numbers."""
    if readout is None:
        return None
    face = session_faces().shown_face(chosen.face).face
    waiting = "missing" if loading.done.is_set() else "loading"
    return sentence_data(
        chosen,
        readout,
        readings,
        recogniser="ok" if loading.embedder else waiting,
        source=_small_source(face),
    )


def _small_source(face: Face) -> float | None:
    """Width of the face in its photo, px, where that is too small to say much."""
    return face.source if face.source < SMALLEST_SOURCE else None


def _at_rest(chosen: View) -> tuple[str, bool]:
    """Follows a hand that has come to rest: the view's mode, and the angle of the curve.

    Returns:
        The place that is seen to, as the browser wrote it; whether the curve is another now.
    """
    place = Sent.by(CONTROLS_KEY).text("rest") or ""
    parts = place.split(",")
    if len(parts) not in (PARTS_OF_A_PLACE, PARTS_OF_A_PLACE + 1):  # a number may follow
        return "", False
    angle, mode = parts[1], parts[PARTS_OF_A_PLACE - 1]
    if place != st.session_state.get("bd_rested"):
        if mode in view.MODES:
            chosen.mode = mode
        st.session_state["bd_rested"] = place
    drawn = st.session_state.get("bd_curve_angle")
    return place, rests_at(angle, [chosen.angle]) and drawn != chosen.angle


def _position(chosen: View) -> tuple[list[float], int]:
    """Where the sliders are, and the number of the request that said so."""
    pos = _sent_position()
    if pos is None or pos == st.session_state.get("bd_left_at"):  # Back has led elsewhere
        return chosen.position(), 0
    return pos[:4], int(pos[4])


def _sent_position() -> list[float] | None:
    """The last position that the browser sent, with its number; None where it has sent none."""
    sent = Sent.by(CONTROLS_KEY)
    moved = sent.numbers("pos", 5)
    rested = asked_at_rest(sent.text("rest") or "", 4, PARTS_OF_A_PLACE)
    if rested is None or (moved is not None and rested[-1] <= moved[-1]):
        return moved
    return rested


def _recogniser(chosen: View, loading: Loading, reference: Reference | None) -> dict[str, object]:
    """Which recogniser the numbers are of; the shipped ones' until the chosen one is there."""
    embedder = loading.embedder
    if embedder is not None:
        return recogniser_data(
            EMBEDDERS[embedder.name],
            chosen,
            note=embedder.note,
            remark=embedder.remark,
            reference=reference,
        )
    if not loading.done.is_set() and _shipped_for(chosen) is not None:
        return recogniser_data(EMBEDDERS[SHIPPED_EMBEDDER], chosen, shipped=True)
    return recogniser_data(None, chosen)


def _asked_by(
    face: ShownFace, loading: Loading, readout: Readout | None, reference: Reference | None
) -> tuple[EmbedderRow | None, Reference | None]:
    """By what "same person?" is asked; a doubtful face, or one that is not found, is not asked."""
    embedder = loading.embedder
    if embedder is None or readout is None or readout.failure or face.face.doubt:
        return None, None
    return EMBEDDERS[embedder.name], reference
