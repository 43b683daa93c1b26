"""What goes wrong around a live page: lost connections, quick changes, several tabs."""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from blurdash.portrait import portrait_photo
from blurdash.ui.visitor.visit_end import GRACE_SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def values(page: Page) -> list[str]:
    """What some tiles show, once they are exact."""
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=90_000)
    return [
        page.get_by_test_id(f"readout-{name}").inner_text() for name in ("cosine", "l2", "psnr")
    ]


def upload(page: Page) -> None:
    photo = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(portrait_photo()[:, ::-1])).save(photo, "PNG")
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": photo.getvalue()}
    )
    expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", "Clean: Photo 1", timeout=60_000
    )
    page.keyboard.press("Escape")
    values(page)


def choose_face(page: Page, label: str) -> None:
    page.get_by_role("radio", name=label).click()


@pytest.mark.long
def test_face_changed_in_mid_drag_leaves_nothing_stale(page: Page):
    upload(page)
    slider = page.get_by_role("slider", name="Degree")
    slider.fill("20")
    choose_face(page, "Portrait")
    for degree in range(25, 75, 5):
        slider.fill(str(degree))
    expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", "Clean: Portrait", timeout=20_000
    )
    page.wait_for_function("() => window.__blurdash.answered?.degree === 70")
    mine = values(page)
    fresh = page.context.browser.new_page()
    fresh.goto(page.url.split("?")[0] + "?degree=70")
    assert mine == values(fresh)
    fresh.close()


class DroppedPart:
    """Drops what a run of the page sends of one of its parts, as Streamlit does on a busy machine.

    There the part runs by itself before that was sent; here it does so when it is asked next.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.part = ""
        self.dropping = False
        self.runs = 0  # of the page, ended since

    def stand_between(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda data: self._passes(data) and route.send(data))

    def _passes(self, data: str | bytes) -> bool:
        message = ForwardMsg.FromString(data)
        kind, delta = message.WhichOneof("type"), message.delta
        if kind == "delta" and delta.new_element.bidi_component.id.endswith(self.key):
            self.part = delta.fragment_id
        if kind == "script_finished" and self.dropping:
            self.runs += message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            self.dropping = not self.runs
        return not (self.dropping and kind == "delta" and delta.fragment_id == self.part)


@pytest.mark.long
def test_part_of_a_page_that_came_late_hides_nothing(
    browser: Browser, dashboard: Any, at_rest: Any
) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    late = DroppedPart("bd_curve_feed")
    page.route_web_socket("**/_stcore/stream", late.stand_between)
    page.goto(dashboard.address)
    at_rest(page)
    late.dropping = True
    page.get_by_role("combobox", name="Kernel").click()
    page.get_by_role("option").last.click()
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert late.part
    page.get_by_role("slider", name="Degree").fill("41")
    at_rest(page)
    expect(page.locator(".bd-context")).to_be_visible()
    page.close()


@pytest.mark.long
def test_two_tabs_do_not_disturb_each_other(page: Page, browser: Browser, dashboard, at_rest):
    other = browser.new_page()
    other.goto(dashboard.address)
    at_rest(other)
    upload(other)
    page.get_by_role("slider", name="Degree").fill("88")
    other.get_by_role("slider", name="Degree").fill("12")
    first, second = values(page), values(other)
    assert first != second
    assert page.get_by_role("slider", name="Degree").input_value() == "88"
    assert other.get_by_role("slider", name="Degree").input_value() == "12"
    # The other tab's photo is offered there and nowhere else.
    expect(page.locator(".bd-face")).to_have_count(1)
    other.close()


@pytest.mark.long
def test_window_resized_keeps_picture_and_numbers(page: Page, at_rest):
    before = values(page)
    for width, height in ((1920, 1080), (800, 900), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        at_rest(page)
        expect(page.locator(".bd-stage")).to_have_attribute("data-state", "exact", timeout=20_000)
        page.wait_for_function(
            "(one) => Math.abs(one.width - Math.min(1024, one.clientWidth * devicePixelRatio)) < 3",
            arg=page.locator(".bd-blurred .bd-picture").element_handle(),
        )
    assert values(page) == before


@pytest.mark.long
def test_link_written_by_a_stranger_opens_harmlessly(page: Page, dashboard, at_rest):
    page.goto(dashboard.address + "/?degree=9e99&angle=NaN&kernel=%3Cscript%3E&shift=a,b,c&mode=x")
    at_rest(page)
    assert page.get_by_role("slider", name="Degree").input_value() in {"100", "0", "30"}
    expect(page.locator(".stException")).to_have_count(0)


@pytest.mark.long
def test_server_gone_and_back(browser: Browser, own_dashboard, at_rest):
    dashboard = own_dashboard
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    try:
        page.goto(dashboard.address)
        at_rest(page)
        upload(page)
        page.get_by_role("slider", name="Degree").fill("44")
        at_rest(page)
        dashboard.stop()
        # Picture and numbers follow the hand without the server; a receipt is its own to give.
        page.get_by_role("slider", name="Degree").fill("66")
        picture = page.locator(".bd-blurred .bd-picture")
        expect(picture).to_have_attribute("aria-label", re.compile(" 66 px"))
        page.wait_for_function("() => window.__blurdash.read?.degree === 66")
        assert page.evaluate("() => window.__blurdash.read.by") == "page"
        dashboard.start()
        page.wait_for_function("() => window.__blurdash.answered?.degree === 66", timeout=30_000)
        assert page.get_by_role("slider", name="Degree").input_value() == "66"
        # The server has forgotten the photo; the tab has not, and sends it again.
        expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
            "aria-label", "Clean: Photo 1", timeout=60_000
        )
        at_rest(page)
        expect(page.locator(".bd-facts")).not_to_contain_text("sent again", timeout=20_000)
        expect(page.get_by_role("slider", name="Degree")).to_have_value("66")
        # What was forgotten on purpose does not come back.
        page.get_by_role("button", name="Add photo").click()
        page.get_by_role("button", name="Forget my photos").click()
        expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
            "aria-label", "Clean: Portrait", timeout=20_000
        )
        page.keyboard.press("Escape")
        visit = page.evaluate("() => window.__blurdash.session")
        dashboard.stop()
        dashboard.start()
        page.get_by_role("slider", name="Degree").fill("20")
        page.wait_for_function(
            "(old) => window.__blurdash.session !== old", arg=visit, timeout=90_000
        )
        at_rest(page)
        expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
            "aria-label", "Clean: Portrait"
        )
    finally:
        page.close()


# --- faults inside the server ---------------------------------------------------------------------

ROOT = Path(__file__).parents[2]

# Starts the dashboard as ever, with faults that files in a folder switch on and off:
# "broken" makes the recogniser fail on the mirrored portrait, which is the photo of these tests;
# "slow" makes it slow, and lists how much it embeds at once; "later" and "earlier" move the clock.
FAULTY = """
import os, pathlib, sys, time
from blurdash.embed.dlib_resnet import DlibEmbedder
from streamlit.web.cli import main

