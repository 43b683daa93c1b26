"""What happens to a photo: each sentence of the note on the page, held against a real server."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from blurdash.portrait import portrait_face
from blurdash.ui.app import ICON
from blurdash.ui.server.encoding import encoded
from tests.process_memory import found_in_memory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A face crop that is taken whole, with a strip that occurs nowhere else in the world."""
    canvas = portrait_face().canvas[:, ::-1].copy()
    canvas[:8, :512] = np.random.default_rng(20261125).integers(0, 256, (8, 512, 3), np.uint8)
    return canvas


def upload(page: Page, photo: np.ndarray) -> None:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "Jane_Doe_holiday.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", "Clean: Photo 1", timeout=60_000
    )
    page.keyboard.press("Escape")


def test_photo_leaves_memory_when_the_tab_is_closed(browser: Browser, dashboard, at_rest, photo):
    pid = dashboard.process.pid
    pixels, png = photo[3, 100:164].tobytes(), encoded(photo)[200_000:200_064]
    assert found_in_memory(pid, pixels, png) == 0
    page = browser.new_page()
    page.goto(dashboard.address)
    at_rest(page)
    upload(page, photo)
    page.get_by_role("slider", name="Degree").fill("61")
    at_rest(page)
    # The other page that computes with it, in the background too.
    page.get_by_role("link", name="Argument").click()
    page.locator(".bd-argument[data-state=exact]").wait_for(timeout=60_000)
    page.get_by_role("button", name="PSNR and SSIM").click()
    expect(page.locator(".ba-over:not([hidden])")).to_have_count(2, timeout=60_000)
    assert found_in_memory(pid, pixels) > 0  # the search finds what is there
    page.close()
    # The server is idle now: nobody else comes by to push the old session out.
    promised = time.monotonic() + 15
    while True:
        begun = time.monotonic()  # a search takes seconds where the machine is slow
        left = found_in_memory(pid, pixels, png)
        if not left:
            break
        assert begun < promised, left
        time.sleep(0.5)


@pytest.mark.long
def test_forget_drops_the_photo_at_once(browser: Browser, own_dashboard, at_rest, photo):
    pid = own_dashboard.process.pid
    page = browser.new_page()
    page.goto(own_dashboard.address)
    at_rest(page)
    upload(page, photo)
    at_rest(page)
    page.get_by_role("button", name="Add photo").click()
    page.get_by_role("button", name="Forget my photos").click()
    expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", "Clean: Portrait", timeout=20_000
    )
    page.keyboard.press("Escape")
    # Reruns of the page replace what its last run still held.
    for degree in (20, 40, 60):
        page.get_by_role("slider", name="Degree").fill(str(degree))
        page.wait_for_function(f"() => window.__blurdash.answered?.degree === {degree}")
    at_rest(page)
    deadline = time.monotonic() + 60
    while (
        left := found_in_memory(pid, photo[3, 100:164].tobytes())
    ) and time.monotonic() < deadline:
        time.sleep(1)
    assert left == 0
    page.close()


@pytest.mark.long
def test_photo_is_in_no_file_and_no_address(page: Page, at_rest, photo):
    before = {path: path.stat().st_mtime_ns for path in _files()}
    media: list[str] = []
    page.on("response", lambda r: media.append(r.url) if "/media/" in r.url else None)
    upload(page, photo)
    page.get_by_role("slider", name="Degree").fill("33")
    expect(page).to_have_url(re.compile("degree=33"), timeout=20_000)
    at_rest(page)
    icon = ICON.stat().st_size
    # No picture has an address that another could open, but for the page's own icon.
    assert all(len(page.request.get(address).body()) <= 2 * icon for address in media)
    assert "Jane" not in page.url
    assert "Jane" not in page.content()
    touched = [path for path in _files() if before.get(path) != path.stat().st_mtime_ns]
    assert touched == []


def _files() -> list[Path]:
    """Files that a server could have left behind: the project's and the user's cache."""
    root = Path(__file__).parents[2]
    places = [root / "blurdash", root / "assets", root / ".streamlit", Path.home() / ".streamlit"]
    found = [path for place in places if place.is_dir() for path in place.rglob("*")]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


@pytest.mark.long
def test_environment_of_these_tests():
    """The searches above read this user's processes; without the right they would find nothing."""
    assert found_in_memory(os.getpid(), b"x" * 3) > 0
