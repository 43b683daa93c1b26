"""Buttons whose click is not lost.

Streamlit tells a script of a click in one run only. Where another request ends that run before it
has come to the button, the click is gone. A callback runs before anything can end the run, so it
writes the click down, and the script strikes it out when it acts on it.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

__all__ = ["clicked"]


def clicked(label: str, *, key: str, **options: Any) -> bool:
    """Draws a button.

    Args:
        label: What it says.
        key: Its key, which no other button has.
        **options: What else ``st.button`` takes.

    Returns:
        Whether it was clicked since this was last true.
    """
    st.button(label, key=key, on_click=_write_down, args=(key,), **options)
    return bool(st.session_state.pop(_place(key), False))


def _write_down(key: str) -> None:
    st.session_state[_place(key)] = True


def _place(key: str) -> str:
    return f"{key}_clicked"
