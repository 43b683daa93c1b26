"""Where tasks run: in threads here, or on a Ray cluster.

Conventions:
    A task's result does not depend on where or in which order it runs. At most a few tasks per
    worker are under way or waiting to be taken, so memory does not grow with their number.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import cv2

from blurdash.errors import BlurdashError, SettingError
from blurdash.values import whole_number
from blurdash.words import quoted

__all__ = [
    "ENGINES",
    "check_workers",
    "default_workers",
    "one_thread_per_operation",
    "run_local",
    "run_ray",
]

Task = TypeVar("Task")
Result = TypeVar("Result")
MakeWorker = Callable[[], Callable[[Task], Result]]

MOST_WORKERS = 256
CONNECT_SECONDS = 10
RETRIES = 2


def default_workers() -> int:
    """Returns the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_workers(workers: object) -> int:
    """Returns a number of workers, the default for None.

    Raises:
        SettingError: It is not a whole number from 1 to 256.
    """
    if workers is None:
        return min(default_workers(), MOST_WORKERS)
    hint = "leave it out to use every processor"
    return whole_number(workers, "workers", 1, MOST_WORKERS, hint=hint)


def run_local(
    make_worker: MakeWorker[Task, Result], tasks: Iterable[Task], *, workers: int
) -> Iterator[Result]:
    """Yields the results of tasks as they are done, computed by threads of this process.

    Threads suffice because what takes time (OpenCV, torch, transforms) does not hold Python's
    lock. Each operation runs on one thread meanwhile, in the whole process: that is quicker than
    every operation on all cores, and sums then do not depend on the number of cores.

    Args:
        make_worker: Returns the function that does a task; called once, used by every thread. Its
            attribute ``abort``, if it has one, is called when the results are wanted no longer.
        tasks: Taken one after another, when a worker is free.
        workers: Number of threads.

    Returns:
        Results in the order in which they are done.

    Raises:
        Exception: Whatever a task raises; tasks not yet started are dropped then.
    """
    worker = make_worker()
    with one_thread_per_operation(), ThreadPoolExecutor(workers, "blurdash") as pool:
        waiting: set[Future[Result]] = set()
        try:
            for task in tasks:
                waiting.add(pool.submit(worker, task))
                if len(waiting) > workers:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        except BaseException:  # also a generator closed, or Ctrl-C: end soon, then pass it on
            getattr(worker, "abort", _nothing)()
            for future in waiting:
                future.cancel()
            raise


def _nothing() -> None:
    pass


class _Threads:
    """Who runs on one thread an operation now, and how many threads there were before."""

    lock = threading.Lock()
    users = 0
    before = (0, 0)


@contextmanager
def one_thread_per_operation() -> Iterator[None]:
    """Turns the libraries' own threads off, so that sums do not depend on the number of cores.

    Workers that share the cores are quicker so, too.
    """
    # The setting is the whole process's, so the last of several users at once restores it.
    with _Threads.lock:
        _Threads.users += 1
        if _Threads.users == 1:
            _Threads.before = _set_threads(1, 1)
    try:
        yield
    finally:
        with _Threads.lock:
            _Threads.users -= 1
            if _Threads.users == 0:
                _set_threads(*_Threads.before)


def _set_threads(of_cv2: int, of_torch: int) -> tuple[int, int]:
    """Sets the libraries' numbers of threads and returns those before."""
    torch = sys.modules.get("torch")  # not loaded just to be told
    before = cv2.getNumThreads(), torch.get_num_threads() if torch else 0
    cv2.setNumThreads(of_cv2)
    if torch and of_torch:
        torch.set_num_threads(of_torch)
    return before


def run_ray(
    make_worker: MakeWorker[Task, Result],
    tasks: Iterable[Task],
    *,
    workers: int,
    address: str | None = None,
    lost: Callable[[Task], Result] | None = None,
) -> Iterator[Result]:
    """Yields the results of tasks as they are done, computed by Ray actors.

    An actor that dies is started again and its task repeated, on another machine if need be. A
    task whose actor died several times is repeated at the end, with an actor to itself, so that
    it takes no other task along.

    Args:
        make_worker: As for ``run_local``, but called in every actor; must be picklable.
        tasks: Picklable; taken one after another, two per actor at most.
        workers: Number of actors, each on one processor.
        address: Of a running cluster; None starts Ray on this machine, and ends it afterwards.
        lost: Makes the result of a task whose actor died every time; None to raise instead.

    Returns:
        Results in the order in which they are done; each task's exactly once.

    Raises:
        SettingError: Ray is not installed, or there is no cluster at ``address``.
        BlurdashError: A task's actor died every time.
        Exception: Whatever a task raises.
    """
    ray = _ray()
    started = _join(ray, address, workers)
    try:
        yield from _Actors(ray, make_worker, workers, lost or _raise_lost).results(tasks)
    finally:
        if started:
            ray.shutdown()


