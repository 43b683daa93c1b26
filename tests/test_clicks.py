"""A click is acted on once, though the run that was told of it ended before the button."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from blurdash.ui.components.clicks import clicked

    if st.session_state.pop("interrupt", False):
        st.rerun()
    if clicked("Go", key="go"):
        st.session_state["times"] = st.session_state.get("times", 0) + 1


@pytest.mark.parametrize("interrupted", [False, True])
def test_click_is_acted_on_once(interrupted):
    app = AppTest.from_function(page).run()
    assert "times" not in app.session_state
    app.session_state["interrupt"] = interrupted
    app.button(key="go").click().run()
    assert app.session_state["times"] == 1
    app.run()
    assert app.session_state["times"] == 1
