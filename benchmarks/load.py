"""Many visitors at once: how long each waits for a fresh number, and what it costs in memory.

    python -m benchmarks.load [--visitors 1 5 20] [--seconds 60] [--photos 0.5] [--sweepers 3]
    python -m benchmarks.load --scenes choice flood

Starts the dashboard on loopback, opens pages by the page's own WebSocket protocol, and lets each
visitor drag sliders without pause: every answer is followed at once by the next request, as from a
browser under a hand that does not rest. Some visitors upload a photo first, whose numbers are
shared with nobody; the others drag over the built-in portrait, whose numbers are, so each hand has
its own course. Prints every figure beside its target, all from one run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import math
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from benchmarks.visitor import Visitor
from blurdash.portrait import portrait_photo

ROOT = Path(__file__).parent.parent
PAUSE_SECONDS = 0.016  # as SEND_EVERY_MS in controls.js
SAMPLE_SECONDS = 10.0
MINUTE = 6  # samples
OPENING_AT_ONCE = 4
RELEASED_SECONDS = 15.0  # after which a closed tab's photos are gone
ALL_GONE_SECONDS = 60.0
MIB = 1 << 20


@dataclass
class Server:
    """The dashboard under load.

    Attributes:
        address: Host and port.
        process: Its process.
        log: What it wrote to its standard error.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def memory(self, what: str = "VmRSS") -> float:
        """Resident memory of the server, MiB; ``VmHWM`` for the most it has been."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith(what))
        return int(line.split()[1]) * 1024 / MIB

    def processor_seconds(self) -> float:
        """Time that the server has kept a core busy."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def complaints(self) -> list[str]:
        """Lines of its log that speak of an error."""
        self.log.seek(0)
        lines = self.log.read().decode("utf-8", "replace").splitlines()
        return [line for line in lines if "Traceback" in line or "Error" in line]


@dataclass
class Course:
    """Where a visitor's hand is: from place to place along one slider, then along another.

    Attributes:
        generator: Draws the places; another seed is another course.
    """

    generator: random.Random
    position: list[float] = field(default_factory=lambda: [30, 45.0, 0.0, 0.0])

    def __post_init__(self) -> None:
        self._start, self._slider = 0.0, 1
        self._leg()

    def at(self, now: float) -> tuple[float, float, float, float]:
        """The position at a time, s; later calls are for later times."""
        while now >= self._start + self._lasts:
            self.position[self._slider] = self._goal
            self._start += self._lasts
            self._leg()
        eased = 0.5 - 0.5 * math.cos(math.pi * (now - self._start) / self._lasts)
        here = list(self.position)
        here[self._slider] = round(here[self._slider] + eased * (self._goal - here[self._slider]))
        return here[0], here[1], here[2], here[3]

    def _leg(self) -> None:
        self._slider = 1 - self._slider
        low, high = ((2, 100), (-180, 180))[self._slider]
        self._goal = self.generator.randint(low, high)
        self._lasts = self.generator.uniform(0.8, 2.5)


@dataclass
class Tally:
    """What the visitors of one kind have seen.

    Attributes:
        waits: Seconds from a request to its fresh readout.
        repeated: How many of them were of a place that had been asked for before, by anybody who
            shares the numbers; those may come from memory.
    """

    waits: list[float] = field(default_factory=list)
    repeated: int = 0

    def line(self, seconds: float) -> str:
        if not self.waits:
            return "none"
        low, high = percentiles(self.waits)
        rate = len(self.waits) / seconds
        share = self.repeated / len(self.waits)
        return f"{low:.0f} / {high:.0f} ms, {rate:.1f} a second, {share:.0%} asked before"


