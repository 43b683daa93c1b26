"""When a visit ends: what belongs to a visitor is emptied when the tab is gone, and not before.

A visitor's state lies in ``st.session_state``, which only that session can empty. Streamlit says
nothing when a session ends; but it lets go of a session's caches at that moment, and calls back.
That is the bell here. It also rings when a connection is lost for a second, and when a stranger
has everybody's caches emptied, so it only makes somebody look: a session that is still there, or
is there again after the grace, keeps everything.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from blurdash.ui.server.memory import give_back_soon
from blurdash.ui.server.streamlit_inside import (
    close_session,
    in_servers_thread,
    is_active_session,
)

__all__ = ["GRACE_SECONDS", "hang_bell"]

# Less than server.disconnectedSessionTTL: a tab that only lost its connection is back by then.
GRACE_SECONDS = 10.0


@dataclass(eq=False)
class Bell:
    """Rings when a session may have ended.

    Attributes:
        session: The session's id.
        empty: Empties what the session holds.
    """

    session: str
    empty: Callable[[], None]


_newest: dict[str, Bell] = {}  # by session: only the bell that was hung last is listened to


def hang_bell(session: str, empty: Callable[[], None]) -> None:
    """Sees to it that a session has a bell; every run of a page calls this.

    Args:
        session: The session that runs this script.
        empty: What to do when it has ended; called once or more, from the server's own thread.
    """
    _newest[session] = _bell(session, empty)


def _rung(bell: Bell) -> None:
    _look_later(bell)


@st.cache_resource(scope="session", on_release=_rung, show_spinner=False)
def _bell(session: str, _empty: Callable[[], None]) -> Bell:
    return Bell(session, _empty)


def _look_later(bell: Bell) -> None:
    timer = threading.Timer(GRACE_SECONDS, _look, [bell])
    timer.daemon = True
    timer.start()


def _look(bell: Bell) -> None:
    in_servers_thread(functools.partial(_end_if_gone, bell))


def _end_if_gone(bell: Bell) -> None:
    if _newest.get(bell.session) is not bell:
        return  # another hangs in its place
    if is_active_session(bell.session):
        # Only the bell was torn down. The next run of the page hangs another; a visitor who rests
        # has none until then, so somebody goes on looking.
        _look_later(bell)
        return
    del _newest[bell.session]
    # Closing alone does not free what the last session's script left in it, so that comes first.
    bell.empty()
    close_session(bell.session)
    give_back_soon()
