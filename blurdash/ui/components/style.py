"""The look that the pages share, beyond what ``.streamlit/config.toml`` says."""

from __future__ import annotations

import functools

import streamlit as st

from blurdash.ui.components.scripts import style_sheet

__all__ = ["page_style", "theme"]


def page_style() -> None:
    """Adds the shared style sheets to the page."""
    st.html(_sheets())


def theme() -> str:
    """Returns which theme the visitor looks at: ``light`` or ``dark``."""
    return "dark" if st.context.theme.type == "dark" else "light"


@functools.cache
def _sheets() -> str:
    return f"<style>{style_sheet('pages/tokens.css', 'pages/page.css')}</style>"
