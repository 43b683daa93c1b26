"""The story told with a clicker alone, presenting; and sliders that are dragged for long."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from blurdash.portrait import portrait_photo
from blurdash.ui.argument.story import SCENES

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.xdist_group("browser")]

SIZES = {"1366x768": {"width": 1366, "height": 768}, "1920x1080": {"width": 1920, "height": 1080}}
PATIENCE = 60_000
# What one sees of a scene: the headline, the rows, and every canvas that is shown.
SEEN = """(box) => {
  const canvases = [...box.querySelectorAll("canvas")].filter((one) => one.checkVisibility());
  const over = [...box.querySelectorAll(".ba-over")].map((one) => one.hidden + one.style.maskImage);
  const drawn = canvases.map((one) => one.toDataURL());
  const said = [".ba-see", ".ba-body"].map((one) => box.querySelector(one).innerText);
  return [...said, drawn, over];
}"""


def own_photo(page: Page) -> None:
    """Uploads another face than the portrait, on Explore."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(portrait_photo()[:, ::-1])).save(file, "PNG")
    page.get_by_role("button", name="Add photo").click()
    photo = {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page.locator("input[type=file]").set_input_files(photo)  # type: ignore[arg-type]
    expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", "Clean: Photo 1", timeout=PATIENCE
    )


@pytest.mark.parametrize("face", ["portrait", "photo"])
@pytest.mark.parametrize("size", SIZES)
def test_every_press_of_a_clicker_changes_something_to_see(
    browser: Browser,
    dashboard: Any,
    at_rest: Callable[[Page], None],
    size: str,
    face: str,
    tmp_path: Path,
) -> None:
    """The pictures of it are kept where BLURDASH_SCREENSHOTS says, to be looked at."""
    kept = Path(os.environ.get("BLURDASH_SCREENSHOTS", tmp_path))
    page = browser.new_page(viewport=SIZES[size])  # type: ignore[arg-type]
    page.goto(f"{dashboard.address}/?shift=8,0")
    at_rest(page)
    if face == "photo":
        own_photo(page)
    page.get_by_role("link", name="Argument", exact=True).click()
    argument = page.locator(".bd-argument")
    page.locator(".bd-argument[data-state=exact]").wait_for(timeout=PATIENCE)
    page.keyboard.press("f")
    presses = sum(1 + len(scene.presses) for scene in SCENES.values()) - 1
    before: Any = None
    for press in range(presses + 1):
        if press:
            page.keyboard.press("PageDown")
        deadline = time.monotonic() + 30
        while argument.evaluate(SEEN) == before:
            assert time.monotonic() < deadline, f"press {press} changed nothing"
            page.wait_for_timeout(100)
        page.locator(".bd-argument[data-state=exact]").wait_for(timeout=PATIENCE)
        page.wait_for_timeout(400)  # rows fade in
        page.screenshot(path=kept / f"talk-{size}-{face}-{press:02}.png")
        fits = page.evaluate(
            "() => [document.querySelector('.stMain').scrollHeight - innerHeight,"
            " document.documentElement.scrollWidth - innerWidth]"
        )
        assert max(fits) <= 0, (press, fits)
        before = argument.evaluate(SEEN)
    assert page.locator(".bd-argument[data-scene=take-home]").count() == 1
    page.close()


DRAGGED = 10_000  # ms
# Drags a slider to and fro by its events, a step a frame, and notes how long frames take.
DRAG = """(input, lasts) => new Promise((done) => {
  const [low, high] = [Number(input.min), Number(input.max)];
  const step = Number(input.step) || 1;
  const frames = [];
  const begun = performance.now();
  let last = begun, at = Number(input.value), way = step;
  const run = (now) => {
    frames.push(now - last);
    last = now;
    if (now - begun > lasts) return done(frames);
    at += way * Math.max(1, Math.round((high - low) / step / 200));
    if (at >= high || at <= low) way = -way;
    input.value = String(Math.min(high, Math.max(low, at)));
    input.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(run);
  };
  requestAnimationFrame(run);
})"""
NEVER_MOVE = (
    ".bd-tiles .bd-figure",
    ".bd-believe",
    ".bd-clean .bd-frame",
    ".ba-frame",
    ".sw-panel",
)
PLACES = [
    ("/?shift=8,0", "Degree"), ("/?shift=8,0", "Angle"), ("/?shift=8,0", "Shift x"),
    ("/?degree=30", "Shift y"), ("/argument?scene=pixels", "Degree"),
    ("/argument?scene=pixels", "Shift x"), ("/argument?scene=embedding", "Degree"),
    ("/argument?scene=sceptic", "Degree"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "name"), PLACES)
def test_nothing_moves_and_frames_keep_up_while_a_slider_is_dragged(
    browser: Browser, dashboard: Any, address: str, name: str
) -> None:
    page = browser.new_page(viewport=SIZES["1366x768"])  # type: ignore[arg-type]
    page.goto(f"{dashboard.address}{address}")
    page.locator(".bd-tiles[data-state=exact], .bd-argument[data-state=exact]").first.wait_for(
        timeout=90_000
    )
    slider = page.get_by_role("slider", name=name, exact=True)
    slider.wait_for(timeout=PATIENCE)
    before = boxes(page)
    frames = slider.evaluate(DRAG, DRAGGED)
    assert boxes(page) == before, "what never moves has moved"
    median = float(np.median(frames[5:]))
    assert median <= 17.5, median  # 60 a second, and a rounding of the clock
    page.close()


def boxes(page: Page) -> list[Any]:
    """Where the things are that the drawings say never move."""
    return [
        {key: round(value) for key, value in (one.bounding_box() or {}).items() if key != "width"}
        for selector in NEVER_MOVE
        for one in page.locator(selector).all()
        if one.is_visible()
    ]
