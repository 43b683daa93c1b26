"""Computations of seconds take turns with the hands that wait, and end when nobody wants them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from blurdash.disturb import Disturbance
from blurdash.embed.base import Embedder
from blurdash.errors import StoppedError
from blurdash.face import Face
from blurdash.maps import occlusion_map
from blurdash.pauses import pause, pausing
from blurdash.readout import PreparedFace
from blurdash.twins import twins
from blurdash.ui.server import live
from blurdash.ui.server.known_face import KnownFace
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

    assert LongWork("long").do(compute) == "done"
    for thread in hands:
        thread.join(PATIENCE)
    assert order == [f"{who} {number}" for number in range(3) for who in ("piece", "hand")]


def test_what_nobody_wants_ends_at_the_next_pause_and_frees_the_thread(pool: FairPool):
    work = LongWork("long")
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
    work = LongWork("long")
    work.drop()
    with pytest.raises(StoppedError):
        work.do(lambda: "never")
    gate.set()
    assert live.in_turn(lambda: "free", session="hand") == "free"


def test_a_fault_frees_the_thread(pool: FairPool):
    def fault() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        LongWork("long").do(fault)
    assert live.in_turn(lambda: "free", session="hand") == "free"


def test_a_server_that_stops_ends_it(pool: FairPool):
    pool.close()
    with pytest.raises(StoppedError):
        LongWork("long").do(lambda: "never")


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
