"""A visitor's faces: held for that session alone, in memory, released when it ends."""

from __future__ import annotations

import contextlib
import functools
import gc
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from blurdash.portrait import PORTRAIT_NAME, portrait_face
from blurdash.ui.live import stop_filling

if TYPE_CHECKING:
    from blurdash.canvas import Picture
    from blurdash.face import Face
    from blurdash.ui.argument_face import ArgumentFace
    from blurdash.ui.live import Curve, LiveFace
    from blurdash.ui.sweep_jobs import SweepJob

__all__ = [
    "FACES_KEPT",
    "PORTRAIT_ID",
    "Faces",
    "ShownFace",
    "current_session",
    "encoded",
    "session_faces",
]

PORTRAIT_ID = "portrait"
ARGUMENTS_KEPT = 3
LIVE_FACES_KEPT = 4
# Less than server.disconnectedSessionTTL: a tab that only lost its connection is back by then.
GRACE_SECONDS = 5.0
# More than once: a run that was under way, or a computation, lets go of a face a little later.
COLLECT_AFTER_SECONDS = (1.0, 6.0, 20.0)
FACES_KEPT = 12


def current_session() -> str:
    """Returns the id of the session that runs this script; empty outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


@dataclass
class ShownFace:
    """A face that can be chosen on the page.

    Attributes:
        id: ``portrait``, or a random word that means nothing elsewhere.
        label: What a person reads; never a file name.
        face: The face.
    """

    id: str
    label: str
    face: Face

    def png(self) -> bytes:
        """The clean canvas as PNG, made once."""
        if self._png is None:
            self._png = encoded(self.face.canvas)
        return self._png

    _png: bytes | None = None


@functools.cache
def _portrait() -> ShownFace:
    """The built-in portrait; it belongs to nobody, so every session shows the same one."""
    return ShownFace(PORTRAIT_ID, PORTRAIT_NAME, portrait_face())


@dataclass
class Faces:
    """Everything a session knows of its visitor's photos."""

    shown: dict[str, ShownFace] = field(default_factory=dict)
    live: dict[tuple[str, ...], LiveFace] = field(default_factory=dict)
    arguments: dict[tuple[str, ...], ArgumentFace] = field(default_factory=dict)
    job: SweepJob | None = None
    curve: Curve | None = None
    photos: int = 0
    taken: object = None  # number of the sending that was taken in last
    choose: str = ""  # id of the face to show next
    visit: str = field(default_factory=lambda: secrets.token_hex(4))
    session: str = field(default_factory=current_session)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add_photo(self, faces: list[Face]) -> list[ShownFace]:
        """Adds the faces of one photo, the largest first."""
        self.photos += 1
        added = []
        for number, face in enumerate(faces, start=1):
            several = f", face {number}" if len(faces) > 1 else ""
            one = ShownFace(secrets.token_hex(6), f"Photo {self.photos}{several}", face)
            self.shown[one.id] = one
            added.append(one)
        for old in list(self.shown)[: max(0, len(self.shown) - FACES_KEPT)]:
            del self.shown[old]
        return added

    def forget(self) -> None:
        """Drops every photo and all that was computed from it."""
        if self.job is not None:
            self.job.cancel()
        self.job = None
        self.curve = None
        stop_filling(self.session)
        if self.shown:
            _collect_soon()
        self.shown.clear()
        self.live.clear()
        for argument in self.arguments.values():
            argument.drop()
        self.arguments.clear()
        self.photos = 0

    def choices(self) -> list[ShownFace]:
        """The built-in portrait first, then the visitor's faces."""
        return [_portrait(), *self.shown.values()]

    def shown_face(self, name: str) -> ShownFace:
        """Returns the face with this id, the portrait where there is none any more."""
        return self.shown.get(name) or self.choices()[0]

    def keep_argument(self, key: tuple[str, ...], argument: ArgumentFace) -> ArgumentFace:
        """Keeps what the Argument page knows of a face, the last few settings of it."""
        self.arguments[key] = argument
        while len(self.arguments) > ARGUMENTS_KEPT:
            self.arguments.pop(next(iter(self.arguments))).drop()
        return argument

    def keep_live(self, key: tuple[str, ...], live: LiveFace) -> LiveFace:
        """Keeps a face's readouts, the last few settings of them."""
        self.live[key] = live
        while len(self.live) > LIVE_FACES_KEPT:
            del self.live[next(iter(self.live))]
        return live


def _released(faces: Faces) -> None:
    """Drops a closed tab's photos, and soon after all else that Streamlit keeps of its session."""
    faces.forget()
    timer = threading.Timer(GRACE_SECONDS, _close_session, [faces.session])
    timer.daemon = True
    timer.start()


def _close_session(session: str) -> None:
    """Closes a session that has not come back.

    On an idle server Streamlit would keep the last one for ever, with whatever its script left in
    it. There is no public call for this, so it is done as its own server does it, and where that
    has changed, Streamlit's own time-out is what remains.
    """
    if not Runtime.exists():
        return
    runtime = Runtime.instance()
    with contextlib.suppress(AttributeError, RuntimeError):
        loop = runtime._get_async_objs().eventloop
        loop.call_soon_threadsafe(_close_if_gone, runtime, session)
    _collect_soon()


def _collect_soon() -> None:
    """Lets go of what only refers to itself: an idle server never gets round to it alone."""
    for wait in COLLECT_AFTER_SECONDS:
        timer = threading.Timer(wait, gc.collect)
        timer.daemon = True
        timer.start()


def _close_if_gone(runtime: Runtime, session: str) -> None:
    if not runtime.is_active_session(session):
        runtime.close_session(session)


@st.cache_resource(scope="session", on_release=_released, show_spinner=False)
def session_faces() -> Faces:
    """Returns this session's faces; Streamlit releases them when the tab is closed."""
    return Faces()


def encoded(picture: Picture) -> bytes:
    """Returns a picture as PNG, lossless; quick rather than small.

    Args:
        picture: uint8 RGB ``(H, W, 3)``.
    """
    _, data = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return data.tobytes()
