"""Hostile files, tens of thousands of them, on everything that reads a file of unknown origin.

    python -m benchmarks.fuzz --inputs 20000 [--seed 0] [--workers 2]
    python -m benchmarks.fuzz --seed 0 --only photo:1234

Each input is made from code (``benchmarks/hostile``) by its number and the seed: a whole photo,
sweep table or file of weights, damaged in one of many ways; beside them every named attack. They
are read in processes of their own, so that one that crashes, hangs or eats memory is told from the
rest. Only two things may come of an input: what was to be read, whole and within the limits, or
one of blurdash's errors for this kind of file, in one line that carries nothing raw. Anything else
is printed with the line that repeats it, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import faulthandler
import gc
import importlib
import json
import multiprocessing
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa

from benchmarks.hostile import payload
from blurdash.errors import BlurdashError, PhotoError, TableError, WeightsError

__all__ = ["FAMILIES", "Family", "Outcome", "main", "make_attacks", "run", "work"]

HANG_SECONDS = 180  # of the clock; on a busy machine an input takes several times its seconds
ROOM_MB = 6000  # above which a process gets no more memory, so that the machine survives
CHUNK = 500  # inputs to a process
LEFT_BEHIND = (
    50.0  # MB that inputs may leave with the allocator before it is asked to give them back
)
ROOT = Path(__file__).parents[1]
MARKUP = ("<", ">", "![", "](", "`", "$", "|")


@dataclass(frozen=True)
class Family:
    """What reads one kind of file.

    Attributes:
        module: Where its inputs are made, in ``benchmarks.hostile``.
        read: Reads an input; raises ``AssertionError`` if what comes is not what it should be.
        error: The one class of error that is right.
        seconds: Most processor time for an input.
        megabytes: Most memory above what the process had before the first.
        share: Of the number of inputs asked for.
        apart: Attacks are made in another process: making them leaves memory that reading would
            then not have to ask for.
    """

    module: str
    read: Callable[[Any, Path], None]
    error: type[BlurdashError]
    seconds: float
    megabytes: float
    share: float
    apart: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of an input.

    Attributes:
        name: Family and number, or family and attack: ``photo:17``, ``photo:=0 bytes``.
        kind: What the input was made from.
        how: What was done to it.
        result: ``read``, ``refused`` or ``other``.
        detail: The error's text, or what was wrong.
        seconds: Processor time.
        megabytes: Memory above what the process had before the first.
    """

    name: str
    kind: str
    how: str
    result: str
    detail: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


# --- what reads -----------------------------------------------------------------------------------


def _read_photo(item: Any, folder: Path) -> None:
    from blurdash.photo import MAX_PIXELS, MIN_SIDE, load_photo

    got = load_photo(_placed(folder, item) if getattr(item, "name", "") else item.data)
    _require(isinstance(got, np.ndarray) and got.dtype == np.uint8, "not an array of bytes")
    _require(got.ndim == 3 and got.shape[2] == 3, f"shape {got.shape}")
    height, width, _ = got.shape
    _require(min(height, width) >= MIN_SIDE and height * width <= MAX_PIXELS, f"size {got.shape}")
    _require(got.flags.c_contiguous and got.flags.writeable, "not the caller's own")


def _placed(folder: Path, item: Any) -> Path:
    """The input as a file of its name, if the file system can have it."""
    path = folder / item.name
    with contextlib.suppress(OSError, ValueError):
        path.write_bytes(item.data)
    return path


def _read_table(item: Any, _folder: Path) -> None:
    from blurdash.sweep_file import SCHEMA, read_sweep, settings_of

    table = read_sweep(item.data)
    _require(table.schema.equals(SCHEMA), f"schema {table.schema}")
    _require(len(table) > 0, "no rows")
    table.validate(full=True)
    _require(settings_of(table).get("format") == 1, "settings of another format")
    # What pages and figures do first with a table: it must not be what finds it damaged.
    table.slice(0, 1000).to_pylist()


