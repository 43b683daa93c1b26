"""Whatever a client sends in place of a component's value: the page is drawn and says nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from blurdash.ui.components.sent import Sent, is_number
from blurdash.ui.components.sliders import ARGUMENT_SLIDERS
from blurdash.ui.server import recogniser

APP = Path(__file__).parent.parent / "streamlit_app.py"
HUGE = int("7" * 400)
ODD: list[Any] = [
    None, True, 5, -1.5, math.nan, math.inf, HUGE, "", "x", "30,45", "\ud800", [], [[]], {},
    {"a": 1}, [1], [1, 2], [None] * 5, ["a"] * 5, [[1]] * 5, [{}] * 5, [True] * 5, [math.nan] * 5,
    [math.inf] * 5, [-math.inf] * 5, [HUGE] * 5, [1, 2, 3, 4, HUGE], [1, 2, 3, 4, "9"],
    [1, 2, 3, 4, None], [1, 2, 3, 4, 1.5], [1, 2, 3, 4, -1], [1] * 13, [HUGE] * 13,
    ["x", None, HUGE], ["vote", HUGE, 1], ["limit", HUGE, 2], ["choose", [[], {}], 3],
    ["choose", ["registration", []], 4],
    [[], [], []], "y" * 100_000,
]  # fmt: skip


@pytest.fixture(scope="module")
def app(dlib_embedder) -> AppTest:
    assert recogniser.request(None, "native").done.wait(60)
    return AppTest.from_file(APP, default_timeout=60).run()


def test_odd_values_change_nothing_on_explore(app: AppTest):
    before = app.session_state["bd_view"].position()
    for odd in ODD:
        for state in (odd, {"pos": odd, "rest": odd}):
            app.session_state["bd_controls"] = state
            app.session_state["bd_carrier"] = (
                {"said": odd}
                if state is odd
                else {"said": {"number": odd, "offer": odd, "piece": odd}}
            )
            app.run()
            assert not app.exception, repr(odd)[:80]
    numbers = app.session_state["bd_view"].position()
    assert all(math.isfinite(value) for value in numbers)
    # Of all of these only two are positions: each of their numbers is one.
    assert before != numbers


def argument() -> None:
    from blurdash.ui.argument.page import argument_page

    argument_page()


def test_odd_values_change_nothing_on_argument(dlib_embedder):
    assert recogniser.request(None, "native").done.wait(60)
    page = AppTest.from_function(argument, default_timeout=60).run()
    for odd in ODD:
        page.session_state["bd_argument"] = dict.fromkeys(
            ("pos", "rest", "scene", "act", "poll", "room"), odd
        )
        page.run()
        assert not page.exception, repr(odd)[:80]
    values = page.session_state["bd_story"].values
    assert all(row.low <= values[name] <= row.high for name, row in ARGUMENT_SLIDERS.items())


def test_only_finite_numbers_of_a_sensible_size_are_numbers():
    assert [one for one in ODD if is_number(one)] == [5, -1.5]
    assert Sent({"pos": (1, 2.5)}).numbers("pos", 2) == [1, 2.5]
    assert Sent({"act": ["vote", None, 1.5]}).act("act") is None
