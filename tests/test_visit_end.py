"""A visitor's state ends with the tab: not with a lost second, and not by a stranger's wish."""

from __future__ import annotations

import pytest

from blurdash.ui.visitor import visit_end
from blurdash.ui.visitor.visit_end import Bell


class Server:
    """Streamlit's server, as far as the bell knows it, with timers that are wound by hand."""

    def __init__(self) -> None:
        self.active, self.closed, self.timers = {"one"}, list[str](), list[Bell]()

    def is_active(self, session: str) -> bool:
        return session in self.active

    def later(self, bell: Bell) -> None:
        self.timers.append(bell)

    def ten_seconds_pass(self) -> None:
        timers, self.timers = self.timers, []
        for bell in timers:
            visit_end._look(bell)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(visit_end, "is_active_session", server.is_active)
    monkeypatch.setattr(visit_end, "close_session", server.closed.append)
    monkeypatch.setattr(visit_end, "_look_later", server.later)
    monkeypatch.setattr(visit_end, "give_back_soon", lambda: None)
    monkeypatch.setattr(visit_end, "_newest", {})
    return server


@pytest.fixture
def emptied() -> list[str]:
    return []


@pytest.fixture
def bell(server: Server, emptied: list[str]) -> Bell:
    bell = Bell("one", lambda: emptied.append("one"))
    visit_end._newest["one"] = bell
    return bell


def test_a_closed_tab_is_emptied_and_its_session_closed(server, bell, emptied):
    server.active.clear()
    visit_end._rung(bell)
    assert emptied == []
    server.ten_seconds_pass()
    assert (emptied, server.closed, visit_end._newest) == (["one"], ["one"], {})


def test_a_lost_second_keeps_everything(server, bell, emptied):
    server.active.clear()
    visit_end._rung(bell)
    server.active.add("one")
    server.ten_seconds_pass()
    assert (emptied, server.closed) == ([], [])


def test_a_torn_down_bell_goes_on_looking_until_another_hangs(server, bell, emptied):
    visit_end._rung(bell)  # a stranger has had the caches emptied; the visitor rests
    for _ in range(3):
        server.ten_seconds_pass()
    assert emptied == []
    server.active.clear()
    server.ten_seconds_pass()
    assert emptied == ["one"]


def test_only_one_looks_for_a_session(server, bell, emptied):
    visit_end._rung(bell)
    other = Bell("one", lambda: emptied.append("other"))
    visit_end._newest["one"] = other
    server.ten_seconds_pass()
    assert server.timers == []
    server.active.clear()
    visit_end._rung(other)
    server.ten_seconds_pass()
    assert emptied == ["other"]
