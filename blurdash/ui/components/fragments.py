"""Parts of a page that run by themselves, each in a place where it can displace nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

__all__ = ["fragment"]


def fragment(draw: Callable[..., None], *, every: float | None = None) -> Callable[..., None]:
    """Makes of a function a part of the page that its own widgets run without the rest.

    Where such a run begins before what the page's run has drawn of the same part is sent,
    Streamlit drops the latter, and its browser script takes the part for gone: what stands after
    it in the same container moves up, and is hidden when the part comes back in its place. So each
    part has a container of its own.

    Args:
        draw: Draws the part. What it is given, Streamlit keeps: never a face or what is made of it.
        every: After how many seconds it is run again; None for only when a widget of it moves.

    Example::

        fragment(draw_progress, every=1.0)(job)
    """
    part = st.fragment(draw, run_every=every)  # noqa: TID251 - here it is

    def draw_in_its_place(*args: Any, **named: Any) -> None:
        with st.container():
            part(*args, **named)

    return draw_in_its_place
