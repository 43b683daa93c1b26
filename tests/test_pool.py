"""The work that visitors wait for: in turn, only what is wanted, nothing kept that is not."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.runtime.scriptrunner import ScriptRunContext, StopException, add_script_run_ctx
from streamlit.runtime.state import SafeSessionState, SessionState

from benchmarks import load
from blurdash.blur import Change
from blurdash.clean import Readout
from blurdash.errors import BlurdashError, NoFaceError, StoppedError
from blurdash.ui.server import known_face
from blurdash.ui.server import live as live_module
from blurdash.ui.server.known_face import KnownFace, shared_face
from blurdash.ui.server.live import stop_filling
from blurdash.ui.server.pool import (
    IDLE_SECONDS,
    MOST_WAITING,
    PIECES_FOR_A_STEP,
    DroppedError,
    FairPool,
)
from blurdash.ui.visitor import view

PATIENCE = 20  # s; only a fault takes so long


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Busy:
    """Keeps the pool's only thread busy until it is let go."""

    def __init__(self, pool: FairPool) -> None:
        self._begun, self._end = threading.Event(), threading.Event()
        self.ticket = pool.ask("busy", self._work)
        assert self._begun.wait(PATIENCE)

    def _work(self) -> None:
        self._begun.set()
        assert self._end.wait(PATIENCE)

    def let_go(self) -> None:
        self._end.set()
        self.ticket.wait()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(clock: Clock) -> Iterator[FairPool]:
    pool = FairPool(1, clock=clock)
    yield pool
    pool.close()


class FakeFace:
    """Stands in for a prepared face: counts what it is asked for."""

    made: list[FakeFace]

    def __init__(self) -> None:
        self.asked: list[Change] = []
        self.fault: Exception | None = None

    def readout(self, change: Change) -> Readout:
        self.asked.append(change)
        if self.fault is not None:
            raise self.fault
        return Readout({"l2": float(change.degree)}, {}, None)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[FakeFace]:
    """Every face that is prepared from now on, in the order they are."""
    made: list[FakeFace] = []

    def prepare(*_: object) -> FakeFace:
        made.append(FakeFace())
        return made[-1]

    monkeypatch.setattr(known_face, "_prepared", prepare)
    return made


@pytest.fixture
def live_pool(monkeypatch: pytest.MonkeyPatch, pool: FairPool) -> FairPool:
    """The pool that readouts are computed in, for this test."""
    # A page of an earlier test may still have its curve filled: in this test's shelf, then.
    live_module._pool.close()
    live_module._pool = FairPool(live_module.cores())
    monkeypatch.setattr(live_module, "_pool", pool)
    return pool


def some_face(owner: str = "somebody") -> KnownFace:
    return KnownFace(None, None, "study", "fixed", owner=owner)  # type: ignore[arg-type]


# --- in turn --------------------------------------------------------------------------------------


def test_sessions_are_served_in_turn_however_much_one_of_them_asks(pool: FairPool) -> None:
    done: list[str] = []
    busy = Busy(pool)
    tickets = []
    for number in range(50):
        tickets.append(pool.ask("greedy", lambda: done.append("greedy")))
        if number < 4:
            tickets.append(pool.ask(f"s{number}", lambda n=number: done.append(f"s{n}")))
    busy.let_go()
    tickets[-1].wait()
    for ticket in tickets[1:8:2]:
        ticket.wait()
    assert done == ["greedy", "s0", "s1", "s2", "s3"]