@dataclass
class Figures:
    """What was measured of one number of visitors.

    Attributes:
        visitors: How many.
        seconds: How long they dragged.
        uploads: What those with a photo of their own have seen.
        portrait: What the others have seen.
        errors: In words.
        load: The machine's load average over the last minute.
        busy: Processor seconds of the server while they dragged.
        own: Processor seconds of this process meanwhile.
        empty: Memory of the server with all loaded and no page open, MiB.
        opened: With all pages open.
        samples: Every ten seconds from then on.
        most: The most it has been.
        sweepers: How many others swept meanwhile, and what the hands saw without them.
        gone: Memory a minute after all have left.
    """

    visitors: int
    seconds: float
    uploads: Tally = field(default_factory=Tally)
    portrait: Tally = field(default_factory=Tally)
    errors: list[str] = field(default_factory=list)
    load: float = 0.0
    busy: float = 0.0
    own: float = 0.0
    empty: float = 0.0
    opened: float = 0.0
    samples: list[float] = field(default_factory=list)
    most: float = 0.0
    sweepers: int = 0
    without: Tally = field(default_factory=Tally)
    gone: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each drags")
    parser.add_argument("--photos", type=float, default=0.5, help="share that uploads, 0..1")
    parser.add_argument("--sweepers", type=int, default=0, help="others, who sweep meanwhile")
    parser.add_argument("--scenes", nargs="*", choices=("choice", "flood"), default=())
    chosen = parser.parse_args()
    problems = 0
    if chosen.scenes:
        from benchmarks.load_scenes import play  # it uses this module

        sys.exit(play(chosen.scenes))
    for visitors in chosen.visitors:
        figures = asyncio.run(
            measure(visitors, chosen.seconds, chosen.photos, sweepers=chosen.sweepers, leave=True)
        )
        show(figures)
        problems += len(figures.errors)
    sys.exit(1 if problems else 0)


async def measure(
    count: int, seconds: float, photos: float, *, sweepers: int = 0, leave: bool = False
) -> Figures:
    """One server, ``count`` visitors who drag for so long; a share of them with a photo.

    With sweepers the hands first drag for as long without them. With ``leave`` the memory is looked
    at a minute after all have left.
    """
    figures = Figures(count, seconds, sweepers=sweepers)
    with dashboard() as server:
        uploads = range(math.ceil(photos * count))
        first = await warm_up(server, photo=bool(uploads))
        figures.empty = server.memory()
        visitors = await open_pages(server, count, uploads)
        figures.opened = server.memory()
        busy, own = server.processor_seconds(), time.process_time()
        watching = asyncio.create_task(watch(server, figures.samples))
        asked: set[object] = set()

        async def hands(uploaders: Tally, others: Tally) -> None:
            await asyncio.gather(
                *(
                    drag(one, n, seconds, uploaders if n in uploads else others, asked)
                    for n, one in enumerate(visitors)
                )
            )

        sweeping: list[Visitor] = []
        if sweepers:
            await hands(figures.without, figures.without)
            sweeping = [Visitor(server.address, page="sweeps") for _ in range(sweepers)]
            await asyncio.gather(*(one.open_sweeps() for one in sweeping))
            jobs = [asyncio.create_task(one.sweep_again_and_again()) for one in sweeping]
        await hands(figures.uploads, figures.portrait)
        for job in jobs if sweepers else ():
            job.cancel()
        watching.cancel()
        figures.busy = server.processor_seconds() - busy
        figures.own = time.process_time() - own
        figures.load, figures.most = os.getloadavg()[0], server.memory("VmHWM")
        await asyncio.gather(*(one.close() for one in [*visitors, *sweeping]))
        figures.errors = [text for one in [first, *visitors, *sweeping] for text in one.errors]
        if leave:
            await asyncio.sleep(ALL_GONE_SECONDS)
            figures.gone = server.memory()
        figures.errors += server.complaints()
    return figures


