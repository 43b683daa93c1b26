"""Engines: every task's result exactly once, in threads here and on a local Ray cluster."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from blurdash import engine
from blurdash.engine import check_workers, default_workers, run_local, run_ray
from blurdash.errors import SettingError
from blurdash.face import Face
from blurdash.sweep_file import read_sweep

ROOT = Path(__file__).resolve().parents[1]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs the package ray (extra blurdash[ray])"
)


def square(task: int) -> int:
    return task * task


@pytest.mark.parametrize("workers", [1, 3])
def test_every_result_comes_exactly_once(workers: int) -> None:
    results = list(run_local(lambda: square, range(50), workers=workers))
    assert sorted(results) == [i * i for i in range(50)]


def test_tasks_are_taken_only_as_workers_get_free() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for i in range(100):
            taken.append(i)
            yield i

    results = run_local(lambda: square, tasks(), workers=2)
    next(results)
    assert len(taken) <= 4
    results.close()  # type: ignore[attr-defined]


def test_what_a_task_raises_ends_the_work_and_is_passed_on() -> None:
    def fails(task: int) -> int:
        if task == 3:
            raise ZeroDivisionError(task)
        return task

    with pytest.raises(ZeroDivisionError):
        list(run_local(lambda: fails, range(1000), workers=2))


def test_a_worker_is_told_when_its_results_are_wanted_no_longer() -> None:
    class Worker:
        told = threading.Event()

        def __call__(self, task: int) -> int:
            if task == 0:
                return 0
            assert self.told.wait(20)
            return task

        def abort(self) -> None:
            self.told.set()

    results = run_local(Worker, range(10), workers=2)
    assert next(results) == 0
    start = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 10


def test_each_operation_runs_on_one_thread_meanwhile_and_as_before_afterwards() -> None:
    before = cv2.getNumThreads(), torch.get_num_threads()

    def seen(_: int) -> tuple[int, int]:
        return cv2.getNumThreads(), torch.get_num_threads()

    outer = run_local(lambda: seen, range(3), workers=1)
    assert next(outer) == (1, 1)
    assert set(run_local(lambda: seen, range(3), workers=2)) == {(1, 1)}
    assert set(outer) == {(1, 1)}  # still: the first user is not done
    assert (cv2.getNumThreads(), torch.get_num_threads()) == before


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "two", 10_000])
def test_a_wrong_number_of_workers_is_said(wrong: object) -> None:
    with pytest.raises(SettingError, match="workers is"):
        check_workers(wrong)


def test_the_default_is_a_worker_a_processor() -> None:
    assert check_workers(None) == default_workers() >= 1


def test_ray_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingError, match=r"blurdash\[ray\]"):
        list(run_ray(lambda: square, [1], workers=1))


KILLED = """
import os, signal, sys
from pathlib import Path
from blurdash.engine import run_ray

def make(folder=Path(sys.argv[1])):
    def work(task):
        mark = folder / f"{task}.killed"
        if task in (3, 8) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return task
    return work

print("RESULTS", sorted(run_ray(make, range(12), workers=2)))
"""


def run_python(*arguments: str, code: int = 0) -> str:
    """Returns what a process of its own prints: Ray warns, and leaves threads behind."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr[-3000:]
    return done.stdout


@pytest.mark.long
@needs_ray
def test_a_worker_killed_midway_loses_and_doubles_nothing(tmp_path: Path) -> None:
    printed = run_python("-c", KILLED, str(tmp_path))
    assert f"RESULTS {list(range(12))}" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.killed", "8.killed"]


@pytest.mark.long
@needs_ray
def test_two_ray_workers_give_the_local_table(portrait_face: Face, tmp_path: Path) -> None:
    bgr = cv2.cvtColor(portrait_face.canvas, cv2.COLOR_RGB2BGR)
    (tmp_path / "faces").mkdir()
    for name, picture in (("a", bgr), ("b", bgr[:, ::-1]), ("c", np.zeros_like(bgr))):
        cv2.imwrite(str(tmp_path / "faces" / f"{name}.png"), picture)
    for kind in ("local", "ray"):
        run_python(
            "-m", "blurdash", "sweep", str(tmp_path / "faces"), "--degrees", "0,1,20,60",
            "--embedder", "dlib", "--workers", "2", "--engine", kind,
            "--out", str(tmp_path / f"{kind}.parquet"), code=3,  # one of the pictures has no face
        )  # fmt: skip
    here, there = (
        read_sweep(tmp_path / f"{kind}.parquet").replace_schema_metadata(None)
        for kind in ("local", "ray")
    )
    assert there.equals(here)
    assert here["failure"].null_count == 8


@needs_ray
def test_a_cluster_that_does_not_answer_is_said() -> None:
    with pytest.raises(SettingError, match=r"no Ray cluster answers at '127\.0\.0\.1:1'"):
        list(run_ray(lambda: square, [1], workers=1, address="127.0.0.1:1"))


def test_the_table_of_engines() -> None:
    assert list(engine.ENGINES) == ["local", "ray"]