def _read_weights(item: Any, folder: Path) -> None:
    from blurdash.embed.dlib_resnet import read_dat
    from blurdash.embed.facenet import VGGFACE2, check_structure
    from blurdash.weights import fetch

    path = folder / "weights.pt"
    path.write_bytes(item.data)
    if getattr(item, "kind", "") == "dlib":
        read_dat(path)
        return
    row = dataclasses.replace(VGGFACE2, min_bytes=1)  # the seeds are small
    check_structure(fetch(row, path=path), row)  # as load_network, but for building the network


def _read_trap(item: Any, _folder: Path) -> None:
    from benchmarks.hostile.traps import spring

    spring(item.data)


FAMILIES = {
    "photo": Family("photos", _read_photo, PhotoError, 10.0, 1000.0, 0.65, apart=True),
    "table": Family("tables", _read_table, TableError, 6.0, 800.0, 0.35, apart=True),
    "weights": Family("weights", _read_weights, WeightsError, 6.0, 800.0, 0.05),
    # What a run must notice, for the tests: no share of the inputs.
    "trap": Family("traps", _read_trap, PhotoError, 1.0, 100.0, 0.0),
}


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def _text_fault(text: str, folder: Path) -> str:
    """What is wrong with an error's text; empty if nothing."""
    if not text.isprintable():
        return "the error's text has control characters"
    if len(text) > 500:
        return f"the error's text has {len(text)} characters"
    # A file of weights is named with its folder: it is the operator's own.
    found = [sign for sign in MARKUP if sign in text.replace(str(folder), "")]
    return f"the error's text has {found}" if found else ""


# --- one process ----------------------------------------------------------------------------------


def make_attacks() -> None:
    """Writes named attacks as files, as standard input says."""
    task = json.load(sys.stdin)
    for number, name in enumerate(task["names"]):
        if ":=" in name:
            (Path(task["made"]) / f"attack {number}").write_bytes(_attack(name).make())


def _attack(name: str) -> Any:
    family, _, label = name.partition(":=")
    module = importlib.import_module(f"benchmarks.hostile.{FAMILIES[family].module}")
    return module.ATTACKS[label]


def work() -> None:
    """Reads inputs, as standard input says, and tells of each before and after."""
    task = json.load(sys.stdin)
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as folder, Connection(task["channel"]) as channel:
        _warm_up(FAMILIES[task["family"]], Path(folder))
        memory = _Memory()
        _limit_memory()
        for number, name in enumerate(task["names"]):
            kind, how, item = _made(name, task["seed"], Path(task["made"]) / f"attack {number}")
            channel.send((name, kind, how))
            outcome = _tried(name, kind, how, item, memory, Path(folder))
            channel.send(dataclasses.astuple(outcome))
            del item


def _warm_up(family: Family, folder: Path) -> None:
    """Reads a whole file, so that imports are not counted; shows that the trap would spring."""
    import pickle

    pickle.loads(payload.payload())
    _require(payload.ran(), "the pickle does not show that it was run")
    module = importlib.import_module(f"benchmarks.hostile.{family.module}")
    family.read(_Bare(next(iter(module.seeds().values()))), folder)


@dataclass(frozen=True)
class _Bare:
    data: bytes


def _limit_memory() -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM_MB * 2**20, resource.RLIM_INFINITY))