def _raise_lost(_task: object) -> Any:
    raise BlurdashError(
        f"a worker died {2 * (1 + RETRIES)} times at the same task",
        hint="look for too little memory on the machines of the cluster",
    )


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise SettingError(
            "the engine ray needs the package ray, which is not installed",
            hint='install it with pip install "blurdash[ray]", or use --engine local',
        ) from error
    return ray


def _join(ray: Any, address: str | None, workers: int) -> bool:
    """Connects to a cluster; True if this call started it or connected to it."""
    if ray.is_initialized():
        return False
    _check_answers(address)
    # Where one task's error ends the work, those of others under way are not printed as well.
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
    try:
        if address:
            ray.init(address=address, log_to_driver=False, logging_level="error")
        else:
            ray.init(
                num_cpus=workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="error",
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SettingError(
            f"no Ray cluster answers at {quoted(address)}", hint="check --address"
        ) from error
    return True


def _check_answers(address: str | None) -> None:
    """Raises soon where nobody listens; Ray itself would try for many minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # none, or a word such as "auto"
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise SettingError(
            f"no Ray cluster answers at {quoted(address)}", hint="check --address"
        ) from error


class _Actor:
    """A worker in a process of its own, made at its first task."""

    def __init__(self, make_worker: MakeWorker[Any, Any]) -> None:
        cv2.setNumThreads(1)  # torch heeds the thread count that Ray sets in the environment
        self._make_worker = make_worker
        self._worker: Callable[[Any], Any] | None = None

    def do(self, task: Any) -> Any:
        if self._worker is None:
            self._worker = self._make_worker()
        return self._worker(task)


class _Actors:
    """The actors of a run and what they have in work."""

    def __init__(
        self, ray: Any, make_worker: MakeWorker[Any, Any], workers: int, lost: Callable[[Any], Any]
    ) -> None:
        remote = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)(_Actor)
        self._ray, self._lost = ray, lost
        self._actors = [remote.remote(make_worker) for _ in range(workers)]
        self._jobs: dict[Any, tuple[Any, Any]] = {}  # running call → its actor, its task
        self._suspects: list[Any] = []  # tasks whose actor died

    def results(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """Yields each task's result once."""
        # Each actor computes one task while the next waits.
        yield from self._through(tasks, self._actors * 2, self._suspects.append)
        # An actor that died took the waiting task along: now each is alone with its actor.
        gone: list[Any] = []
        yield from self._through(self._suspects, self._actors, gone.append)
        yield from map(self._lost, gone)

    def _through(
        self, tasks: Iterable[Any], free: list[Any], died: Callable[[Any], None]
    ) -> Iterator[Any]:
        free = list(free)
        for task in tasks:
            if not free:
                yield from self._collected(free, died)
            actor = free.pop()
            self._jobs[actor.do.remote(task)] = actor, task
        while self._jobs:
            yield from self._collected(free, died)

    def _collected(self, free: list[Any], died: Callable[[Any], None]) -> Iterator[Any]:
        done, _ = self._ray.wait(list(self._jobs), num_returns=1)
        for call in done:
            actor, task = self._jobs.pop(call)
            free.append(actor)
            try:
                result = self._ray.get(call)
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from None  # as if it had been raised here
            except self._ray.exceptions.RayActorError:
                died(task)
            else:
                yield result


class Engine(Protocol):
    """What a row of ``ENGINES`` is called with."""

    def __call__(
        self, make_worker: MakeWorker[Any, Any], tasks: Iterable[Any], *, workers: int
    ) -> Iterator[Any]:
        """See ``run_local``."""


ENGINES: dict[str, Engine] = {"local": run_local, "ray": run_ray}
