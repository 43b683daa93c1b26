"""Explore and the story in one file: opened from a disk, with the network off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from blurdash.blur import Change
from blurdash.disturb import Disturbance
from blurdash.measures import ARGUMENT_MEASURES, QUICK
from blurdash.page_file import page_file
from blurdash.portrait import portrait_face
from blurdash.readout import PreparedFace
from blurdash.ui.argument.story import SCENES
from tests.browser.conftest import pair_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TILES = {"cosine": "cosine_similarity", "l1": "l1", "l2": "l2", "psnr": "psnr", "ssim": "ssim"}
WITHIN = {"cosine_similarity": 1e-4, "l1": 4e-3, "l2": 1e-3, "psnr": 1e-2, "ssim": 1e-4}


def written(folder: Path, embedder: Any) -> Path:
    """A file with one kernel: the other is made the same way."""
    path = folder / "face.html"
    path.write_text(page_file(None, embedder, kernels=("study",)).text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any, dlib_embedder: Any) -> Path:
    return written(tmp_path_factory.mktemp("one"), dlib_embedder)


@pytest.fixture(scope="module")
def made_of_explore(tmp_path_factory: Any, dlib_embedder: Any) -> Path:
    """One without the story, and with every tenth point of the curve: a fifth of the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blurdash.page_file.story_part", lambda *_: {"scenes": {}, "often": None})
        patch.setattr("blurdash.ui.one_file.explore.COARSE_FIRST", range(0, 101, 10))
        return written(tmp_path_factory.mktemp("explore"), dlib_embedder)


@pytest.fixture
def offline(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a network, in which nothing may go wrong and nothing be asked."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True)
    wrong: list[str] = []
    context.on("request", lambda one: wrong.append(one.url) if "://" in one.url[:8] else None)
    context.on("weberror", lambda one: wrong.append(str(one.error)))
    context.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
    yield context
    assert [one for one in wrong if not one.startswith(("file://", "blob:"))] == []
    context.close()


def opened(context: BrowserContext, path: Path) -> Page:
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_function("() => window.__blurdash?.numbers?.key", timeout=30_000)
    return page


def shown(page: Page, name: str) -> float:
    return float(page.get_by_test_id(f"readout-{name}").inner_text())


def test_dragged_it_has_the_command_lines_numbers(
    offline: BrowserContext, made_of_explore: Path, dlib_embedder: Any
) -> None:
    page = opened(offline, made_of_explore)
    expect(page.locator(".bd-say")).to_contain_text("Not blurred at all, only moved by 8 px. ")
    expect(page.locator("[data-tile=psnr] .bd-like b")).to_contain_text("px")
    thumb = page.get_by_role("slider", name="Degree").bounding_box()
    assert thumb is not None
    y = thumb["y"] + thumb["height"] / 2
    page.mouse.move(thumb["x"] + 10, y)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(thumb["x"] + 10 + step * thumb["width"] / 60, y)
    page.mouse.up()
    page.get_by_role("slider", name="Angle").fill("20")
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=20_000)
    degree = int(page.get_by_role("slider", name="Degree").input_value())
    assert degree > 30
    assert page.evaluate("() => window.__blurdash.read.by") == "page"
    face = PreparedFace(portrait_face(), dlib_embedder, kernel="study")
    wanted = face.readout(Change(degree, 20.0, shift_x=8)).values
    for tile, name in TILES.items():
        decimals = ARGUMENT_MEASURES[name].decimals if name in ARGUMENT_MEASURES else 4
        assert shown(page, tile) == pytest.approx(
            wanted[name], abs=WITHIN[name] + 0.5 * 10**-decimals
        )
    expect(page.locator(".bd-say")).to_contain_text(f"Blurred by {degree} px and moved by 8 px.")
    expect(page.get_by_role("button", name="Copy receipt")).to_be_hidden()


