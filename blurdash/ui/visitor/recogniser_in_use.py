"""Which recogniser the page shows: while weights come down, the one that is installed answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from blurdash.embed import EMBEDDERS, FALLBACK_EMBEDDER, label_of
from blurdash.ui.components.clicks import clicked
from blurdash.ui.components.fragments import fragment
from blurdash.ui.server import recogniser
from blurdash.ui.visitor.session import session_faces

if TYPE_CHECKING:
    from blurdash.ui.server.recogniser import Loading

__all__ = ["recogniser_in_use", "stands_in", "tell_of_better", "touch"]

POLL_SECONDS = 1.0
STOOD_IN = "bd_stood_in"  # whether the installed one answered in place of the one that is wanted
TOUCHED = "bd_touched"


def recogniser_in_use(name: str | None, protocol: str) -> Loading:
    """Returns the recogniser that the page is to show.

    Conventions:
        A recogniser that was chosen is waited for. Where none was, the rule's own is taken as soon
        as it is there; while its weights come down the installed one answers, and goes on answering
        where somebody has touched the page by then: numbers do not change under a hand.

    Args:
        name: Key of ``EMBEDDERS``, or None for the default rule.
        protocol: Key of ``PROTOCOLS``.
    """
    wanted = recogniser.request(name, protocol)
    if name is not None or protocol not in EMBEDDERS[FALLBACK_EMBEDDER].protocols:
        return wanted
    if not wanted.done.is_set():
        if not wanted.fetches:
            return wanted
        st.session_state[STOOD_IN] = True
        return recogniser.request(FALLBACK_EMBEDDER, protocol)
    if _is_better(wanted) and stands_in() and _is_touched():
        return recogniser.request(FALLBACK_EMBEDDER, protocol)
    st.session_state.pop(STOOD_IN, None)
    return wanted


def stands_in() -> bool:
    """Whether the installed recogniser answers in place of the one that the rule is waiting for."""
    return bool(st.session_state.get(STOOD_IN))


def _is_better(wanted: Loading) -> bool:
    """Whether the rule has come to another recogniser than the installed one."""
    return wanted.embedder is not None and wanted.embedder.name != FALLBACK_EMBEDDER


def touch() -> None:
    """Notes that somebody has moved something on a page."""
    st.session_state[TOUCHED] = True


def _is_touched() -> bool:
    return bool(st.session_state.get(TOUCHED)) or bool(session_faces().shown)


def tell_of_better(protocol: str) -> None:
    """Says, while the installed recogniser stands in, how far the other one is, and offers it.

    Args:
        protocol: Key of ``PROTOCOLS``.
    """
    recogniser_in_use(None, protocol)  # it may have come by now
    if stands_in():
        fragment(_tell, every=POLL_SECONDS)(protocol)


def _tell(protocol: str) -> None:
    wanted = recogniser.request(None, protocol)
    if not wanted.done.is_set():
        done, total = wanted.downloaded or (0, None)
        far = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else "on its way"
        st.caption(f"FaceNet: {far}", help=STANDS_IN)
        return
    if not _is_better(wanted) or not _is_touched() or wanted.embedder is None:
        st.rerun()  # it is taken, or why it is not is said
    label = label_of(wanted.embedder)
    if clicked(
        f"Use {label}",
        key="bd_use_better",
        type="primary",
        help=f"{label} is here now. {STANDS_IN}",
    ):
        st.session_state.pop(STOOD_IN, None)
        st.rerun()


STANDS_IN = (
    f"The numbers on screen are of {EMBEDDERS[FALLBACK_EMBEDDER].label}, which is installed."
)