flags = pathlib.Path(os.environ["BLURDASH_TEST_FLAGS"])
honest, embed = time.time, DlibEmbedder.embed_crops

def jumping():
    years = (flags / "later").exists() - (flags / "earlier").exists()
    return honest() + years * 365 * 86_400

def faulty(self, crops):
    mirrored = crops[:, :, :75].mean() < crops[:, :, 75:].mean()
    if mirrored and (flags / "broken").exists():
        raise RuntimeError("what a visitor's photo looks like")
    if (flags / "slow").exists() and len(crops) > 1:
        with (flags / "slow").open("a") as file:
            file.write("x" * len(crops))
        time.sleep(0.05 * len(crops))
    return embed(self, crops)

time.time, DlibEmbedder.embed_crops = jumping, faulty
main()
"""


class Faulty:
    """A dashboard that can be broken, and what it has written to its log."""

    def __init__(self, folder: Path) -> None:
        self.flags = folder / "flags"
        self.flags.mkdir()
        self.port = free_port()
        self.address = f"http://localhost:{self.port}"
        self._log = folder / "log"
        (folder / "faulty.py").write_text(FAULTY)
        command = [sys.executable, str(folder / "faulty.py"), "run", "streamlit_app.py"]
        added = {"BLURDASH_TEST_FLAGS": str(self.flags), "PYTHONPATH": str(ROOT)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--server.port", str(self.port)],
                cwd=ROOT,
                env={**os.environ, "BLURDASH_OFFLINE": "1", **added},
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2).close()
                return
            time.sleep(0.2)
        raise RuntimeError("the dashboard did not start")

    @contextlib.contextmanager
    def switched(self, name: str) -> Iterator[Path]:
        flag = self.flags / name
        flag.touch()
        try:
            yield flag
        finally:
            flag.unlink()

    def log(self) -> str:
        return self._log.read_text()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """A dashboard to break; ends with a look into its log, where no visitor may be found."""
    dashboard = Faulty(tmp_path_factory.mktemp("faulty"))
    try:
        dashboard.wait()
        yield dashboard
    finally:
        dashboard.process.terminate()
        dashboard.process.wait(20)
    log = dashboard.log()
    assert "Traceback" not in log
    for word in ("photo looks like", "a.png", "Photo 1", "127.0.0.1", "/sweeps?", "degree="):
        assert word not in log.replace(f"http://localhost:{dashboard.port}", "")


def move(page: Page, degree: int) -> None:
    page.get_by_role("slider", name="Degree").fill(str(degree))
    picture = page.locator(".bd-blurred .bd-picture")
    expect(picture).to_have_attribute("aria-label", re.compile(f" {degree} px"))


def fresh_numbers(page: Page, degree: int) -> list[str]:
    """What the tiles show for a degree that the slider is moved to."""
    move(page, degree)
    page.wait_for_function(f"() => window.__blurdash.answered?.degree === {degree}", timeout=30_000)
    return values(page)


def sweep_own_photos(page: Page, step: str) -> None:
    page.get_by_role("link", name="Sweeps").click()
    page.get_by_role("button", name="Choose and run").click(timeout=30_000)
    page.get_by_role("combobox", name="Every").click(timeout=30_000)
    page.get_by_role("option", name=f"{step} px", exact=True).click()
    page.get_by_role("button", name="Sweep", exact=True).click(timeout=30_000)


@pytest.mark.long
def test_recogniser_that_fails_for_one_visitor(browser: Browser, faulty: Faulty):
    mine, other = browser.new_page(), browser.new_page()
    for page in (mine, other):
        page.goto(faulty.address)
        values(page)
    upload(mine)
    before = fresh_numbers(mine, 40)
    with faulty.switched("broken"):
        move(mine, 33)
        expect(mine.locator(".bd-facts")).to_contain_text(
            "The numbers could not be computed (RuntimeError); move a slider to try again"
        )
        assert fresh_numbers(other, 33) != before
        expect(other.locator(".bd-facts")).not_to_contain_text("could not be computed")
    assert fresh_numbers(mine, 34)
    expect(mine.locator(".bd-facts")).not_to_contain_text("could not be computed")
    assert fresh_numbers(mine, 40) == before

    with faulty.switched("broken"):
        sweep_own_photos(mine, "10")
        expect(mine.get_by_text("The recogniser dlib failed (RuntimeError")).to_be_visible(
            timeout=60_000
        )
        assert fresh_numbers(other, 41)
    mine.get_by_role("button", name="Choose and run").click()
    mine.get_by_role("button", name="Sweep", exact=True).click()
    expect(mine.get_by_text("your photos, 2 faces")).to_be_visible(timeout=60_000)
    expect(mine.get_by_text("The recogniser dlib failed")).to_have_count(0)
    mine.close()
    other.close()


@pytest.mark.long
def test_browser_closed_in_the_middle_of_a_sweep(browser: Browser, faulty: Faulty):
    page = browser.new_page()
    page.goto(faulty.address)
    values(page)
    upload(page)
    with faulty.switched("slow") as embedded:
        sweep_own_photos(page, "1")
        deadline = time.monotonic() + 60
        while embedded.stat().st_size == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        page.close()
        # Whoever only lost the connection is back by then; after that nothing is begun any more.
        time.sleep(GRACE_SECONDS + 2)
        done = embedded.stat().st_size
        time.sleep(3)
        assert embedded.stat().st_size == done < 202
    after = browser.new_page()
    after.goto(faulty.address)
    assert len(values(after)) == 3
    after.close()


@pytest.mark.long
def test_clock_that_jumps(browser: Browser, faulty: Faulty):
    page = browser.new_page()
    page.goto(faulty.address)
    upload(page)
    before = fresh_numbers(page, 20)
    for jump in ("later", "earlier"):
        with faulty.switched(jump):
            assert fresh_numbers(page, 21) != before
            assert fresh_numbers(page, 20) == before
            # Long enough for sessions and photos to be thrown away, if the time of day counted.
            page.wait_for_timeout(500)
        expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
            "aria-label", "Clean: Photo 1"
        )
    with faulty.switched("slow"):
        sweep_own_photos(page, "10")
        left = page.get_by_text(re.compile(r"\d+ s left"))
        with faulty.switched("later"):
            newcomer = browser.new_page()
            newcomer.goto(faulty.address)
            assert len(values(newcomer)) == 3
            newcomer.close()
            expect(left).to_be_visible(timeout=60_000)
            seconds = int(re.findall(r"(\d+) s left", left.inner_text())[0])
        assert 0 < seconds < 120
    expect(page.get_by_text("your photos, 2 faces")).to_be_visible(timeout=90_000)
    page.close()
