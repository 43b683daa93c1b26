"""What a component's browser has sent, in the form that was asked for, or not at all.

Any client may send anything in place of what our scripts send: words for numbers, numbers of 400
digits, a list for an object. It is looked at here and nowhere else; what is not in form counts as
not sent, so that it neither reaches a computation nor a log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

import streamlit as st

from blurdash.values import is_real, is_whole

__all__ = ["Sent", "asked_at_rest", "is_number", "rests_at"]

LARGEST = 2**53  # up to this, JavaScript's numbers are whole ones
LONGEST = 400  # characters; our longest text is a place of twelve sliders


class Sent:
    """The state of a component as its browser sent it.

    Args:
        state: What ``st.session_state`` holds for the component's key.

    Example:
        >>> sent = Sent({"pos": [30, 45.5, "x"], "rest": "30,45", "number": True})
        >>> sent.numbers("pos", 2), sent.text("rest"), sent.whole("number")
        (None, '30,45', None)
        >>> Sent({"pos": [30, 45.5]}).numbers("pos", 2)
        [30, 45.5]
        >>> Sent("nonsense").text("rest") is None
        True
    """

    def __init__(self, state: object) -> None:
        self._state: Mapping[str, object] = state if isinstance(state, Mapping) else {}

    @classmethod
    def by(cls, key: str) -> Sent:
        """Returns what the component with this key has sent."""
        return cls(st.session_state.get(key))

    def numbers(self, name: str, count: int) -> list[float] | None:
        """Returns so many finite numbers; None where something else came."""
        value = self._state.get(name)
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
            return None
        return list(value) if all(is_number(one) for one in value) else None

    def whole(self, name: str) -> int | None:
        """Returns a whole number; None where something else came."""
        value = self._state.get(name)
        return value if is_number(value) and is_whole(value) else None

    def text(self, name: str) -> str | None:
        """Returns a short text; None where something else came."""
        value = self._state.get(name)
        return value if isinstance(value, str) and len(value) <= LONGEST else None

    def piece(self, name: str) -> object:
        """Returns whatever came; for a reader that holds it in form itself, part by part."""
        return self._state.get(name)

    def inner(self, name: str) -> Sent:
        """Returns an object inside; empty where something else came."""
        return Sent(self._state.get(name))

    def act(self, name: str) -> tuple[str, object, int] | None:
        """Returns what was asked for: a word, what it is about, and a number that only grows."""
        value = self._state.get(name)
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 3:
            return None
        word, about, number = value
        if not isinstance(word, str) or not (is_number(number) and is_whole(number)):
            return None
        return word, about, number


def is_number(value: object) -> TypeGuard[float]:
    """Whether this is a finite number of a size that a page can mean; True is none."""
    return is_real(value) and -LARGEST <= value <= LARGEST


def rests_at(rested: str, position: Sequence[float]) -> bool:
    """Whether a place of rest, as a browser wrote it, is a position; it writes numbers its own way.

    Example:
        >>> rests_at("30,45,3.14159265,0,side", [30, 45.0, 3.14159265, 0.0])
        True
    """
    try:
        return [float(text) for text in rested.split(",")[: len(position)]] == list(position)
    except ValueError:
        return False


def asked_at_rest(rested: str, count: int, parts: int) -> list[float] | None:
    """Returns the position that a place of rest asks about, and the question's number.

    A browser that finds numbers itself asks for them only where its hand rests: then a number
    follows the parts of the place.

    Args:
        rested: The place, as a browser wrote it.
        count: How many of its parts are the position's numbers.
        parts: How many it has.

    Returns:
        ``count`` numbers and one more; None where it is no question.

    Example:
        >>> asked_at_rest("30,45.5,side,7", 2, 3), asked_at_rest("30,45.5,side", 2, 3)
        ([30.0, 45.5, 7.0], None)
        >>> asked_at_rest("30,x,side,7", 2, 3), asked_at_rest("30,nan,side,7", 2, 3)
        (None, None)
    """
    *place, number = rested.split(",")
    if len(place) != parts:
        return None
    try:
        asked = [float(text) for text in (*place[:count], number)]
    except ValueError:
        return None
    return asked if all(is_number(one) for one in asked) else None
