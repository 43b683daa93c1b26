"""The page's address: what is looked at, so that a link opens it and Back returns to it.

The browser writes it (``keepAddress`` in address.js) in place of what stood there: while a hand
moves, no entry is added to the history; a change of page adds one. Anybody may write anything into
an address; what makes no sense is left out, and that is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

__all__ = ["NOTE_KEY", "OWN_PHOTO", "Reader", "note", "query_of"]

# What stands for a visitor's own face: in no address is anything of it.
OWN_PHOTO = "photo"
NOTE_KEY = "bd_link_note"
SHOWN = 24  # characters of what somebody wrote


class Reader:
    """Reads entries of an address and notes those that make no sense.

    Args:
        entries: Names and texts, as ``st.query_params`` has them.

    Attributes:
        odd: The entries that were left out, as text.

    Example:
        >>> reader = Reader({"degree": "1e999", "angle": "30", "kernel": "box"})
        >>> reader.number("degree", 0, 100, 30), reader.number("angle", -180, 180, 45)
        (30, 30.0)
        >>> reader.known("kernel", {"line": 1}, "line"), reader.odd
        ('line', ['degree=1e999', 'kernel=box'])
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = entries
        self.odd: list[str] = []

    def number(self, name: str, low: float, high: float, otherwise: float) -> float:
        """Returns a number from a range, the default where there is none."""
        return self._number(name, self._entries.get(name), low, high, otherwise)

    def numbers(self, name: str, count: int, low: float, high: float) -> list[float]:
        """Returns several numbers with commas between them, zeros where there are none."""
        text = self._entries.get(name)
        if text is None:
            return [0.0] * count
        parts = text.split(",")
        if len(parts) != count:
            self._leave_out(name, text)
            return [0.0] * count
        found = [self._number(name, part, low, high, math.nan) for part in parts]
        return [0.0] * count if any(math.isnan(one) for one in found) else found

    def known(self, name: str, table: Mapping[str, object], otherwise: str) -> str:
        """Returns a key of a table, the default where it is none."""
        text = self._entries.get(name)
        if text is None or text in table:
            return otherwise if text is None else text
        self._leave_out(name, text)
        return otherwise

    def names(self, *entries: str) -> bool:
        """Whether any of these entries is there, also one that makes no sense."""
        return any(name in self._entries for name in entries)

    def text(self, name: str) -> str:
        """Returns what stands there, empty where nothing does."""
        return self._entries.get(name, "")

    def _number(
        self, name: str, text: str | None, low: float, high: float, otherwise: float
    ) -> float:
        if text is None:
            return otherwise
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if low <= value <= high:
            return value
        self._leave_out(name, text)
        return otherwise

    def _leave_out(self, name: str, text: str) -> None:
        plain = "".join(sign for sign in text if sign.isalnum() or sign in " .,+-_")[:SHOWN]
        entry = f"{name}={plain}"
        if entry not in self.odd:
            self.odd.append(entry)


def note(reader: Reader, *, with_photo: bool = False, more: bool = False) -> None:
    """Keeps what is to be said of an address that was opened.

    Args:
        reader: What has read it.
        with_photo: Whether it was made while somebody's own photo was shown.
        more: Whether it stands beside what another reader of the same address had to say.
    """
    before = st.session_state.get(NOTE_KEY, "") if more else ""
    said = [before] if before else []
    if with_photo:
        said.append(
            "This link was made with a photo, which stays with its owner: the portrait stands in "
            "for it."
        )
    if reader.odd:
        said.append(f"Left out of this link, for it makes no sense: {', '.join(reader.odd)}.")
    st.session_state[NOTE_KEY] = " ".join(said)


def query_of(entries: Mapping[str, str]) -> str:
    """Returns entries as they stand in an address.

    Example:
        >>> query_of({"degree": "30", "shift": "2.5,-1"})
        'degree=30&shift=2.5%2C-1'
    """
    return urlencode(entries)
