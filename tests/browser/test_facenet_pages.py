"""Every page with a FaceNet file of random weights: named so, and nothing of dlib's unlabelled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from blurdash.ui.argument.story import SCENES
from blurdash.weights import sha256
from tests.browser.conftest import WITH_CURVES, Dashboard
from tests.facenet_files import write_random_weights

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def weights(tmp_path: Path) -> Iterator[Path]:
    """A file with the name, size and structure of the published one."""
    path = write_random_weights(tmp_path, seed=7)
    yield path
    path.unlink()  # pytest keeps the folders of three runs: 112 MB each


@pytest.fixture
def with_facenet(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    monkeypatch.setenv("BLURDASH_WEIGHTS_DIR", str(weights.parent))
    dashboard = Dashboard()
    dashboard.start()
    yield dashboard
    dashboard.stop()


def lines_with(page: Page, word: str) -> list[str]:
    """The lines of what is shown that have a word."""
    return [line for line in page.locator("body").inner_text().split("\n") if word in line]


@pytest.mark.long
def test_nothing_of_dlibs_stands_unlabelled_beside_facenets(
    browser: Browser, with_facenet: Dashboard, weights: Path, at_rest: Callable[[Page], None]
) -> None:
    named = f"FaceNet's structure, not the published weights (hash {sha256(weights)[:8]})"
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.add_init_script(WITH_CURVES)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    # Explore
    page.goto(f"{with_facenet.address}/?degree=40&shift=8,0")
    at_rest(page)
    expect(page.locator(".bd-recogniser")).to_have_text(f"{named}, 512 numbers")
    expect(page.locator(".bd-context")).to_contain_text(named)
    expect(page.locator(".bd-csv")).to_have_text("CSV", timeout=60_000)  # the curve is whole
    expect(page.locator(".bd-limit")).to_contain_text("no published threshold")
    expect(page.locator(".bd-gauge svg text")).to_have_count(0)
    lanes = page.locator(".bd-lanes")
    expect(lanes).not_to_contain_text("middle 80 %")
    assert lanes.locator("path[fill='var(--bd-embedding-band)']").count() == 0
    assert lanes.locator("path[fill='var(--bd-pixels-band)']").count() == 1
    assert lines_with(page, "dlib") == []

    # Argument
    page.get_by_role("link", name="Argument").click()
    for scene in SCENES.values():
        page.get_by_role("button", name=scene.title, exact=True).click()
        expect(page.locator("li [aria-current=step]")).to_have_text(scene.title)
        page.locator(".bd-argument[data-state=exact]").wait_for(timeout=60_000)
        expect(page.locator(".ba-facts")).to_contain_text(named)
        for line in lines_with(page, "dlib"):
            assert re.search(r"dlib ResNet-29|--embedder dlib", line), line
        if scene == SCENES["how-often"]:
            expect(page.locator(".ba-see")).to_contain_text(f"How often is that so by {named}?")
            expect(page.locator(".ba-flips")).to_have_count(0)

    # Sweeps
    page.get_by_role("link", name="Sweeps").click()
    expect(page.get_by_text(re.compile("Other faces were not measured with"))).to_be_visible()
    expect(page.locator(".sw-panel")).to_have_count(0)
    assert lines_with(page, "dlib") == []

    # Method
    page.get_by_role("link", name="Method").click()
    page.get_by_role("heading", name="What happens to my photo").wait_for()
    assert errors == []
    page.close()
