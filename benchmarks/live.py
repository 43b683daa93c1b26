"""What a hand at the sliders feels, measured in Chromium on the running dashboard.

    python -m benchmarks.live [--seconds 6] [--facenet] [--far] [--one-file]

Starts the dashboard on loopback, opens it in headless Chromium, moves the sliders anew in every
frame, and prints every figure beside its target, all from one run. Machines differ by more than
programs do: rates and delays are printed also in exact readouts, of which each was timed alone in
the same page, at rest. Where targets were set, one took 41 ms by dlib's network.

With --facenet the same by FaceNet's structure with random weights; with --far over a connection of
300 ms each way; with --one-file the time from opening a page in one file to its first number.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.far_line import far_line
from benchmarks.live_scripts import ALONE, FLICK, HAND, RESTS, SEEN, WATCH
from tests.browser.conftest import PAST_THE_GUESS
from tests.facenet_files import write_random_weights

ROOT = Path(__file__).parent.parent
FLICKS = 25
LONG_DRAG_SECONDS = 30
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FAR_SECONDS = 0.3
SETTLED_SECONDS = 10  # what opening a page leaves the server to do
# Of exact numbers: how many a second, and how late, at most.
GOALS = {"dlib": ("≥ 20", "p95 ≤ 70 ms"), "FaceNet": ("≥ 8", "p95 ≤ 200 ms")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="of each drag (default: 6)")
    for name in ("facenet", "far", "one-file"):
        parser.add_argument(f"--{name}", action="store_true", help="see above (default: not)")
    asked = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=BROWSER_FLAGS
        )
        with dashboard() as (url, server):
            dragged_by_dlib(browser, url, server, asked.seconds)
            if asked.far:
                with far_line(url, FAR_SECONDS) as far:
                    dragged(browser, far, asked.seconds, "far away").close()
        if asked.facenet:
            with random_facenet() as folder, dashboard(BLURDASH_WEIGHTS_DIR=folder) as (url, _):
                query = "/?recogniser=facenet-vggface2"
                dragged(browser, url + query, asked.seconds, "FaceNet", "FaceNet").close()
        if asked.one_file:
            one_file(browser)
        browser.close()


def dragged_by_dlib(browser: Browser, url: str, server: int, seconds: float) -> None:
    """All that is measured of the page as it opens."""
    first_page(browser, url)
    for width, height in ((1366, 768), (1680, 968), (1920, 1080)):
        page = dragged(browser, url, seconds, f"{width} × {height}", size=(width, height))
        at_rest(page)
        flicks(page)
        page.close()
    load_of_a_page(browser, url, server)


def dragged(
    browser: Browser,
    address: str,
    seconds: float,
    where: str,
    whose: str = "dlib",
    size: tuple[int, int] = (1366, 768),
) -> Page:
    """Opens a page, times a readout alone, and drags both sliders; returns the page."""
    page, sent, alone = settled(browser, address, size)
    report(f"{where}: an exact readout alone, {whose}", f"{alone:.0f} ms", "41 ms by dlib")
    for name in ("Angle", "Degree"):
        before = len(sent)
        drag(page, name, seconds, f"{name}, {where}", alone, whose)
        report(f"{name}: frames sent while dragging", str(len(sent) - before), "0")
        before = len(sent)
        page.wait_for_timeout(5000)
        report(f"{name}: frames sent after it", str(len(sent) - before), "≤ 1")
    return page


def settled(
    browser: Browser, address: str, size: tuple[int, int] = (1366, 768)
) -> tuple[Page, list[int], float]:
    """A page with nothing left to do, the frames that it sends, and a readout alone in it, ms."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.add_init_script(PAST_THE_GUESS)
    sent = count_sent(page)
    page.goto(address)
    wait_for_number(page)
    wait_for_network(page)
    page.wait_for_timeout(SETTLED_SECONDS * 1000)
    return page, sent, statistics.median(page.evaluate(ALONE))


@contextlib.contextmanager
def random_facenet() -> Iterator[str]:
    """A folder with a file of the published one's name and structure, and random weights."""
    with tempfile.TemporaryDirectory() as folder:
        write_random_weights(Path(folder), seed=7)
        yield folder


def one_file(browser: Browser) -> None:
    """From opening a page in one file to its first number, found in the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.html"
        command = [sys.executable, "-m", "blurdash", "page", "--out", str(path)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        for what in ("one file, first time", "one file, again"):
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            start = time.monotonic()
            page.goto(path.as_uri())
            page.wait_for_function("() => window.__blurdash?.numbers?.key", timeout=60_000)
            report(f"{what}: to its first number", f"{time.monotonic() - start:.2f} s", "≤ 3 s")
            page.close()


@contextlib.contextmanager
def dashboard(**more: str) -> Iterator[tuple[str, int]]:
    """The dashboard on a free port of loopback, and its process id, by which it is ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        "--server.port",
        str(port),
    ]
    environment, nowhere = {**os.environ, **more}, subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=ROOT, stdout=nowhere, stderr=nowhere, env=environment)
    try:
        wait_for_server(f"http://localhost:{port}/_stcore/health")
        yield f"http://localhost:{port}", server.pid
    finally:
        server.terminate()
        server.wait(10)