def test_twenty_sessions_that_always_ask_again_get_equal_shares(pool: FairPool) -> None:
    """Each asks anew as soon as it is answered; one of them from four threads at once."""
    order: list[str] = []
    enough = threading.Event()

    def work(name: str) -> None:
        # As with work that takes a while: meanwhile all the others come to stand in line.
        others = [other for other in names if other != name]
        wait_until(lambda: enough.is_set() or all(other in pool._waiting for other in others))
        order.append(name)
        if len(order) == 400:
            enough.set()

    def visit(name: str) -> None:
        while not enough.is_set():
            try:
                pool.ask(name, lambda: work(name)).wait()
            except DroppedError:
                continue

    names = [f"s{number}" for number in range(20)] + ["s0"] * 3
    threads = [threading.Thread(target=visit, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    served = Counter(order[100:400])  # without the start, when not all stand in line yet
    # Two workers note what they did in either order: at the ends of the stretch one more or less.
    assert len(served) == 20
    assert set(served.values()) <= {14, 15, 16}


def test_newest_request_of_a_session_takes_the_place_of_the_older(pool: FairPool) -> None:
    done: list[str] = []
    busy = Busy(pool)
    stale = [pool.ask("a", lambda n=n: done.append(f"stale {n}")) for n in range(30)]
    other = pool.ask("b", lambda: done.append("b"))
    newest = pool.ask("a", lambda: done.append("newest"))
    for ticket in stale:
        with pytest.raises(DroppedError):
            ticket.wait()  # at once, while the thread is still busy
    busy.let_go()
    newest.wait()
    other.wait()
    assert done == ["newest", "b"]


# --- work that nobody wants any more --------------------------------------------------------------


def test_abandoned_work_is_not_done(pool: FairPool, clock: Clock) -> None:
    done: list[str] = []
    busy = Busy(pool)
    gone = pool.ask("gone", lambda: done.append("gone"))
    stays = pool.ask("stays", lambda: done.append("stays"))
    pool.do_when_idle("gone", lambda: done.append("step") is None)
    pool.abandon("gone")
    with pytest.raises(DroppedError):
        gone.wait()
    clock.now += IDLE_SECONDS
    busy.let_go()
    stays.wait()
    Busy(pool).let_go()  # whatever stood in line is done by now
    assert done == ["stays"]


def test_page_drawn_anew_drops_what_its_last_run_waits_for(pool: FairPool) -> None:
    """The face may be another one now; its curve goes on until the page asks for another."""
    done: list[str] = []
    busy = Busy(pool)
    old = pool.ask("a", lambda: done.append("old face"))
    other = pool.ask("b", lambda: done.append("b"))
    pool.do_when_idle("a", lambda: False)
    pool.somebody_waits("a")
    pool.somebody_waits()
    with pytest.raises(DroppedError):
        old.wait()
    assert list(pool._steps) == ["a"]
    busy.let_go()
    other.wait()
    assert done == ["b"]


def test_run_that_is_ended_while_it_waits_leaves_the_line(live_pool: FairPool, prepared) -> None:
    """Streamlit ends a run where it looks at its state: ``still_wanted`` raises."""

    class EndedError(BaseException):
        pass

    def end() -> None:
        raise EndedError

    busy = Busy(live_pool)
    face = some_face()
    with pytest.raises(EndedError):
        face.readout(Change(10), session="closed", still_wanted=end)
    assert not live_pool._waiting
    busy.let_go()
    face.readout(Change(20), session="other")
    assert [change.degree for change in prepared[0].asked] == [20]


def test_streamlit_ends_a_replaced_run_where_it_looks_at_its_state(
    live_pool: FairPool, prepared
) -> None:
    """The pages' ``still_wanted`` rests on it."""

    def ended() -> None:
        raise StopException

    context = ScriptRunContext(
        session_id="a",
        _enqueue=lambda _: None,
        query_string="",
        session_state=SafeSessionState(SessionState(), ended),
        uploaded_file_mgr=None,  # type: ignore[arg-type]
        main_script_path="",
        user_info={},
        fragment_storage=None,  # type: ignore[arg-type]
        pages_manager=None,  # type: ignore[arg-type]
    )
    seen: list[BaseException] = []

    def run() -> None:
        try:
            some_face().readout(Change(10), session="a", still_wanted=view.still_wanted)
        except StopException as stopped:
            seen.append(stopped)

    busy = Busy(live_pool)
    thread = threading.Thread(target=run)
    add_script_run_ctx(thread, context)
    thread.start()
    thread.join(PATIENCE)
    assert len(seen) == 1
    assert not live_pool._waiting
    busy.let_go()


def test_of_two_runs_of_a_page_the_ended_one_stops_and_the_newer_gets_its_number(
    live_pool: FairPool, prepared
) -> None:
    """Whichever of them asks last: the newer one asks again if the older took its place."""
    face, busy, got = some_face(), Busy(live_pool), []
    newer = threading.Thread(target=lambda: got.append(face.readout(Change(20), session="a")))
    newer.start()
    wait_until(lambda: "a" in live_pool._waiting)

    class EndedError(BaseException):
        pass

    def end() -> None:
        raise EndedError

    with pytest.raises(EndedError):  # the older run comes late and takes the place
        face.readout(Change(10), session="a", still_wanted=end)
    busy.let_go()
    newer.join(PATIENCE)
    assert [readout.values["l2"] for readout in got] == [20]


def test_face_that_its_session_dropped_is_kept_by_no_curve(live_pool: FairPool, prepared) -> None:
    face = some_face("a")
    live_pool.somebody_waits()  # and the clock stands still: no point of the curve is computed
    face.fill(face.curve(0.0), "study", session="a")
    face.readout(Change(10), session="a")
    busy = Busy(live_pool)  # the pool's thread has gone on to other work
    gone = weakref.ref(face)
    del face
    gc.collect()
    assert gone() is None
    busy.let_go()
    stop_filling("a")
    assert not live_pool._steps


def test_idle_thread_holds_neither_face_nor_numbers(live_pool: FairPool, prepared) -> None:
    face = some_face("a")
    numbers = weakref.ref(face.readout(Change(10), session="a"))
    gone = weakref.ref(face)
    del face

    def are_gone() -> bool:
        gc.collect()
        return gone() is None and numbers() is None

    wait_until(are_gone)


# --- faults ---------------------------------------------------------------------------------------


def test_fault_reaches_the_one_who_waits_and_nobody_else(pool: FairPool) -> None:
    def fault() -> None:
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        pool.ask("a", fault).wait()
    assert pool.ask("b", lambda: 7).wait() == 7


def test_fault_of_a_recogniser_is_one_sentence_and_not_remembered(
    live_pool: FairPool, prepared, caplog: pytest.LogCaptureFixture
) -> None:
    face = some_face()
    face.readout(Change(1), session="a")
    prepared[0].fault = RuntimeError("pixel values 13 37 of somebody's photo")
    with pytest.raises(BlurdashError, match=r"RuntimeError\); move a slider"):
        face.readout(Change(10), session="a")
    assert "RuntimeError" in caplog.text
    assert "13 37" not in caplog.text
    prepared[0].fault = None
    assert face.readout(Change(10), session="a").values["l2"] == 10


def test_change_that_cannot_be_read_out_is_remembered(live_pool: FairPool, prepared) -> None:
    face = some_face()
    face.readout(Change(1), session="a")
    prepared[0].fault = NoFaceError("no face is left", hint="blur less")
    for _ in range(3):
        with pytest.raises(NoFaceError, match="no face is left; blur less"):
            face.readout(Change(99), session="a")
    assert [change.degree for change in prepared[0].asked] == [1, 99]


def test_too_many_in_line_are_told_so(pool: FairPool) -> None:
    busy = Busy(pool)
    for number in range(MOST_WAITING):
        pool.ask(f"s{number}", lambda: None)
    with pytest.raises(BlurdashError, match="wait for numbers already; try again in a moment"):
        pool.ask("one more", lambda: None)
    pool.ask("s0", lambda: None)  # who stands in line already may change the request
    busy.let_go()


# --- memory ---------------------------------------------------------------------------------------


def test_number_is_computed_once_for_all_who_wait_for_it(live_pool: FairPool, prepared) -> None:
    face, busy = some_face(live_module.NOBODY), Busy(live_pool)
    visitors = [
        threading.Thread(target=face.readout, args=(Change(10),), kwargs={"session": f"s{number}"})
        for number in range(8)
    ]
    for visitor in visitors:
        visitor.start()
    wait_until(lambda: len(live_pool._waiting) == 8)
    busy.let_go()
    for visitor in visitors:
        visitor.join(PATIENCE)
    assert [change.degree for change in prepared[0].asked] == [10]


@pytest.mark.parametrize(
    ("owner", "most"),
    [("a", known_face.REMEMBERED), (live_module.NOBODY, known_face.REMEMBERED_OF_NOBODY)],
)
def test_memory_of_readouts_is_bounded_and_keeps_the_newest(
    live_pool: FairPool, prepared, owner: str, most: int
) -> None:
    face = some_face(owner)
    changes = [Change(n % 101, float(n // 101)) for n in range(most + 50)]
    for change in changes:
        face._compute(change)
    assert len(face._remembered) == most
    asked = len(prepared[0].asked)
    face.readout(changes[-1], session="a")
    assert len(prepared[0].asked) == asked
    face.readout(changes[0], session="a")
    assert len(prepared[0].asked) == asked + 1


def test_curves_are_bounded_and_the_last_used_stay() -> None:
    face = some_face()
    first = face.curve(0.0)
    for angle in range(1, 40):
        face.curve(float(angle))
        face.curve(0.0)
    assert face.curve(0.0) is first
    assert len(face._curves) == known_face.CURVES_KEPT


def test_settings_of_the_portrait_are_bounded_and_shared(monkeypatch) -> None:
    monkeypatch.setattr(known_face, "_shared", type(known_face._shared)())
    first = shared_face(("0",), some_face)
    assert shared_face(("0",), some_face) is first
    for number in range(3 * known_face.SETTINGS_KEPT):
        shared_face((str(number),), some_face)
    assert len(known_face._shared) == known_face.SETTINGS_KEPT
    assert shared_face(("0",), some_face) is not first


def test_few_faces_are_prepared_at_a_time(monkeypatch, live_pool: FairPool, prepared) -> None:
    monkeypatch.setattr(known_face, "_shelf", known_face._Shelf())

    def is_prepared(face: KnownFace) -> bool:
        return face._prepared is not None

    one_visitor = [some_face("a") for _ in range(3)]
    for face in one_visitor:
        face.readout(Change(5), session="a")
    assert [is_prepared(face) for face in one_visitor] == [False, False, True]
    nobody = [some_face(live_module.NOBODY) for _ in range(6)]
    for face in nobody:
        face.readout(Change(5), session="a")
    assert [is_prepared(face) for face in nobody].count(True) == known_face.PREPARED_OF_NOBODY
    visitors = [some_face(f"s{number}") for number in range(known_face.PREPARED + 10)]
    for face in visitors:
        face.readout(Change(5), session=face.owner)
    everything = [*one_visitor, *nobody, *visitors]
    assert sum(map(is_prepared, everything)) == known_face.PREPARED
    assert all(map(is_prepared, visitors[-known_face.PREPARED :]))
    # What was let go of is made anew where it is needed, and what was computed is still known.
    made = len(prepared)
    one_visitor[0].readout(Change(5), session="a")
    assert len(prepared) == made
    one_visitor[0].readout(Change(6), session="a")
    assert len(prepared) == made + 1


# --- curves, while nobody waits -------------------------------------------------------------------


def test_steps_wait_until_nobody_has_asked_for_a_while(pool: FairPool, clock: Clock) -> None:
    done: list[str] = []
    enough = threading.Event()

    def step() -> bool:
        done.append("step")
        if len(done) == 5:
            enough.set()
        return len(done) < 5

    pool.somebody_waits()
    pool.do_when_idle("a", step)
    Busy(pool).let_go()
    assert done == []
    clock.now += IDLE_SECONDS
    pool.do_when_idle("a", step)  # looks at the clock anew
    assert enough.wait(PATIENCE)
    wait_until(lambda: not pool._steps)
    assert len(done) == 5


def test_steps_get_a_small_share_while_somebody_always_waits(pool: FairPool) -> None:
    done: list[str] = []
    pool.somebody_waits()  # and the clock stands still
    pool.do_when_idle("rests", lambda: done.append("step") is None)
    count = 6 * PIECES_FOR_A_STEP
    for number in range(count):
        pool.ask(f"s{number % 3}", lambda: done.append("work")).wait()
    assert done.count("work") == count
    assert done.count("step") in (5, 6)  # the last may be under way


def test_steps_of_several_sessions_go_round(pool: FairPool, clock: Clock) -> None:
    done: list[str] = []
    busy = Busy(pool)
    for name in ("a", "b", "c"):
        pool.do_when_idle(name, lambda name=name: done.append(name) is None and len(done) < 30)
    clock.now += IDLE_SECONDS
    busy.let_go()
    wait_until(lambda: not pool._steps)
    served = Counter(done)
    assert max(served.values()) - min(served.values()) <= 1, served


def test_step_that_fails_ends_only_its_own_curve(pool: FairPool, clock: Clock) -> None:
    done: list[str] = []
    busy = Busy(pool)

    def fault() -> bool:
        raise RuntimeError

    pool.do_when_idle("a", fault)
    pool.do_when_idle("b", lambda: done.append("b") is None and len(done) < 3)
    clock.now += IDLE_SECONDS
    busy.let_go()
    wait_until(lambda: not pool._steps)
    assert done == ["b"] * 3


# --- the end --------------------------------------------------------------------------------------


def test_closed_pool_drops_what_waits_and_takes_nothing(clock: Clock) -> None:
    pool = FairPool(2, clock=clock)
    assert pool.ask("a", lambda: 3).wait() == 3
    both = threading.Barrier(3)
    end = threading.Event()

    def work() -> bool:
        both.wait(PATIENCE)
        return end.wait(PATIENCE)

    under_way = [pool.ask(name, work) for name in ("a", "b")]
    both.wait(PATIENCE)
    waiting = pool.ask("c", lambda: 4)
    closing = threading.Thread(target=pool.close)
    closing.start()
    with pytest.raises(DroppedError):
        waiting.wait()
    with pytest.raises(StoppedError, match="being stopped"):
        pool.ask("d", lambda: 5)
    end.set()
    closing.join(PATIENCE)
    assert [ticket.wait() for ticket in under_way] == [True, True]  # it was finished
    assert not any(thread.is_alive() for thread in pool._threads)


def test_process_ends_in_order_while_work_is_under_way() -> None:
    code = (
        "import threading, time\n"
        "from blurdash.ui.server.pool import FairPool\n"
        "pool, begun = FairPool(2), threading.Semaphore(0)\n"
        "def work():\n"
        "    begun.release()\n"
        "    print('begun', flush=True)\n"
        "    while not pool._closed: time.sleep(0.01)\n"
        "    time.sleep(0.1)\n"
        "    print('done', flush=True)\n"
        "for name in 'abcd': pool.ask(name, work)\n"
        "pool.do_when_idle('a', lambda: True)\n"
        "begun.acquire()\n"
        "begun.acquire()\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    # What was under way was finished, what stood in line was not begun.
    assert (run.stdout.count("begun"), run.stdout.count("done")) == (2, 2)


# --- the whole dashboard --------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.xdist_group("browser")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_load_benchmark_gets_numbers_for_every_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "benchmarks.visitor.GIVE_UP_SECONDS", 30.0
    )  # other tests use the machine too
    figures = asyncio.run(load.measure(2, 2.0, 0.5))
    assert figures.errors == []
    assert len(figures.uploads.waits) >= 3
    assert len(figures.portrait.waits) >= 3
    assert figures.uploads.repeated == 0
    assert figures.opened > 0


def wait_until(true: object, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


# --- jobs: sweeps beside those who drag -----------------------------------------------------------


class Job:
    """A job of so many steps, each of which waits until it is let go."""

    def __init__(self, steps: int = 1_000, *, held: bool = False) -> None:
        self.left, self.done, self.at_once = steps, 0, 0
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self._held = held

    def __call__(self) -> bool:
        self.begun.release()
        if self._held:
            assert self.go.acquire(timeout=PATIENCE)
        self.done += 1
        self.left -= 1
        return self.left > 0


@pytest.fixture
def two_threads(clock: Clock) -> Iterator[FairPool]:
    pool = FairPool(2, clock=clock)
    yield pool
    pool.close()


def test_a_job_is_done_to_its_end(two_threads: FairPool):
    job = Job(steps=50)
    two_threads.do_job("one", job)
    wait_until(lambda: job.left == 0 and not two_threads._jobs)
    assert job.done == 50


def test_beside_a_hand_one_job_at_a_time_and_a_hand_goes_first(two_threads: FairPool):
    one, other = Job(held=True), Job(held=True)
    two_threads.somebody_waits()  # the clock stands still: a hand moves from now on
    two_threads.do_job("one", one)
    two_threads.do_job("other", other)
    wait_until(lambda: one.begun.acquire(blocking=False) or other.begun.acquire(blocking=False))
    assert len(two_threads._working) == 1
    # The other thread is a hand's, however long the job's step takes.
    for number in range(5):
        assert two_threads.ask("hand", lambda number=number: number).wait() == number
    assert len(two_threads._working) == 1
    for job in (one, other):
        job.left = 1
        for _ in range(3):
            job.go.release()
    wait_until(lambda: not two_threads._jobs)


def test_only_a_few_jobs_are_in_work_and_the_others_know_their_place(
    two_threads: FairPool, clock: Clock
):
    jobs = [Job(held=True) for _ in range(4)]
    for number, job in enumerate(jobs):
        two_threads.do_job(f"{number}", job)
    clock.now += 10  # nobody drags
    two_threads.do_job("3", jobs[3])
    wait_until(lambda: len(two_threads._working) == 2)
    assert [two_threads.jobs_before(f"{number}") for number in range(4)] == [0, 0, 1, 2]
    assert two_threads.jobs_before("nobody") == 0
    two_threads.drop_job("0", jobs[0])
    assert [two_threads.jobs_before(f"{number}") for number in (1, 2, 3)] == [0, 0, 1]
    for job in jobs:
        job.left = 1
        for _ in range(3):
            job.go.release()
    wait_until(lambda: not two_threads._jobs)


def test_jobs_have_a_share_where_hands_never_rest(clock: Clock):
    pool = FairPool(1, clock=clock)
    job = Job()
    busy = Busy(pool)
    pool.do_job("sweep", job)
    tickets = [pool.ask(f"{n}", lambda: job.done) for n in range(3 * PIECES_FOR_A_STEP)]
    busy.let_go()
    seen = [ticket.wait() for ticket in tickets]
    assert 2 <= seen[-1] <= 3
    pool.drop_job("sweep", job)
    pool.close()


def test_a_dropped_job_does_not_take_the_one_that_came_after_it_along(two_threads: FairPool):
    old, new = Job(held=True), Job(steps=3)
    two_threads.do_job("one", old)
    assert old.begun.acquire(timeout=PATIENCE)
    two_threads.do_job("one", new)
    two_threads.drop_job("one", old)  # as a sweep does whose step ends late
    old.go.release()
    wait_until(lambda: not two_threads._jobs)
    assert new.done == 3


def test_a_job_that_fails_ends_alone(two_threads: FairPool):
    def fails() -> bool:
        raise RuntimeError

    two_threads.do_job("bad", fails)
    good = Job(steps=5)
    two_threads.do_job("good", good)
    wait_until(lambda: not two_threads._jobs)
    assert good.done == 5
    assert two_threads.ask("hand", lambda: 1).wait() == 1


def test_an_angle_that_a_hand_passes_pushes_out_no_curve(live_pool: FairPool, prepared) -> None:
    face = some_face()
    face.curve(45.0).values[0] = {"psnr": 1.0}
    for angle in range(3 * known_face.CURVES_KEPT):
        assert face.known_of_curve(float(angle)) == {}
    assert face.known_of_curve(45.0) == {0: {"psnr": 1.0}}


def test_a_picture_that_cannot_be_drawn_is_one_sentence_and_one_that_can_is_kept(
    live_pool: FairPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def changed(change: Change) -> np.ndarray:
        drawn.append(change)
        if change.degree == 1:
            raise MemoryError
        return np.zeros((8, 8, 3), np.uint8)

    ready = SimpleNamespace(changed=changed)
    monkeypatch.setattr(known_face, "_prepared", lambda *_: ready)
    face, wanted = some_face(), {"session": "a", "still_wanted": lambda: None}
    with pytest.raises(BlurdashError, match="MemoryError"):
        face.picture(Change(1), **wanted)
    assert face.picture(Change(2), **wanted) == face.picture(Change(2), **wanted)
    assert [change.degree for change in drawn] == [1, 2]
    face.drop()
    face.picture(Change(2), **wanted)
    assert len(drawn) == 3
