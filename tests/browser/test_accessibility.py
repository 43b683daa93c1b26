"""Every page, theme and state without a violation that axe-core finds, nor a word that is cut.

axe comes from npm.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOM

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm, which brings axe-core"),
]

DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
PATIENCE = 90_000


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core."""
    folder = tmp_path_factory.mktemp("axe")
    packed = subprocess.run(
        ["npm", "pack", "axe-core@4"], cwd=folder, capture_output=True, check=True, text=True
    )
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        file = archive.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


def explore(page: Page) -> None:
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=PATIENCE)


def argument(page: Page) -> None:
    page.locator(".bd-argument[data-state=exact]").wait_for(timeout=PATIENCE)


def sweeps(page: Page) -> None:
    page.locator(".sw-panel").first.wait_for(timeout=PATIENCE)


def method(page: Page) -> None:
    page.get_by_role("heading", name="What happens to my photo").wait_for(timeout=PATIENCE)


def guessing(page: Page) -> None:
    page.locator(".bd-guess").wait_for(timeout=PATIENCE)


def with_card(page: Page) -> None:
    explore(page)
    page.get_by_role("button", name="Card", exact=True).click()
    page.get_by_role("button", name="Save card").wait_for()


def adding_a_photo(page: Page) -> None:
    explore(page)
    page.get_by_role("button", name="Add photo").click()
    page.get_by_text("Upload photos").wait_for()


def presenting(page: Page) -> None:
    explore(page)
    page.keyboard.press("f")


def code_on_screen(page: Page) -> None:
    argument(page)
    page.keyboard.press("q")
    page.locator(".ba-code[open]").wait_for(timeout=PATIENCE)


def running(page: Page) -> None:
    sweeps(page)
    page.get_by_role("button", name="Choose and run").click()
    page.get_by_role("button", name="Sweep", exact=True).wait_for(timeout=PATIENCE)


SCENES = ("two-pictures", "pixels", "embedding", "angle", "sceptic", "how-often", "take-home")
STATES: dict[str, tuple[str, Callable[[Page], None], dict[str, int]]] = {
    "explore": ("/?shift=8,0", explore, DESK),
    "explore-blurred": ("/?degree=30&mode=swipe", explore, DESK),
    "explore-flicker": ("/?degree=30&mode=flicker", explore, DESK),
    "explore-guess": ("/", guessing, DESK),
    "explore-card": ("/?shift=8,0", with_card, DESK),
    "explore-photo": ("/?shift=8,0", adding_a_photo, DESK),
    "explore-present": ("/?shift=8,0", presenting, DESK),
    "explore-phone": ("/?shift=8,0", explore, PHONE),
    **{f"argument-{one}": (f"/argument?scene={one}", argument, DESK) for one in SCENES},
    "argument-code": ("/argument?scene=two-pictures", code_on_screen, DESK),
    "argument-phone": ("/argument?scene=two-pictures", argument, PHONE),
    "sweeps": ("/sweeps", sweeps, DESK),
    "sweeps-all": ("/sweeps?measure=all", sweeps, DESK),
    "sweeps-beside": ("/sweeps?beside=faceres", sweeps, DESK),
    "sweeps-run": ("/sweeps", running, DESK),
    "sweeps-phone": ("/sweeps", sweeps, PHONE),
    "method": ("/method", method, DESK),
}


CUT = """(all) => all.filter((one) => one.innerText && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.innerText)"""


# Each address once: some states are of one at another size, or with something open.
PLAIN = (explore, argument, sweeps, method)
ADDRESSES = {address: until for address, until, _ in STATES.values() if until in PLAIN}


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_button_is_cut_on_a_phone(browser: Browser, dashboard: Any, address: str) -> None:
    page = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
    page.goto(f"{dashboard.address}{address}")
    ADDRESSES[address](page)
    if "pixels" in address:
        page.locator(".ba-switch button").first.wait_for(timeout=PATIENCE)  # maps have come
    assert page.locator("button:visible").count() > 0
    assert page.locator("button:visible").evaluate_all(CUT) == []
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", STATES)
def test_axe_finds_nothing(
    browser: Browser, dashboard: Any, axe: str, name: str, theme: str, tmp_path: Path
) -> None:
    address, until, size = STATES[name]
    page = browser.new_page(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    if until is guessing:
        page.add_init_script("window.__blurdash.guessed = false;")
    # No code for phones leads to a page that was opened as localhost.
    base = dashboard.address.replace("localhost", ROOM if until is code_on_screen else "localhost")
    page.goto(f"{base}{address}")
    until(page)
    # What is drawn anew is faint until it has come.
    expect(page.locator(".stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=PATIENCE
    )
    page.wait_for_timeout(700)  # what fades in has come
    page.evaluate(axe)
    found = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    said = [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:160]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
    page.close()
    assert not said, "\n".join(said)