def show(figures: Figures) -> None:
    """Prints every figure beside its target."""
    count, seconds = figures.visitors, figures.seconds

    def line(what: str, value: str, target: str = "") -> None:
        print(f"{count:>3} {what:<46}{value:<58}{target}", flush=True)

    both = Tally(figures.uploads.waits + figures.portrait.waits)
    both.repeated = figures.uploads.repeated + figures.portrait.repeated
    target = f"p95 ≤ {150 if count == 1 else 1000} ms"
    line("visitors, to a fresh readout p50 / p95", both.line(seconds), target)
    line("… with a photo of their own", figures.uploads.line(seconds))
    line("… with the portrait", figures.portrait.line(seconds))
    if figures.sweepers:
        alone, beside = percentiles(figures.without.waits)[1], percentiles(both.waits)[1]
        line(f"… without {figures.sweepers} sweeps", figures.without.line(seconds))
        line("p95 beside sweeps / without", f"{beside / alone:.2f}", "≤ 2")
    line("longest wait", f"{1000 * max(both.waits, default=0):.0f} ms")
    line("errors", str(len(figures.errors)), "0")
    for text in sorted(set(figures.errors)):
        line("", f"{figures.errors.count(text)} × {text}"[:100])
    line("load average of the last minute", f"{figures.load:.1f}")
    line(
        "cores busy, server / visitors",
        f"{figures.busy / seconds:.2f} / {figures.own / seconds:.2f}",
    )
    each = 1000 * figures.busy / max(1, len(both.waits))
    line("processor time for each readout", f"{each:.0f} ms")
    line("memory with no / all pages open", f"{figures.empty:.0f} / {figures.opened:.0f} MiB")
    line("memory each 10 s", " ".join(f"{one:.0f}" for one in figures.samples))
    if len(figures.samples) > MINUTE:
        growth = figures.samples[-1] / figures.samples[MINUTE - 1] - 1
        line("memory after the first minute", f"{growth:+.1%}", "± 3 %")
    line("most memory", f"{figures.most:.0f} MiB")
    each = (max([*figures.samples, figures.opened]) - figures.empty) / count
    line("memory for each visitor", f"{each:.0f} MiB")
    if figures.gone:
        share = f"{figures.gone:.0f} MiB, {figures.gone / figures.empty:.2f} times"
        line("memory a minute after all have left / after one", share, "≤ 1.2")


async def warm_up(server: Server, *, photo: bool) -> Visitor:
    """A first visitor, who loads what all share, and leaves."""
    first = Visitor(server.address)
    await first.open()
    if photo:
        await first.add_photo(some_photo(0))
    await first.close()
    await asyncio.sleep(RELEASED_SECONDS)
    return first


async def open_pages(server: Server, count: int, uploads: Sequence[int]) -> list[Visitor]:
    """Opens every page, a few at a time; some upload a photo."""
    gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one(number: int) -> Visitor:
        visitor = Visitor(server.address)
        async with gate:
            await visitor.open()
            if number in uploads:
                await visitor.add_photo(some_photo(number))
        return visitor

    return list(await asyncio.gather(*(one(number) for number in range(count))))


def some_photo(number: int) -> bytes:
    """The portrait, mirrored and a little darker for each visitor, as JPEG."""
    picture = portrait_photo()[:, ::-1].astype(np.float32) * (1 - 0.01 * number)
    buffer = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


async def drag(
    visitor: Visitor, number: int, seconds: float, tally: Tally, asked: set[object]
) -> None:
    """Moves one visitor's sliders without pause, one request in flight."""
    course = Course(random.Random(number))
    face = visitor.answer.face if visitor.answer else ""
    whose = face if face == "portrait" else number
    await asyncio.sleep(random.Random(number).random())  # hands do not start together
    start = time.perf_counter()
    last = None
    while (now := time.perf_counter() - start) < seconds:
        await asyncio.sleep(PAUSE_SECONDS)
        position = course.at(now)
        if position == last:
            continue
        last = position
        try:
            took = await visitor.ask(position)
        except ConnectionError as error:
            visitor.errors.append(str(error))
            return
        if took is not None:
            tally.waits.append(took)
            tally.repeated += (whose, position) in asked
        asked.add((whose, position))


async def watch(server: Server, samples: list[float]) -> None:
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        samples.append(server.memory())


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile, ms."""
    ordered = sorted(seconds)
    high = ordered[max(0, math.ceil(0.95 * len(ordered)) - 1)]
    return 1000 * statistics.median(ordered), 1000 * high


@contextlib.contextmanager
def dashboard() -> Iterator[Server]:
    """The dashboard on a free port of loopback, offline, ended by its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, "BLURDASH_OFFLINE": "1"},
        )
        try:
            wait_for_server(f"http://localhost:{port}/_stcore/health")
            yield Server(f"localhost:{port}", process, log)
        finally:
            process.terminate()
            process.wait(20)


def wait_for_server(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("the dashboard did not start within a minute")


if __name__ == "__main__":
    main()
