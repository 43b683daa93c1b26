"""The dashboard on loopback and a browser to open it with."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).parents[2]
# A name under which phones could open the dashboard; the tests' browser takes it to loopback.
ROOM = "room.test"


class Dashboard:
    """The dashboard on a port of its own, which can be ended and started again."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
        command += ["--browser.serverAddress", ROOM]
        self.process = subprocess.Popen(
            [*command, "--server.port", str(self.port)],
            cwd=ROOT,
            env={**os.environ, "BLURDASH_OFFLINE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 90
        health = f"{self.address}/_stcore/health"
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=2):
                return
            time.sleep(0.2)
        raise RuntimeError("the dashboard did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


@pytest.fixture
def own_dashboard() -> Iterator[Dashboard]:
    """A dashboard that the test may end."""
    dashboard = Dashboard()
    dashboard.start()
    yield dashboard
    dashboard.stop()


@pytest.fixture(scope="session")
def dashboard() -> Iterator[Dashboard]:
    """The dashboard that tests share."""
    dashboard = Dashboard()
    dashboard.start()
    yield dashboard
    dashboard.stop()


# Explore opens with a guess, once a visit; most tests are of what comes after it.
PAST_THE_GUESS = "(window.__blurdash ??= new EventTarget()).guessed = true;"
# While the hand rests a page measures whole curves, which takes a processor for seconds. Most tests
# read nothing off them, so nothing is measured in idle time unless a page is WITH_CURVES. (This
# comes after PAST_THE_GUESS, which makes the object.)
WITHOUT_CURVES = (
    "Object.defineProperty(window.__blurdash, 'measurer',"
    " { get: () => null, set: () => {}, configurable: true });"
)
WITH_CURVES = "delete window.__blurdash.measurer;"
# Chromium draws panels of its address bar beforehand, in a process that takes most of a second for
# each page. A list of ours takes the place of Playwright's: all of that comes first.
SWITCHED_OFF = (
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,"
    "ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,TcpPortRandomizationWin,"
    "OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup"
)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                f"--host-resolver-rules=MAP {ROOM} localhost",
                f"--disable-features={SWITCHED_OFF}",
            ],
        )
        yield _prepared(browser)
        browser.close()


def _prepared(browser: Browser) -> Browser:
    """A browser whose visitors have guessed already, and whose pages rest while the hand does."""
    new_context, new_page = browser.new_context, browser.new_page

    def context_of(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.add_init_script(PAST_THE_GUESS + WITHOUT_CURVES)
        return context

    def page_of(**options: Any) -> Page:
        page = new_page(**options)
        page.add_init_script(PAST_THE_GUESS + WITHOUT_CURVES)
        return page

    browser.new_context, browser.new_page = context_of, page_of  # type: ignore[method-assign]
    return browser


@pytest.fixture(scope="session")
def at_rest() -> Callable[[Page], None]:
    """Waits until the tiles show exact numbers of where the sliders are."""

    def wait(page: Page) -> None:
        page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=90_000)

    return wait


@pytest.fixture
def page(browser: Browser, dashboard: Dashboard, at_rest: Callable[[Page], None]) -> Iterator[Page]:
    """The dashboard, open and with numbers; ends with a look at what went wrong in it."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    errors: list[str] = []
    remote: list[str] = []

    def note(address: str) -> None:
        if address.startswith("http") and not address.startswith(dashboard.address):
            remote.append(address)

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: note(request.url))
    page.goto(f"{dashboard.address}/?degree=30")  # blurred, not moved
    at_rest(page)
    yield page
    assert errors == []
    assert remote == []
    context.close()


def pair_of(page: Page, measure: str) -> tuple[str, str]:
    """What a measure says on Argument of the sharp and of the blurred picture, as they hang."""
    row = page.get_by_test_id(f"argue-{measure}")
    left, right = row.locator("[role=cell] > b, td").all_inner_texts()
    first = page.locator(".ba-pictures figcaption").first.inner_text()
    return (left, right) if first.startswith("sharp") else (right, left)