@pytest.mark.long
def test_the_story_is_told_to_its_end(
    offline: BrowserContext, made: Path, dlib_embedder: Any
) -> None:
    page = opened(offline, made)
    page.get_by_role("button", name="The argument").click()
    total = page.get_by_test_id("votes-total")
    expect(total).to_have_text("nobody has voted yet")
    page.get_by_role("button", name="A looks sharper", exact=True).click()
    expect(total).to_have_text("1 has voted")
    expect(page.get_by_role("button", name="Vote by phone")).to_have_count(0)
    page.keyboard.press("PageDown")
    expect(page.get_by_test_id("argue-room")).to_contain_text("of 1")
    page.get_by_role("button", name="Vote again").click()
    expect(total).to_have_text("nobody has voted yet")
    page.get_by_label("Hands for A").fill("5")
    page.get_by_label("Hands for B").fill("4")
    page.get_by_role("button", name="Count").click()
    expect(total).to_have_text("9 have voted")
    page.get_by_role("button", name="Show the room →").click()
    expect(page.locator(".ba-see")).to_contain_text("5 of 9 chose A")
    page.keyboard.press("PageDown")
    page.locator(".bd-argument[data-scene=pixels][data-by=page]").wait_for()
    expect(page.locator(".ba-see")).to_contain_text("5 of you chose A.")
    expect(page.locator(".ba-over:not([hidden])")).to_have_count(2)
    page.get_by_role("slider", name="Degree").fill("12")
    page.get_by_role("slider", name="Shift x").fill("3.5")
    page.locator(".bd-argument[data-state=exact]").wait_for()
    expect(page.locator(".ba-over:not([hidden])")).to_have_count(0)  # of another place
    face = PreparedFace(portrait_face(), dlib_embedder, kernel="study")
    for i, change in enumerate((Disturbance(x=3.5), Change(12, 45.0))):
        wanted = face.values(change, QUICK)["psnr"]
        text = pair_of(page, "psnr")[i]
        assert float(text.split()[0]) == pytest.approx(wanted, abs=0.015)
    for scene in ("embedding", "angle", "sceptic", "how-often", "take-home", "how-often"):
        page.get_by_role("button", name=SCENES[scene].title, exact=True).click()
        page.locator(f".bd-argument[data-scene={scene}][data-state=exact]").wait_for()
    expect(page.locator(".ba-see")).to_contain_text("Of 30 other faces, with 8 px against 30 px:")
    expect(page.locator(".ba-flips button.ba-here")).to_have_count(3)
    page.get_by_role("button", name=re.compile("^16 px of shift against 100 px.*PSNR")).click()
    expect(page.locator(".ba-see")).to_contain_text("with 16 px against 100 px:")


@pytest.mark.long
def test_it_runs_inside_of_another_page_that_forbids_it_everything_else(
    offline: BrowserContext, made: Path
) -> None:
    outer = made.with_name("outer.html")
    outer.write_text(
        f'<iframe sandbox="allow-scripts" src="{made.name}" width="1300" height="740"></iframe>',
        encoding="utf-8",
    )
    page = offline.new_page()
    page.goto(outer.as_uri())
    frame = page.frame_locator("iframe")
    frame.get_by_role("slider", name="Degree").fill("60")
    expect(frame.locator(".bd-tiles")).to_have_attribute("data-state", "exact", timeout=30_000)
    expect(frame.locator(".bd-say")).to_contain_text("Blurred by 60 px and moved by 8 px.")
    frame.get_by_role("button", name="Light or dark").click()
    frame.get_by_text("About this file").click()
    expect(frame.get_by_text("This file holds the built-in portrait")).to_be_visible()


@pytest.mark.long
def test_without_a_core_it_says_so_and_shows_the_first_numbers(
    browser: Browser, made: Path
) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.add_init_script("WebAssembly.validate = () => false;")
    page.goto(made.as_uri())
    expect(page.get_by_role("alert").first).to_contain_text("This browser cannot compute here")
    expect(page.get_by_test_id("readout-psnr")).to_have_text("23.31")
    page.get_by_role("slider", name="Degree").fill("60")
    expect(page.locator("[data-tile=psnr] .bd-hint")).to_contain_text("at 0 px")
    page.close()