class _Memory:
    """The most memory that the process had since it was last asked, in MB above the start."""

    def __init__(self) -> None:
        self.start = 0.0
        self._restart()
        self.start = self.peak()

    def reset(self) -> None:
        self._restart()
        if self.peak() > LEFT_BEHIND:  # by inputs before this one, whose fault it would seem
            gc.collect()
            pa.default_memory_pool().release_unused()
            ctypes.CDLL(None).malloc_trim(0)
            self._restart()

    def _restart(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # sets the peak to what is taken now

    def peak(self) -> float:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024 - self.start
        raise AssertionError("this system does not tell a process its peak memory")


def _made(name: str, seed: int, file: Path) -> tuple[str, str, Any]:
    """What an input was made from, what was done to it, and the input."""
    family, _, which = name.partition(":")
    if which.startswith("="):
        attack = _attack(name)
        kind, how = getattr(attack, "kind", family), f"attack, to be {attack.outcome}"
        apart = FAMILIES[family].apart
        return kind, how, _Bare(file.read_bytes() if apart else attack.make())
    module = importlib.import_module(f"benchmarks.hostile.{FAMILIES[family].module}")
    item = getattr(module, family)(seed, int(which))
    return item.kind, item.how, item


def _tried(name: str, kind: str, how: str, item: Any, memory: _Memory, folder: Path) -> Outcome:
    family = FAMILIES[name.partition(":")[0]]
    memory.reset()
    start = time.process_time()
    result, detail = _result(family, item, folder)
    seconds, megabytes = time.process_time() - start, memory.peak()
    if payload.ran():
        result, detail = "other", "a pickle was run"
    elif seconds > family.seconds:
        result, detail = "other", f"took {seconds:.1f} s"
    elif megabytes > family.megabytes:
        result, detail = "other", f"took {megabytes:.0f} MB"
    elif how.startswith("attack") and not how.endswith(result):
        result, detail = "other", f"{result} ({detail})"
    return Outcome(name, kind, how, result, detail, seconds, megabytes)


def _result(family: Family, item: Any, folder: Path) -> tuple[str, str]:
    try:
        family.read(item, folder)
    except family.error as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                return "other", "out of memory"
            cause = cause.__cause__
        fault = _text_fault(str(error), folder)
        return ("other", f"{fault}: {error!s:.200}") if fault else ("refused", str(error))
    except BaseException as error:  # noqa: BLE001 - to be told of, whatever it is
        return "other", f"{type(error).__name__}: {error!s:.200}"
    return "read", ""


# --- many processes -------------------------------------------------------------------------------


def run(
    names: Sequence[str],
    seed: int,
    workers: int = 1,
    *,
    patience: float = HANG_SECONDS,
    tell: Callable[[int], None] | None = None,
) -> list[Outcome]:
    """Reads inputs in other processes.

    Args:
        names: As in ``Outcome``.
        seed: Of the inputs that have a number.
        workers: Processes at a time.
        patience: Seconds of the clock after which an input hangs.
        tell: Called with the number of inputs done, now and then.

    Returns:
        An outcome for each, in no particular order.
    """
    jobs = _jobs(names)
    with ThreadPoolExecutor(workers) as pool:
        outcomes: list[Outcome] = []
        for found in pool.map(lambda job: _run_job(*job, seed, patience), jobs):
            outcomes += found
            if tell is not None:
                tell(len(outcomes))
    return outcomes


def _jobs(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Inputs of one family each, as many as a process is to read; attacks by themselves."""
    jobs: list[tuple[str, list[str]]] = []
    for family in FAMILIES:
        own = [name for name in names if name.startswith(f"{family}:")]
        for several in ([n for n in own if ":=" in n], [n for n in own if ":=" not in n]):
            starts = range(0, len(several), CHUNK)
            jobs += [(family, several[start : start + CHUNK]) for start in starts]
    return jobs


def _run_job(family: str, names: list[str], seed: int, patience: float) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while len(outcomes) < len(names):
        rest = names[len(outcomes) :]
        with tempfile.TemporaryDirectory() as made:
            task = {"family": family, "seed": seed, "names": rest, "made": made}
            if FAMILIES[family].apart and ":=" in "".join(rest):
                done = subprocess.run(
                    _command("make_attacks"), cwd=ROOT, input=json.dumps(task), text=True
                )
                if done.returncode:
                    raise RuntimeError(f"{family}: making attacks ended with {done.returncode}")
            outcomes += _run_process(task, patience)
    return outcomes


def _command(function: str) -> list[str]:
    """What runs a function of this module in a new process.

    Not ``multiprocessing``: that runs the main module again, which may be a test runner's.
    """
    return [sys.executable, "-c", f"from benchmarks import fuzz; fuzz.{function}()"]


def _run_process(task: dict[str, Any], patience: float) -> list[Outcome]:
    """Outcomes up to the end, or up to the input that ended the process: at least one."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    with tempfile.TemporaryFile("w+") as log, ours:
        with theirs:
            process = subprocess.Popen(
                _command("work"),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stderr=log,
                text=True,
                pass_fds=[theirs.fileno()],
            )
            stdin = cast(IO[str], process.stdin)
            with stdin:
                json.dump({**task, "channel": theirs.fileno()}, stdin)
        outcomes, begun, hangs = _listen(ours, len(task["names"]), patience)
        if hangs:
            process.kill()
        process.wait()
        if len(outcomes) < len(task["names"]):
            log.seek(0)
            said = [line.strip() for line in log.read().splitlines() if line.strip()]
            shown = " / ".join(said if len(said) < 6 else said[:3] + said[-3:])[:600]
            what = "hangs" if hangs else f"ended the process ({process.returncode}): {shown}"
            if begun is None:
                raise RuntimeError(f"{task['family']}: between inputs, {what}")
            outcomes.append(Outcome(*begun, "other", what))
    return outcomes


def _listen(
    channel: Connection, count: int, patience: float
) -> tuple[list[Outcome], tuple[str, str, str] | None, bool]:
    """The outcomes that a process told, the input that it was at last, and whether it hangs."""
    outcomes: list[Outcome] = []
    begun: tuple[str, str, str] | None = None
    with contextlib.suppress(EOFError):
        while len(outcomes) < count:
            # Before the first input is begun, the process imports torch, on a busy machine.
            if not channel.poll(patience if begun else HANG_SECONDS):
                return outcomes, begun, True
            if begun is None:
                begun = channel.recv()
            else:
                outcomes.append(Outcome(*channel.recv()))
                begun = None
    return outcomes, begun, False


# --- what is printed ------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=20_000, help="photos and tables in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", action="append", help="one input, as photo:17 or photo:=0 bytes")
    options = parser.parse_args(arguments)
    names = options.only or _all_names(options.inputs)
    start = time.perf_counter()
    outcomes = run(names, options.seed, options.workers, tell=lambda done: _tell(done, len(names)))
    _print_table(outcomes)
    spent = time.perf_counter() - start
    print(
        f"\n{len(outcomes)} inputs, seed {options.seed}, {options.workers} processes, {spent:.0f} s"
    )
    if options.only:
        for outcome in outcomes:
            print(outcome)
    failures = [outcome for outcome in outcomes if outcome.result == "other"]
    for outcome in failures:
        repeat = f"--seed {options.seed} --only {shlex.quote(outcome.name)}"
        print(f"{outcome.kind}, {outcome.how}: {outcome.detail}\n    {repeat}")
    return 1 if failures else 0


def _all_names(inputs: int) -> list[str]:
    names = []
    for name, family in FAMILIES.items():
        if not family.share:
            continue
        module = importlib.import_module(f"benchmarks.hostile.{family.module}")
        names += [f"{name}:={attack}" for attack in module.ATTACKS]
        names += [f"{name}:{number}" for number in range(round(inputs * family.share))]
    return names


def _tell(done: int, count: int) -> None:
    print(f"\r{done} of {count}", end="\n" if done == count else "", file=sys.stderr, flush=True)


def _print_table(outcomes: Sequence[Outcome]) -> None:
    print(
        f"{'':34}{'tried':>8}{'read':>8}{'refused':>9}{'other':>7}{'slowest s':>11}{'peak MB':>9}"
    )
    for family in FAMILIES:
        own = [one for one in outcomes if one.name.startswith(f"{family}:")]
        if not own:
            continue
        _print_row(family, own)
        for kind in sorted({one.kind for one in own}):
            _print_row(f"  {kind}", [one for one in own if one.kind == kind])
        for how in sorted({_short(one.how) for one in own}):
            _print_row(f"  · {how}", [one for one in own if _short(one.how) == how])
    _print_row("all", outcomes)


def _short(how: str) -> str:
    return "attack" if how.startswith("attack") else how


def _print_row(label: str, own: Sequence[Outcome]) -> None:
    counts = [sum(one.result == result for one in own) for result in ("read", "refused", "other")]
    seconds, megabytes = max(one.seconds for one in own), max(one.megabytes for one in own)
    print(
        f"{label:34}{len(own):8}{counts[0]:8}{counts[1]:9}{counts[2]:7}{seconds:11.2f}{megabytes:9.0f}"
    )


if __name__ == "__main__":
    sys.exit(main())
