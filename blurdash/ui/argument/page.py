"""The Argument page: PSNR and SSIM against the face embedding, told scene by scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from blurdash.blur import Change
from blurdash.distance import DISTANCES, EMBEDDING
from blurdash.embed import EMBEDDERS, FALLBACK_EMBEDDER, label_of
from blurdash.errors import BlurdashError
from blurdash.flips import FLIP_PANELS
from blurdash.kernel import KERNELS
from blurdash.ui.argument.often import counts_of, counts_of_others
from blurdash.ui.argument.one_file_offer import MakeFile, offer_file
from blurdash.ui.argument.scene_data import circumstances, scene_data
from blurdash.ui.argument.searches import (
    SEARCH,
    angle_of,
    follow_search,
    start_search,
    wanted_kernel,
)
from blurdash.ui.argument.story import SCENES, Story, address_of_story, obey_back, tell
from blurdash.ui.argument.told import Counted, Told
from blurdash.ui.components.browser import argument, pack_stage, stage
from blurdash.ui.components.fragments import fragment
from blurdash.ui.components.sent import Sent, asked_at_rest, rests_at
from blurdash.ui.components.sliders import ARGUMENT_SLIDERS
from blurdash.ui.server import recogniser
from blurdash.ui.server.live import in_turn, somebody_waits
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.visitor import view
from blurdash.ui.visitor.face_in_use import SCENE_KEY, face_in_use, serve_change
from blurdash.ui.visitor.reader import reader_data
from blurdash.ui.visitor.recogniser_in_use import recogniser_in_use, touch
from blurdash.ui.visitor.reference_in_use import any_of_kernel, reference_in_use
from blurdash.ui.visitor.session import session_faces
from blurdash.ui.visitor.toolbar import toolbar
from blurdash.ui.visitor.view import View
from blurdash.ui.vote.ballot_box import BallotBox, base_for_phones
from blurdash.ui.vote.link import qr_data_url
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.disturb import Disturbance
    from blurdash.embed import Embedder
    from blurdash.ui.server.known_face import KnownFace
    from blurdash.ui.server.recogniser import Loading

__all__ = ["argument_page"]

ARGUMENT_KEY = "bd_argument"
USE_INSTALLED = "installed"  # what a browser asks for: the recogniser that is always there


def argument_page(make_file: MakeFile | None = None) -> None:
    """Draws the page.

    Args:
        make_file: Makes a page in one file; without it none is offered.
    """
    somebody_waits(current_session())
    chosen = view.start()
    obey_back(tell())
    view.obey_back(chosen)
    face = toolbar(chosen)
    loading = recogniser_in_use(chosen.recogniser, chosen.protocol)
    st.session_state["bd_page_knows"] = loading.done.is_set()
    # The pictures are drawn by the browser, from the clean face that it is sent once.
    stage(pack_stage({"kind": "feed", "face": face.id}, face.png()), key="bd_feed")
    # What a fragment is given, Streamlit keeps: never a face or anything made from one.
    fragment(_draw_scene)(chosen, loading, make_file)


def _draw_scene(chosen: View, loading: Loading, make_file: MakeFile | None) -> None:
    story = tell()
    sent = Sent.by(ARGUMENT_KEY)
    rest = sent.text("rest") or ""
    asked = asked_at_rest(rest, len(ARGUMENT_SLIDERS), len(ARGUMENT_SLIDERS))
    for position in (sent.numbers("pos", len(ARGUMENT_SLIDERS) + 1), asked):
        _take_position(story, position)
    ack = int(st.session_state.get("bd_story_seen", 0))
    box: BallotBox = st.session_state.setdefault("bd_ballot", BallotBox())
    _enter(story, box, sent.text("scene"))
    if _do(story, box, sent.act("act"), chosen):
        st.rerun()  # the whole page: its kernel is another now
    here = rests_at(rest, list(story.values.values()))
    kernel = story.kernel(chosen.kernel)
    own_curve = (
        asked is not None
        and KERNELS[kernel].drawn_in_browser
        and Sent.by(SCENE_KEY).text("drawn") != "server"  # it has given up since
    )
    told = _told(story, chosen, loading, box, at_rest=here, own_curve=own_curve)
    data = _data(story, chosen, told, ack=ack, rested=rest)
    argument(data, key=ARGUMENT_KEY, position=list(story.values.values()), scene=story.scene)
    if make_file is not None and story.scene == "take-home" and told.face is not None and here:
        offer_file(make_file, story, chosen.kernel, told.face.embedder.name)
    if told.known is not None and story.pictures():
        for place, change in enumerate(story.changes(kernel)):
            if isinstance(change, Change):
                key = f"bd_served_{place}"
                serve_change(chosen, told.known, change, key=key, at_rest=here)
    if told.known is not None:
        told.known.keep_only(told.owner, {SEARCH, *told.asked} if story.finding else told.asked)
    if loading.done.is_set() and not st.session_state.get("bd_page_knows"):
        st.rerun()  # the toolbar says which recogniser it is


def _take_position(story: Story, pos: Sequence[float] | None) -> None:
    """Takes over where the sliders are, unless they have jumped since it was sent."""
    if pos is None:
        return
    number = int(pos[-1])
    if number > int(st.session_state.get("bd_story_seen", 0)):
        st.session_state["bd_story_seen"] = number
        story.take_position(pos[:-1])
        touch()


def _enter(story: Story, box: BallotBox, scene: str | None) -> None:
    """Goes to the scene that the browser asks for, once, where there is such a one."""
    if scene == st.session_state.get("bd_scene_asked"):
        return  # seen to: since then Back may have led to another
    st.session_state["bd_scene_asked"] = scene
    name = (scene or "").partition("#")[0]  # a number follows, so that each asking is another
    if name not in SCENES or name == story.scene:
        return
    touch()
    story.scene = name
    story.note, story.finding, story.twin = "", "", None
    if name != "two-pictures":
        story.reveal()  # whoever goes on has ended the vote
        box.reveal()


def _do(story: Story, box: BallotBox, act: tuple[str, object, int] | None, chosen: View) -> bool:
    """Does what the browser asked for, once; what it is about may still be anything.

    Returns:
        Whether a setting of the page is another now.
    """
    if act is None:
        return False
    name, argument_of, number = act
    if number <= story.acted:
        return False
    story.acted = number
    touch()
    if name == "vote":
        box.cast(argument_of)
    elif name == "reveal":
        story.reveal()
        box.reveal()
    elif name == "round":
        story.swap()
        box.new_round()
    elif name == "hands":
        box.count_hands(argument_of)
    elif name == "phones":
        box.open()
    elif name == "crowd":
        box.leave_out(argument_of)
    elif name == USE_INSTALLED and chosen.recogniser != FALLBACK_EMBEDDER:
        view.choose_recogniser(chosen, FALLBACK_EMBEDDER)
        return True
    elif name == "limit":
        story.choose_limit(argument_of)
    elif name == "choose" and isinstance(argument_of, list) and len(argument_of) == 2:
        story.choose(*argument_of)
    else:
        start_search(story, name)
        return _take_kernel(story, chosen, wanted_kernel(name, chosen.kernel))
    return False


def _take_kernel(story: Story, chosen: View, kernel: str) -> bool:
    """Gives the page the kernel that a search needs; the blur keeps its direction."""
    if kernel == chosen.kernel:
        return False
    story.jump(angle=angle_of(story, chosen.kernel, kernel))
    view.choose_kernel(chosen, kernel)
    story.kernel_changed = True
    return True


def _told(
    story: Story,
    chosen: View,
    loading: Loading,
    box: BallotBox,
    *,
    at_rest: bool,
    own_curve: bool,
) -> Told:
    """Everything that is known of the scene."""
    shows = replace(chosen, kernel=story.kernel(chosen.kernel))
    told = Told(
        story=story,
        kernel=shows.kernel,
        crop=chosen.crop,
        box=box,
        at_rest=at_rest,
        own_curve=own_curve,
        owner=current_session(),
    )
    shown = session_faces().shown_face(chosen.face)
    told.circumstances = circumstances(
        _recogniser_now(loading), shows.protocol, shows.crop, shows.kernel, shown.label
    )
    told.counted, told.others = _counted(chosen, loading.embedder)
    if shown.face.doubt:
        told.doubt = sentence(shown.face.doubt)
    if loading.embedder is None:
        if loading.error:
            _tell_pixels(told, shows, sentence(loading.error))
            if story.scene == "sceptic" and story.other and loading.name:
                _ask_other(told, shows, loading.name)
        return told
    told.face = face_in_use(shows, loading.embedder)
    told.recogniser = label_of(loading.embedder)
    told.recognisers = told.recogniser, EMBEDDERS[_other(loading.embedder.name)].label
    follow_search(story, told.face, shows.kernel, told.owner)
    under = (shown.id, *_settings_of(shows, loading.embedder))
    _drop_other_twins(story, under)
    try:
        told.values = _measured(told.face, story.changes(shows.kernel))
        told.reader = reader_data(chosen, shown.face, loading.embedder)
    except BlurdashError as error:
        told.problem = sentence(str(error))
    _look_for_flip(story, told.values, under)
    if story.scene == "sceptic" and story.other:
        _ask_other(told, shows, loading.embedder.name)
    return told


def _look_for_flip(
    story: Story, values: Sequence[Mapping[str, float]] | None, under: tuple[str, ...]
) -> None:
    """Looks for blurs that make the point, where those that the scene opens on do not.

    Once under every setting: a search that was left for another scene begins anew.
    """
    if story.scene != "angle" or story.finding:
        return
    sought: set[tuple[str, ...]] = st.session_state.setdefault("bd_angle_sought", set())
    if story.note:
        sought.add(under)
    if under in sought or values is None or not story.blurs_as_at_first():
        return
    if values[0][EMBEDDING] <= values[1][EMBEDDING]:
        start_search(story, "angle")


def _counted(chosen: View, embedder: Embedder | None) -> tuple[Counted | None, list[Counted]]:
    """How often it is so over other faces: by the recogniser in use, and by others."""
    if embedder is None:
        plain = tuple(name for name in FLIP_PANELS if name not in DISTANCES)
        counted = counts_of(any_of_kernel(chosen), plain)
    else:
        counted = counts_of(reference_in_use(chosen, embedder), FLIP_PANELS)
    in_use = embedder.name if embedder else ""
    there = references_at_hand().found
    return counted, counts_of_others(there, in_use, chosen.kernel, chosen.crop)


def _settings_of(chosen: View, embedder: Embedder) -> tuple[str, ...]:
    return embedder.name, embedder.protocol, chosen.kernel, chosen.crop


def _drop_other_twins(story: Story, under: tuple[str, ...]) -> None:
    """Lets go of twins of another face or setting: their numbers would stand beside others."""
    if story.twin is not None and story.twin.setdefault("under", under) != under:
        story.twin, story.note = None, ""


def _tell_pixels(told: Told, chosen: View, problem: str) -> None:
    """What needs no recogniser, where there is none; and why there is none."""
    told.problem = problem
    told.pixels = face_in_use(chosen, None)
    if chosen.recogniser is not None:
        names = chosen.recogniser, _other(chosen.recogniser)
        told.recognisers = EMBEDDERS[names[0]].label, EMBEDDERS[names[1]].label
    try:
        measured = _measured(told.pixels, told.story.changes(chosen.kernel))
        told.values = tuple(_without_embedding(values) for values in measured)
    except BlurdashError as error:
        told.problem = sentence(str(error))


def _without_embedding(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name not in DISTANCES}


def _measured(
    face: KnownFace, changes: Sequence[Change | Disturbance]
) -> tuple[dict[str, float], ...]:
    return in_turn(
        lambda: tuple(face.quick(change) for change in changes),
        session=current_session(),
        still_wanted=view.still_wanted,
    )


def _ask_other(told: Told, chosen: View, in_use: str) -> None:
    """The recogniser that is not in use, for the sceptic."""
    name = _other(in_use)
    protocol = chosen.protocol if chosen.protocol in EMBEDDERS[name].protocols else "native"
    loading = recogniser.request(name, protocol)
    told.recogniser = recogniser.label_now(name, protocol)
    told.face = face_in_use(chosen, loading.embedder) if loading.embedder else None
    if loading.error:
        told.problem = sentence(loading.error)


def _other(in_use: str) -> str:
    """The sceptic's other recogniser: of those not in use the one with least to fetch."""
    others = [row for row in EMBEDDERS.values() if row.name != in_use]
    return min(others, key=lambda row: row.download_mb).name


