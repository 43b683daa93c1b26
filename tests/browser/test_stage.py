"""The picture stage on a bare page in Chromium: no Streamlit, only the component's own contract."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import json
import re
import struct
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from blurdash.blur import Change, apply_change, reference_picture
from blurdash.face import Face
from blurdash.quality import psnr, ssim
from blurdash.ui.components.scripts import FRONTEND, script
from tests.marks import long_but

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Picture = npt.NDArray[np.uint8]

EXPORTS = """
import { KERNELS } from "./pictures/kernels.js";
import { Renderer } from "./pictures/renderer.js";
import { takeServed } from "./pictures/served.js";
import { mountStage } from "./pictures/stage.js";
export { KERNELS, Renderer, takeServed, mountStage as default };
"""

PAGE = """<!doctype html>
<meta charset="utf-8">
<style>body { margin: 60px 16px 16px; --bd-u: 1px; --bd-field: 28px; --bd-ink: #14171a; }</style>
<div id="host"></div>
<script type="module">
  import mount, * as parts from "/stage.js";
  const root = document.querySelector("#host").attachShadow({ mode: "open" });
  root.innerHTML = '<div class="bd-stage"></div><style></style>';
  root.querySelector("style").textContent = await (await fetch("/stage.css")).text();
  const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  const base64 = (data) => {
    let text = "";
    for (let i = 0; i < data.length; i += 8192) {
      text += String.fromCharCode(...data.subarray(i, i + 8192));
    }
    return btoa(text);
  };
  const bus = (window.__blurdash ??= new EventTarget());
  const drawn = [];
  bus.addEventListener("drawn", ({ detail }) => drawn.push(detail));
  window.test = {
    ...parts, root, bytes, base64, drawn,
    mount: async (path) => {
      const ignored = { setStateValue() {}, setTriggerValue() {} };
      return mount({ data: await bytes(path), parentElement: root, ...ignored });
    },
    view: (view) => {
      bus.view = { used_angle: view.angle, shift_x: 0, shift_y: 0, kernel: "study", ...view };
      bus.dispatchEvent(new CustomEvent("view", { detail: bus.view }));
    },
    renderer: async () => {
      const renderer = new parts.Renderer();
      await renderer.start();
      const png = await (await fetch("/clean.png")).blob();
      renderer.setPicture(await createImageBitmap(png, { colorSpaceConversion: "none" }));
      return renderer;
    },
    rgba: (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data,
    difference: (one, other) => {
      let [worst, unequal, squares] = [0, 0, 0];
      for (let i = 0; i < one.length; i++) {
        const by = Math.abs(one[i] - other[i]);
        worst = Math.max(worst, by);
        unequal += by > 0;
        squares += by * by;
      }
      const psnr = 10 * Math.log10((255 * 255 * 0.75 * one.length) / Math.max(1, squares)); // alpha
      return { worst, unequal: unequal / one.length, psnr };
    },
    pixels: (canvas) => base64(test.rgba(canvas)),
  };
  if (location.search) await window.test.mount(location.search.slice(1));
  window.test.ready = true;
</script>
"""

CHANGES = [
    Change(degree=0),
    Change(degree=1),
    Change(degree=3, angle=10.0),
    Change(degree=30, angle=45.0),
    Change(degree=30, angle=0.0, shift_x=3, shift_y=-2),
    Change(degree=77, angle=133.0, shift_x=-1.5, shift_y=0.25),
    Change(degree=100, angle=-20.0),
    Change(degree=0, kernel="line", shift_x=0.5, shift_y=12),
    Change(degree=12, angle=90.0, kernel="line"),
    Change(degree=31, angle=-77.0, kernel="line", shift_x=-40, shift_y=7.75),
    Change(degree=64, angle=45.0, kernel="line", shift_y=1),
    Change(degree=100, angle=20.0, kernel="line"),
]
PREVIEWS = [
    Change(degree=4, angle=20.0),
    Change(degree=12, angle=70.0),
    Change(degree=30, angle=45.0),
    Change(degree=30, angle=3.0, shift_x=3, shift_y=-2),
    Change(degree=100, angle=0.0),
    Change(degree=100, angle=133.0),
    Change(degree=6, angle=30.0, kernel="line"),
    Change(degree=30, angle=90.0, kernel="line"),
    Change(degree=77, angle=-33.0, kernel="line", shift_x=2.5, shift_y=7.25),
]


def as_view(change: Change) -> dict[str, Any]:
    return {
        "degree": change.degree,
        "angle": change.angle,
        "used_angle": change.used_angle,
        "shift_x": change.shift_x,
        "shift_y": change.shift_y,
        "kernel": change.kernel,
    }


def pack(header: dict[str, Any], png: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + png


def as_png(picture: Picture) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def as_picture(pixels: str) -> Picture:
    rgba = np.frombuffer(base64.b64decode(pixels), np.uint8)
    side = round((rgba.size / 4) ** 0.5)
    return rgba.reshape(side, side, 4)[..., :3]


@pytest.fixture(scope="module")
def canvas(portrait_face: Face) -> Picture:
    """The portrait in 12..240, so that the study's stretch has something to do everywhere."""
    return np.round(portrait_face.canvas * (228 / 255) + 12).astype(np.uint8)


@pytest.fixture(scope="module")
def site(canvas: Picture) -> Iterator[str]:
    header = {"face": "portrait", "name": "<b>Portrait</b>", "eye_distance": 260.0, "mode": "side"}
    header["view"] = as_view(Change())
    png = as_png(canvas)
    joined = script("test.js", {"test.js": EXPORTS})
    files = {
        "/": ("text/html", PAGE.encode()),
        "/stage.js": ("text/javascript", joined.encode()),
        "/stage.css": ("text/css", (FRONTEND / "pictures" / "stage.css").read_bytes()),
        "/clean.png": ("image/png", png),
        "/data": ("application/octet-stream", pack(header, png)),
        "/mirrored": ("application/octet-stream", pack(header, as_png(canvas[:, ::-1].copy()))),
        "/bad-png": ("application/octet-stream", pack(header, b"not a picture")),
        "/bad-header": ("application/octet-stream", b"\xff\xff\xff\x7f{}"),
        "/oblong": ("application/octet-stream", pack(header, as_png(canvas[:100].copy()))),
    }

    for index, change in enumerate(CHANGES):
        picture = np.full((1024, 1024, 4), 255, np.uint8)
        picture[..., :3] = apply_change(canvas, change)
        files[f"/exact/{index}"] = ("application/octet-stream", picture.tobytes())

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = files.get(self.path.split("?")[0], ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Any]:
    """A function that opens the page, on a stage or on none; ends with a look at its errors."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    errors: list[str] = []

    def open_at(path: str = "/data", **media: Any) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if media:
            page.emulate_media(**media)
        page.goto(f"{site}?{path}" if path else site)
        page.wait_for_function("() => window.test?.ready")
        return page

    yield open_at
    context.close()
    assert errors == []


@pytest.fixture
def stage(open_page: Any) -> Page:
    page = open_page()
    at_rest(page)
    return page


def at_rest(page: Page) -> None:
    """Waits for the exact picture of the last view: an earlier one may still stand there."""
    page.wait_for_function(
        """() => {
          const stage = test.root.querySelector(".bd-stage[data-state=exact]");
          if (!stage) return false;
          const wanted = window.__blurdash?.view ?? {};
          const seen = JSON.parse(stage.dataset.view);
          return ["degree", "angle", "shift_x", "shift_y"].every(
            (name) => wanted[name] === undefined || wanted[name] === seen[name]);
        }""",
        timeout=20_000,
    )


def on_screen(page: Page) -> dict[str, Any]:
    return json.loads(page.locator(".bd-stage").get_attribute("data-view") or "{}")


def move(page: Page, **view: Any) -> None:
    page.evaluate("(view) => test.view(view)", {"degree": 30, "angle": 45, **view})


def shown(page: Page, panel: str) -> Picture:
    return as_picture(
        page.evaluate(
            "(panel) => test.pixels(test.root.querySelector(`.bd-${panel} .bd-picture`))", panel
        )
    )


def mode(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def two_frames(page: Page) -> None:
    """Waits until whatever was to be drawn in the next frame is drawn."""
    for _ in range(2):
        page.evaluate("() => new Promise(requestAnimationFrame)")


def test_exact_picture_and_its_numbers_are_the_servers(open_page: Any, canvas: Picture):
    page = open_page("")
    page.evaluate("async () => { window.renderer = await test.renderer(); }")
    for change in CHANGES:
        found = page.evaluate(
            """async ([view, wanted]) => {
              const { canvas, values } = await renderer.paintExact(view, null, () => true);
              const { psnr, ...rest } = values;
              const differs = test.difference(test.rgba(await canvas()), await test.bytes(wanted));
              return { differs, values: { psnr: Math.min(psnr, 1e9), ...rest } };
            }""",
            [as_view(change), f"/exact/{CHANGES.index(change)}"],
        )
        assert found["differs"]["worst"] <= (2 if change.kernel == "study" else 1), change
        tie = change.kernel == "study" and change.angle == 0  # see tests/test_core.py
        assert found["differs"]["unequal"] < (0.05 if tie else 1e-3), change
        reference, wanted = reference_picture(canvas, change.kernel), apply_change(canvas, change)
        expected = {
            "psnr": min(psnr(reference, wanted), 1e9),
            "ssim": ssim(reference, wanted),
        }
        assert found["values"]["psnr"] == pytest.approx(
            expected["psnr"], abs=5e-3 if tie else 1e-4
        ), change
        assert found["values"]["ssim"] == pytest.approx(
            expected["ssim"], abs=5e-5 if tie else 1e-6
        ), change


@pytest.mark.long
@pytest.mark.parametrize("size", [437, 512, 1024])
def test_preview_looks_like_the_exact_picture(open_page: Any, size: int):
    page = open_page("")
    page.evaluate("async () => { window.renderer = await test.renderer(); }")
    for change in PREVIEWS:
        found = page.evaluate(
            """async ([view, size]) => {
              const context = new OffscreenCanvas(size, size).getContext("2d");
              renderer.drawPreview(context, view);
              const preview = test.rgba(context.canvas);
              context.imageSmoothingQuality = "high";
              const painted = await renderer.paintExact(view, null, () => true);
              context.drawImage(await painted.canvas(), 0, 0, size, size);
              return test.difference(preview, test.rgba(context.canvas)).psnr;
            }""",
            [as_view(change), size],
        )
        assert found >= 38, change


NOT_HERE = {
    "no WebAssembly": "delete window.WebAssembly",
    "no vectors": "WebAssembly.validate = () => false",
    "no workers": "window.Worker = class { constructor() { throw new Error(); } }",
    "a worker that fails": """window.Worker = class {
      postMessage() { setTimeout(() => this.onerror(new Event("error"))); }
      terminate() {}
    }""",
    "wrong numbers": """const { instantiate } = WebAssembly;
      WebAssembly.instantiate = async (bytes) => {
        const { instance } = await instantiate(bytes);
        return { instance: { exports: { ...instance.exports, squared_error: () => 1 } } };
      }""",
    "too little memory": """const { instantiate } = WebAssembly;
      WebAssembly.instantiate = async (bytes) => {
        const { instance } = await instantiate(bytes);
        return { instance: { exports: { ...instance.exports, open: () => 0 } } };
      }""",
}


@pytest.mark.parametrize("why", long_but({"no vectors", "wrong numbers"}, NOT_HERE))
def test_where_nothing_can_be_computed_here_the_server_draws(open_page: Any, why: str):
    page = open_page("")
    page.evaluate(f"() => {{ {NOT_HERE[why]}; }}")
    page.evaluate("() => test.mount('/data')")
    status = page.locator(".bd-blurred .bd-status")
    expect(status).to_have_text("not blurred yet: the server draws it")
    assert page.evaluate("() => window.__blurdash.notHere")
    page.evaluate(
        """async () => {
          const { takeServed } = test, bus = window.__blurdash;
          const view = { degree: 30, angle: 45, shift_x: 0, shift_y: 0, kernel: "study" };
          const png = await test.bytes("/clean.png");
          const header = new TextEncoder().encode(JSON.stringify({ key: "scene", view }));
          bus.scene = "scene";
          const data = new Uint8Array(4 + header.length + png.length);
          new DataView(data.buffer).setUint32(0, header.length, true);
          data.set(header, 4);
          data.set(png, 4 + header.length);
          await takeServed({ data });
        }"""
    )
    expect(status).to_have_text("exact, drawn by the server")
    assert "cannot compute" in (status.get_attribute("title") or "")
    assert page.evaluate("() => window.__blurdash.numbers") is None


def test_stage_shows_clean_and_exact_blurred(stage: Page, canvas: Picture):
    assert on_screen(stage) == as_view(Change())
    shrink = functools.partial(Image.Image.resize, resample=Image.Resampling.BOX)
    for panel, wanted in (
        ("clean", reference_picture(canvas, "study")),
        ("blurred", apply_change(canvas, Change())),
    ):
        found = shown(stage, panel)
        side = len(found)
        expected = np.asarray(shrink(Image.fromarray(wanted), (side, side)))
        assert psnr(expected, found) > 30, panel
    # A name is text, whatever it holds.
    expect(stage.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", "Clean: <b>Portrait</b>"
    )


def test_latest_of_many_quick_views_wins(stage: Page):
    stage.evaluate(
        """async () => {
          test.drawn.length = 0;
          for (let i = 1; i <= 25; i++) {
            test.view({ degree: 4 * i, angle: 7 * i });
            await new Promise((resolve) => setTimeout(resolve, 12));
          }
        }"""
    )
    at_rest(stage)
    assert (on_screen(stage)["degree"], on_screen(stage)["angle"]) == (100, 175)
    exact = stage.evaluate("() => test.drawn.filter(({ exact }) => exact).map(({ view }) => view)")
    assert [view["degree"] for view in exact] == [100]


@pytest.mark.long
def test_view_sent_while_an_exact_picture_is_made_takes_its_place(stage: Page):
    move(stage, degree=100, angle=20)
    stage.wait_for_function("() => test.root.__blurdashStage.painting?.view.degree === 100")
    move(stage, degree=10)
    at_rest(stage)
    assert on_screen(stage)["degree"] == 10
    degrees = stage.evaluate("() => test.drawn.map(({ view, exact }) => [view.degree, exact])")
    assert degrees[-1] == [10, True]


@pytest.mark.long
def test_late_stage_starts_with_the_view_on_the_bus(open_page: Any):
    page = open_page("")
    move(page, degree=61)
    page.evaluate("() => test.mount('/data')")
    at_rest(page)
    assert on_screen(page)["degree"] == 61


@pytest.mark.long
def test_nonsense_on_the_bus_is_ignored(stage: Page):
    before = on_screen(stage)
    for wrong in ({"kernel": "toString"}, {"degree": "x"}, {"angle": None}):
        move(stage, **wrong)
    stage.evaluate("() => __blurdash.dispatchEvent(new CustomEvent('view'))")
    two_frames(stage)
    assert on_screen(stage) == before


@pytest.mark.long
def test_swipe_is_driven_by_keys_and_pointer(stage: Page):
    mode(stage, "Swipe")
    divider = stage.get_by_role("slider", name="Divider")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "51")
    divider.press("End")
    expect(divider).to_have_attribute("aria-valuenow", "100")
    divider.press("Home")
    expect(divider).to_have_attribute("aria-valuenow", "0")
    box = stage.locator(".bd-blurred .bd-frame").bounding_box()
    assert box is not None
    stage.mouse.move(box["x"], box["y"] + 20)
    stage.mouse.down()
    stage.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 90, steps=3)
    stage.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "25")


@pytest.mark.long
def test_flicker_alternates_pauses_and_shows_the_other_while_held(stage: Page):
    mode(stage, "Flicker")
    section = stage.locator(".bd-stage")
    for picture in ("clean", "blurred", "clean"):
        stage.locator(f".bd-stage[data-shown={picture}]").wait_for(timeout=1000)
    mode(stage, "Pause")
    before = section.get_attribute("data-shown")
    stage.wait_for_timeout(500)
    expect(section).to_have_attribute("data-shown", before or "")
    other = "clean" if before == "blurred" else "blurred"
    stage.locator(".bd-panels").focus()
    stage.keyboard.down(" ")
    expect(section).to_have_attribute("data-shown", other)
    stage.keyboard.up(" ")
    expect(section).to_have_attribute("data-shown", before or "")


@pytest.mark.long
def test_flicker_stands_still_where_reduced_motion_is_wanted(open_page: Any):
    page = open_page(reduced_motion="reduce")
    mode(page, "Flicker")
    section = page.locator(".bd-stage")
    page.wait_for_timeout(800)
    expect(section).to_have_attribute("data-shown", "blurred")
    mode(page, "Switch")
    expect(section).to_have_attribute("data-shown", "clean")


@pytest.mark.long
def test_loupe_shows_the_same_place_of_both_pictures_at_full_size(stage: Page, canvas: Picture):
    box = stage.locator(".bd-clean .bd-frame").bounding_box()
    assert box is not None
    lenses = stage.locator(".bd-lens")
    stage.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    expect(lenses.first).to_be_hidden()  # until it is asked for
    stage.evaluate("() => window.__blurdash.dispatchEvent(new Event('wish-loupe'))")
    expect(stage.get_by_role("button", name="Loupe")).to_have_attribute("aria-pressed", "true")
    for index, wanted in enumerate(
        (reference_picture(canvas, "study"), apply_change(canvas, Change()))
    ):
        expect(lenses.nth(index)).to_be_visible()
        centre = stage.evaluate(
            """(index) => {
              const lens = test.root.querySelectorAll(".bd-lens")[index];
              const middle = lens.width / 2;
              return [...lens.getContext("2d").getImageData(middle, middle, 1, 1).data];
            }""",
            index,
        )
        around = wanted[254:259, 510:515].astype(int)
        assert np.abs(around - centre[:3]).max(axis=2).min() <= 1
    stage.mouse.move(2, 2)
    expect(lenses.first).to_be_hidden()
    expect(lenses.nth(1)).to_be_hidden()


PICTURES = """async () => {
  const shown = await window.__blurdash.pictures();
  const canvas = shown.changed;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const rgb = data.filter((_, i) => i % 4 < 3);
  return { ...shown, clean: shown.clean.width, changed: [...rgb] };
}"""


@pytest.mark.long
def test_what_is_shown_can_be_had_at_full_size(stage: Page, canvas: Picture):
    mode(stage, "Swipe")
    move(stage, degree=12, angle=-30)
    found = stage.evaluate(PICTURES)  # at once: the exact picture is not there yet
    assert (found["view"]["degree"], found["mode"], found["split"]) == (12, "swipe", 0.5)
    assert (found["clean"], found["name"]) == (1024, "Blurred by 12 px")
    picture = np.asarray(found["changed"]).reshape(1024, 1024, 3)
    blurred = apply_change(canvas, Change(degree=12, angle=-30.0))
    assert np.abs(picture - blurred).max() <= 2  # a level before the stretch


@pytest.mark.long
def test_where_they_differ_is_drawn_beside_them(stage: Page):
    differs = stage.locator(".bd-differs .bd-picture")
    expect(differs).to_be_hidden()
    mode(stage, "Flicker")
    move(stage, degree=0, angle=0)
    ink = """(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return [...data.filter((_, i) => i % 4 === 3)];
    }"""
    at_rest(stage)
    assert max(differs.evaluate(ink)) == 0
    move(stage, degree=12, angle=-30)
    at_rest(stage)
    clean, blurred = (shown(stage, name).astype(int) for name in ("clean", "blurred"))
    wanted = np.minimum(255, np.abs(clean - blurred).sum(axis=2) * 255 / 240)
    found = np.asarray(differs.evaluate(ink)).reshape(wanted.shape)
    assert np.abs(found - wanted).max() <= 1


@pytest.mark.long
def test_new_face_replaces_the_old_one_and_the_same_data_changes_nothing(stage: Page):
    first = shown(stage, "clean")
    draws = stage.evaluate("() => test.drawn.length")
    stage.evaluate("() => test.mount('/data')")
    two_frames(stage)
    assert stage.evaluate("() => test.drawn.length") == draws
    stage.evaluate("() => test.mount('/mirrored')")
    stage.wait_for_function("(draws) => test.drawn.length >= draws + 2", arg=draws)
    at_rest(stage)
    assert psnr(first[:, ::-1].copy(), shown(stage, "clean")) > 35
    assert stage.locator(".bd-panels").count() == 1


@pytest.mark.long
@pytest.mark.parametrize("path", ["/bad-png", "/bad-header", "/oblong"])
def test_unreadable_data_says_so_and_a_good_picture_heals_it(open_page: Any, path: str):
    page = open_page(path)
    page.locator(".bd-stage[data-state=error]").wait_for()
    expect(page.get_by_role("alert")).to_contain_text("could not be read")
    assert page.evaluate("() => window.__blurdash.pictures") is None
    page.evaluate("() => test.mount('/data')")
    at_rest(page)
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.long
def test_resize_redraws_at_the_new_size(stage: Page):
    small = shown(stage, "blurred")
    stage.set_viewport_size({"width": 1920, "height": 1080})
    stage.wait_for_function(
        "(side) => test.root.querySelector('.bd-blurred .bd-picture').width > 1.35 * side",
        arg=len(small),
    )
    at_rest(stage)
    large = shown(stage, "blurred")
    back = Image.fromarray(large).resize((len(small), len(small)), Image.Resampling.BOX)
    assert psnr(small, np.asarray(back)) > 30
    assert large.std() > 20


@pytest.mark.long
def test_cleanup_is_complete_and_only_the_last_one_counts(open_page: Any):
    page = open_page("")
    page.evaluate(
        """async () => {
          window.first = await test.mount("/data");
          window.second = await test.mount("/data");
          first();
        }"""
    )
    at_rest(page)
    move(page, degree=50)
    page.evaluate("() => second()")  # in the middle of a draw
    draws = page.evaluate("() => test.drawn.length")
    move(page, degree=60)
    page.wait_for_timeout(300)
    assert page.evaluate("() => test.drawn.length") == draws
    assert re.fullmatch(r"\s*", page.locator(".bd-stage").inner_text())
    page.evaluate("() => test.mount('/data')")
    at_rest(page)
    assert on_screen(page)["degree"] == 60
