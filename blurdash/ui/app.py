"""Navigation over the pages, and what all of them share."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Any

import streamlit as st

from blurdash.ui.argument.one_file_offer import MakeFile
from blurdash.ui.argument.page import argument_page
from blurdash.ui.components.scripts import FRONTEND
from blurdash.ui.components.style import page_style
from blurdash.ui.explore.page import explore_page
from blurdash.ui.method.page import method_page
from blurdash.ui.server.known_face import end_long_work
from blurdash.ui.server.recogniser import offer_own
from blurdash.ui.server.sign_in import closed_door, sign_out_choice
from blurdash.ui.server.streamlit_inside import current_session
from blurdash.ui.sweeps.page import sweeps_page
from blurdash.ui.visitor.intake import photo_carrier

__all__ = ["run"]

ARGUMENT = "argument"  # that page's address
ICON = FRONTEND / "pages" / "icon.png"


def run(make_file: MakeFile | None = None) -> None:
    """Draws the chosen page; Streamlit calls this anew for every interaction.

    Args:
        make_file: Makes a page in one file, as ``blurdash.page_file.page_file`` does, which lies
            above the pages; without it none is offered.
    """
    st.set_page_config(
        page_title="blurdash",
        page_icon=str(ICON),  # a named icon would be fetched from another host
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    _check_settings()
    offer_own()  # before any list of recognisers is drawn
    door = closed_door()
    explore = st.Page(explore_page, title="Explore", url_path="explore", default=True)
    pages = [
        explore,
        st.Page(functools.partial(argument_page, make_file), title="Argument", url_path=ARGUMENT),
        st.Page(
            functools.partial(sweeps_page, functools.partial(st.switch_page, explore)),
            title="Sweeps",
            url_path="sweeps",
        ),
        st.Page(method_page, title="Method", url_path="method"),
    ]
    page = st.navigation(pages, position="hidden" if door else "top")
    if page.url_path != ARGUMENT:
        end_long_work(current_session())  # only that page has any, and it is left
    page_style()
    if door:
        door()
    else:
        page.run()
        _tabs(pages, page)
        photo_carrier()  # after it: a link is read by then
        sign_out_choice()


def _tabs(pages: Sequence[Any], here: Any) -> None:
    """The pages once more, at the foot, where a thumb reaches them; shown on phones and tablets."""
    with st.container(horizontal=True, key="bd-pages"):
        for i, one in enumerate(pages):
            with st.container(
                key="bd-page-here" if one.url_path == here.url_path else f"bd-page-{i}"
            ):
                st.page_link(one, label=one.title)


@functools.cache
def _check_settings() -> None:
    """Says so, once, where a setting that costs every visitor was missed."""
    if st.get_option("runner.postScriptGC"):
        logging.getLogger("blurdash").warning(
            "runner.postScriptGC is on: every moved slider then waits for a full garbage "
            "collection; start Streamlit in the project's folder, or set it to false"
        )