def _data(story: Story, chosen: View, told: Told, *, ack: int, rested: str) -> dict[str, Any]:
    """What ``frontend/pages/argument.js`` draws."""
    address = address_of_story(story, view.settings_entries(chosen)) if told.at_rest else None
    return {
        **scene_data(told),
        "ack": ack,
        "acted": story.acted,
        "start": story.start,
        "rested": rested,
        "address": address,
        "code": _code_of(address) if story.scene == "take-home" else None,
        "remedy": _remedy(told),
    }


def _code_of(address: str | None) -> str | None:
    """A QR code of the story's own address; None where no phone can open it."""
    base = base_for_phones()
    if base is None or address is None:
        return None
    return qr_data_url(f"{base}/argument?{address}", "QR code of this story's address")


def _remedy(told: Told) -> dict[str, str] | None:
    """Where the chosen recogniser is missing: the one that is always there, in one press."""
    if told.pixels is None:
        return None
    label = EMBEDDERS[FALLBACK_EMBEDDER].label
    hint = "Chooses the recogniser that comes with the installed packages"
    return {"act": USE_INSTALLED, "label": f"Use {label}", "hint": hint}


def _recogniser_now(loading: Loading) -> str:
    if loading.embedder is not None:
        return label_of(loading.embedder)
    return "missing" if loading.error else "none yet"
