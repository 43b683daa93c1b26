"""Computations of seconds take turns with the hands that wait, and end when nobody wants them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from blurdash.disturb import Disturbance
from blurdash.embed.base import Embedder
from blurdash.errors import BlurdashError, StoppedError
from blurdash.face import Face
from blurdash.maps import occlusion_map
from blurdash.pauses import pause, pausing
from blurdash.readout import PreparedFace
from blurdash.twins import twins
from blurdash.ui.server import live, long_work
from blurdash.ui.server.known_face import KnownFace, end_long_work
from blurdash.ui.server.long_work import LongWork
from blurdash.ui.server.pool import FairPool

PATIENCE = 20  # s; only a fault takes so long


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[FairPool]:
    """A pool of one thread in place of the shared one."""
    pool = FairPool(1)
    monkeypatch.setattr(live, "_pool", pool)
    yield pool
    pool.close()


def test_a_hand_comes_in_between_the_pieces(pool: FairPool):
    order: list[str] = []
    hands: list[threading.Thread] = []

    def hand(number: int) -> None:
        live.in_turn(lambda: order.append(f"hand {number}"), session="hand")

    def compute() -> str:
        for number in range(3):
            order.append(f"piece {number}")
            asked = pool.in_line()
            hands.append(threading.Thread(target=hand, args=(number,)))
            hands[-1].start()
            while pool.in_line() == asked:  # the thread of the pool stands still for this piece
                pass
            pause()
        return "done"

    assert LongWork().do(compute) == "done"
    for thread in hands:
        thread.join(PATIENCE)
    assert order == [f"{who} {number}" for number in range(3) for who in ("piece", "hand")]


def test_what_nobody_wants_ends_at_the_next_pause_and_frees_the_thread(pool: FairPool):
    work = LongWork()
    seen: list[str] = []

    def compute() -> None:
        seen.append("begun")
        work.drop()
        pause()
        seen.append("went on")

    with pytest.raises(StoppedError):
        work.do(compute)
    assert seen == ["begun"]
    assert live.in_turn(lambda: "free", session="hand") == "free"


def test_what_waits_in_line_can_be_dropped(pool: FairPool):
    gate, standing = threading.Event(), threading.Event()
    pool.ask("busy", lambda: (standing.set(), gate.wait(PATIENCE)))
    assert standing.wait(PATIENCE)
    work = LongWork()
    work.drop()
    with pytest.raises(StoppedError):
        work.do(lambda: "never")
    gate.set()
    assert live.in_turn(lambda: "free", session="hand") == "free"


def test_a_fault_frees_the_thread(pool: FairPool):
    def fault() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        LongWork().do(fault)
    assert live.in_turn(lambda: "free", session="hand") == "free"


def test_a_server_that_stops_ends_it(pool: FairPool):
    pool.close()
    with pytest.raises(StoppedError):
        LongWork().do(lambda: "never")


def test_a_face_that_is_dropped_ends_its_computations_and_keeps_no_answer(pool, portrait_face):
    face = KnownFace(portrait_face, None, "study", "fixed", owner="me")
    begun, ended = threading.Event(), threading.Event()

    def compute() -> int:
        begun.set()
        try:
            while True:
                pause()
        finally:
            ended.set()

    assert not face.ask("me", "maps", 0, compute).done
    assert begun.wait(PATIENCE)
    face.drop()
    assert ended.wait(PATIENCE)
    assert live.in_turn(lambda: "free", session="hand") == "free"
    assert not face.ask("me", "other", 0, lambda: 1).problem


def some_face() -> KnownFace:
    return KnownFace(None, None, "study", "fixed", owner="me")  # type: ignore[arg-type]


def counting(face: KnownFace, name: str, seen: list[str]):
    """Asks for a computation of a face that pauses a few times."""

    def compute() -> str:
        for _ in range(5):
            seen.append(name)
            pause()
        return name

    return lambda owner: face.ask(owner, "maps", 0, compute)


def answer_of(ask) -> object:
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask("me")).done:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return answer.value or answer.problem


def test_another_setting_of_the_same_visitor_ends_the_one_before_and_is_computed(pool):
    gate, standing = threading.Event(), threading.Event()
    pool.ask("busy", lambda: (standing.set(), gate.wait(PATIENCE)))
    assert standing.wait(PATIENCE)
    seen: list[str] = []
    first, second = (counting(some_face(), name, seen) for name in "ab")
    assert not first("me").done
    assert not second("me").done
    gate.set()
    assert answer_of(second) == "b"
    assert "a" not in seen
    assert answer_of(first) == "a"  # asked for again, it is computed: no refusal was kept


def test_where_too_many_wait_it_stands_in_line_a_little_later(pool: FairPool, monkeypatch):
    full = iter([True, False])

    def later(work, *, session):
        if next(full, False):
            raise BlurdashError("256 visitors wait for numbers already", hint="wait")
        return pool.ask(session, work)

    monkeypatch.setattr(long_work, "later", later)
    assert LongWork().do(lambda: "done") == "done"


def test_who_leaves_the_page_ends_what_was_asked_for(pool: FairPool):
    face = some_face()
    ended = threading.Event()

    def compute() -> None:
        try:
            while True:
                pause()
        finally:
            ended.set()

    face.ask("me", "maps", 0, compute)
    end_long_work("me")
    assert live.in_turn(lambda: "free", session="hand") == "free"
    face.ask("me", "twins", 0, lambda: 1)
    assert answer_of(lambda owner: face.ask(owner, "twins", 0, lambda: 1)) == 1


def test_searches_and_maps_pause(dlib_embedder: Embedder, portrait_face: Face):
    """What is computed is the same; it stands still now and then."""
    prepared = PreparedFace(portrait_face, dlib_embedder, kernel="line", exact=False)
    pauses: list[int] = []
    plain = prepared.values(Disturbance(x=2.0), ("psnr",))
    with pausing(lambda: pauses.append(1)):
        assert prepared.measure(prepared.changed(Disturbance(x=2.0)), ("psnr",)) == plain
        assert len(pauses) == 1
        found = twins(prepared, (1.0, 0.0))
        assert len(pauses) > 3
        before = len(pauses)
        covered = occlusion_map(prepared.reference, portrait_face, dlib_embedder, grid=2)
        assert len(pauses) > before
    assert found.length == twins(prepared, (1.0, 0.0)).length
    assert np.isfinite(covered).all()
