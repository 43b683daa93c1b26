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
from tests.browser.conftest import WITH_CURVES

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
    page.add_init_script(WITH_CURVES)
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
        # The sceptic's table takes its time; the pictures of this journey are to be of its numbers.
        expect(argument.locator(".ba-below")).not_to_contain_text("···", timeout=PATIENCE)
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
# What the drawings say never moves, whatever the hand does.
NEVER_MOVE = (
    ".bd-block", ".bd-figure", ".bd-frame", ".bd-controls", ".bd-row", ".bd-share",
    ".ba-frame", ".ba-verdict-row", ".ba-sliders", ".ba-rail", ".sw-panel", ".sw-tools", ".sw-foot",
)  # fmt: skip
# Drags to and fro for a while, a step a frame: a slider by its events, a graph by a pointer over
# it.  Tells how long frames took, what moved, and numbers beside which their setting was not said.
DRAG = """(target, { lasts, never }) => new Promise((done) => {
  const all = [...document.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot?.querySelectorAll("*") ?? [])]);
  const roots = [document, ...all.map((one) => one.shadowRoot).filter(Boolean)];
  // A row may be built anew: what counts is what stands there.
  // Numbers of a place that the hand has left stand at 38 %, as drawn, and no fainter.
  const seen = () => roots.flatMap((root) => [...root.querySelectorAll(never)]).filter((one) => one.checkVisibility());
  const placeOf = (one) => { const { x, y } = one.getBoundingClientRect(); return `${one.classList[0]} at ${Math.round(x)}, ${Math.round(y)}${one.matches(".ba-verdict-row") && Number(getComputedStyle(one).opacity) < 0.37 ? ", hardly to be read" : ""}`; };
  const places = () => seen().map(placeOf);
  const blocks = all.filter((one) => one.matches(".bd-embedding, .bd-pixels"));
  const argument = all.find((one) => one.matches(".bd-argument"));
  const unsaid = () => blocks.some((one) => one.dataset.late && !one.querySelector(".bd-flag").textContent)
    || (argument?.dataset.state === "own" && argument.querySelector(".ba-of").hidden);
  const isSlider = target.matches("input");
  const [low, high] = isSlider ? [Number(target.min), Number(target.max)] : [0, 200];
  const step = (isSlider && Number(target.step)) || 1;
  const by = step * Math.max(1, Math.round((high - low) / step / 200));
  const first = places(), frames = [], moved = new Set(), said = [];
  const begun = performance.now();
  let last = begun, at = isSlider ? Number(target.value) : 100, way = by;
  const move = () => {
    if (!isSlider) {
      const { left, width, top, height } = target.getBoundingClientRect();
      target.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: left + (width * at) / high, clientY: top + height / 2 }));
      return;
    }
    target.value = String(at);
    target.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const run = (now) => {
    frames.push(now - last);
    last = now;
    const there = places();
    if (there.length !== first.length) moved.add(`${there.length} things, not ${first.length}`);
    there.forEach((place, i) => { if (place !== first[i]) moved.add(`${first[i]} to ${place}`); });
    if (unsaid()) said.push(at);
    if (now - begun > lasts) return done({ frames, moved: [...moved], unsaid: said });
    if (at + way > high || at + way < low) way = -way;
    at += way;
    move();
    requestAnimationFrame(run);
  };
  requestAnimationFrame(run);
})"""  # noqa: E501
PLACES = [
    *(("/?shift=8,0", name) for name in ("Degree", "Angle", "Shift x", "Shift y")),
    ("/?degree=30&mode=swipe", "Degree"),
    *(("/argument?scene=pixels&lot=1", name) for name in ("Degree", "Angle", "Shift x", "Shift y")),
    *(("/argument?scene=pixels", name) for name in ("Turn", "Scale", "Gain", "Noise")),
    *(("/argument?scene=embedding", name) for name in ("Degree", "Shift x")),
    *(("/argument?scene=angle", name) for name in ("Degree A", "Angle A", "Degree B", "Angle B")),
    *(("/argument?scene=sceptic", name) for name in ("Degree", "Shift x")),
    *((f"/sweeps?measure={measure}", "") for measure in ("l2", "all")),
    ("/sweeps?beside=faceres", ""),
]


def wait_until_idle(pid: int) -> None:
    """Waits until a process that has just begun to serve has done what it does in its idle time."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return
    ticks, deadline = -100, time.monotonic() + 60
    while time.monotonic() < deadline:
        before, ticks = ticks, sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13]))
        if 0 <= ticks - before <= 10:  # hundredths of a second, in one
            return
        time.sleep(1)


@pytest.mark.parametrize(("address", "name"), PLACES)
def test_nothing_moves_and_frames_keep_up_while_a_hand_drags(
    browser: Browser, dashboard: Any, address: str, name: str
) -> None:
    page = browser.new_page(viewport=SIZES["1366x768"])  # type: ignore[arg-type]
    page.add_init_script(WITH_CURVES)
    page.goto(f"{dashboard.address}{address}")
    ready = ".bd-tiles[data-state=exact], .bd-argument[data-state=exact], .sw-panel svg"
    page.locator(ready).first.wait_for(timeout=90_000)
    target = page.locator(".sw-panel svg").first
    if name:
        target = page.get_by_role("slider", name=name, exact=True).first
    target.wait_for(timeout=PATIENCE)
    page.wait_for_timeout(1500)  # what fades in has come, and the face's curve is under way
    wait_until_idle(dashboard.process.pid)
    found = target.evaluate(DRAG, {"lasts": DRAGGED, "never": ", ".join(NEVER_MOVE)})
    page.close()
    assert not found["moved"], "\n".join(found["moved"])
    assert not found["unsaid"]
    median = float(np.median(found["frames"][5:]))
    assert median <= 17.5, median  # 60 a second, and a rounding of the clock