def wait_for_server(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("the dashboard did not start within a minute")


def report(what: str, value: str, target: str = "") -> None:
    print(f"{what:<52}{value:>28}   {target}")


def first_page(browser: object, url: str) -> None:
    """The very first visitor: the recogniser is not loaded yet."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})  # type: ignore[attr-defined]
    remote: list[str] = []
    page.on("request", lambda r: remote.append(r.url) if is_remote(r.url, url) else None)
    start = time.monotonic()
    page.goto(url)
    page.locator(".bd-stage[data-view]").wait_for(timeout=60_000)
    report("first page: picture visible", f"{time.monotonic() - start:.2f} s", "≤ 2.5 s")
    wait_for_number(page)
    report("first page: first live number", f"{time.monotonic() - start:.2f} s", "≤ 6 s")
    page.wait_for_timeout(1000)
    report("requests to other hosts", str(len(remote)), "0")
    page.close()


def is_remote(address: str, url: str) -> bool:
    return address.startswith("http") and not address.startswith(url)


def wait_for_number(page: Page) -> None:
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=60_000)


def wait_for_network(page: Page) -> None:
    """Waits until the page reads out by itself and has nothing else to do."""
    page.wait_for_function("() => window.__blurdash.numbers?.key", timeout=60_000)
    page.wait_for_function("() => window.__blurdash.curve?.degrees.length === 101", timeout=60_000)
    page.wait_for_timeout(3000)


def count_sent(page: Page) -> list[int]:
    """A list that grows with every frame that the page sends."""
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda *_: sent.append(1)))
    return sent


def seconds_of_processor(pid: int) -> float:
    """What a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load_of_a_page(browser: Browser, url: str, server: int) -> None:
    """What a hand costs the server beyond what an idle one takes; its clock counts hundredths."""
    page, sent, alone = settled(browser, url)
    before = seconds_of_processor(server)
    page.wait_for_timeout(1000 * LONG_DRAG_SECONDS)
    idle = seconds_of_processor(server) - before
    before, frames = seconds_of_processor(server), len(sent)
    drag(page, "Degree", LONG_DRAG_SECONDS, f"Degree, {LONG_DRAG_SECONDS} s", alone)
    spent = seconds_of_processor(server) - before
    report("frames sent in these", str(len(sent) - frames), "0")
    report("the server's processor, idle", f"{idle / LONG_DRAG_SECONDS:.2%}")
    more = 50 * (spent - idle) / LONG_DRAG_SECONDS
    report("the hand's part of it, times 50", f"{more:.0%}", "≤ 5 %")
    page.close()


def drag(
    page: Page, name: str, seconds: float, title: str, alone: float, whose: str = "dlib"
) -> None:
    """A hand that swings a slider to and fro, to another place in every frame; all is counted."""
    page.evaluate(WATCH)
    size = page.locator(".bd-blurred .bd-picture").evaluate("(canvas) => canvas.width")
    report(f"{title}: display size", f"{size} px")
    paints = by_mouse(page, name, seconds / 2)
    report(f"{title}: mouse to picture p50 / p95", percentiles(paints), "p95 ≤ 16 ms")
    seen = page.get_by_role("slider", name=name, exact=True).evaluate(HAND, seconds)
    span = seen["ms"] / 1000
    numbers = sorted(seen["numbers"])
    report(f"{title}: frames a second", f"{seen['frames'] / span:.0f}", "≥ 50 (512), ≥ 40 (1024)")
    report(f"{title}: pictures a second", f"{len(seen['paint']) / span:.0f}")
    rate, (enough, soon) = len(numbers) / span, GOALS[whose]
    report(f"{title}: all numbers, exact, a second", f"{rate:.1f}", enough)
    report(f"{title}: the same for each readout alone", f"{rate * alone / 1000:.2f}", "≥ 0.82")
    report(f"{title}: hand to exact numbers", percentiles(numbers), soon)
    if numbers:
        times = [f"{at / alone:.1f}" for at in (statistics.median(numbers), late(numbers))]
        report(f"{title}: the same in readouts alone", " / ".join(times), "p95 ≤ 1.7")


def by_mouse(page: Page, name: str, seconds: float) -> list[float]:
    """How long pictures take after events of a real mouse, which come just before a frame; ms."""
    box = page.get_by_role("slider", name=name, exact=True).bounding_box()
    if box is None:
        raise RuntimeError(f"the slider {name} is not on the page")
    y, left, width = box["y"] + box["height"] / 2, box["x"] + 9, box["width"] - 18
    page.mouse.move(left + width / 2, y)
    page.mouse.down()
    page.evaluate("window.__watch.start()")
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        page.mouse.move(left + width * (0.5 - 0.45 * math.cos(1.7 * passed)), y)
        time.sleep(0.008)
    paints: list[float] = page.evaluate("window.__watch.stop()")["paint"]
    page.mouse.up()
    return sorted(paints)


def at_rest(page: Page) -> None:
    """Single moves, each awaited: from the hand to the exact number."""
    times = page.evaluate(RESTS)
    report("hand to all numbers at rest p50 / p95", percentiles(sorted(times)), "≤ 90 / 150 ms")


def flicks(page: Page) -> None:
    """Quick moves to a random place; in the end slider, picture and numbers must agree."""
    good = 0
    for number in range(FLICKS):
        end = 7 + (number * 37) % 90
        page.evaluate(FLICK, [end, (number * 53) % 360 - 180])
        page.wait_for_timeout(60)
        page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=10_000)
        page.locator(".bd-stage[data-state=exact]").wait_for(timeout=10_000)
        seen = page.evaluate(SEEN)
        good += set(seen.values()) == {end}
    report("quick flicks that end equal", f"{good} of {FLICKS}", f"{FLICKS} of {FLICKS}")


def percentiles(times: list[float]) -> str:
    if not times:
        return "none"
    return f"{statistics.median(times):.0f} / {late(times):.0f} ms"


def late(times: list[float]) -> float:
    """The 95th percentile of sorted times."""
    return times[min(len(times) - 1, math.ceil(0.95 * len(times)) - 1)]


if __name__ == "__main__":
    main()
