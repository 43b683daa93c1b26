"""The Argument page told in a real browser: from start to end, with the keyboard alone."""

from __future__ import annotations

import base64
import contextlib
import io
import re
import time

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from blurdash.portrait import portrait_face
from blurdash.ui.argument.story import SCENES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

NAMES = list(SCENES)


@pytest.fixture
def argue(browser: Browser, dashboard):
    """Opens the page at a scene, in a window of a projector's size; ends with what went wrong."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    errors: list[str] = []
    remote: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: remote.append(request.url))

    def open_page(scene: str = "two-pictures", rest: str = "") -> Page:
        page.goto(f"{dashboard.address}/argument?scene={scene}{rest}")
        ready(page, scene)
        return page

    yield open_page
    assert errors == []
    own = (dashboard.address, "data:", "blob:")
    assert [address for address in remote if not address.startswith(own)] == []
    context.close()


def ready(page: Page, scene: str) -> None:
    """Waits for the scene with numbers of where the sliders are."""
    page.locator(f".bd-argument[data-scene={scene}][data-state=exact]").wait_for(timeout=90_000)


def shown(page: Page, side: int) -> np.ndarray:
    """What a picture shows, RGB."""
    canvas = page.locator(".ba-frame canvas").nth(side)
    png = canvas.evaluate("(one) => one.toDataURL().split(',')[1]")  # opaque: the same bytes
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))


def sharpness(picture: np.ndarray) -> float:
    grey = picture.mean(axis=2)
    return float(np.abs(np.diff(grey, axis=1)).mean())


def seen(page: Page) -> str:
    """All that can be read, and which map lies on the pictures."""
    said = page.locator(".bd-argument").inner_text()
    return said + str(page.locator(".ba-over:not([hidden])").count())


def test_told_from_start_to_end_with_the_keyboard(argue):
    page = argue()
    before, presses = "", 0
    for scene in NAMES:
        for step in range(1 + len(SCENES[scene].presses)):
            if before:
                page.keyboard.press(("ArrowRight", "PageDown", " ")[presses % 3])
                presses += 1
            ready(page, scene)
            deadline = time.monotonic() + 20
            while (now := seen(page)) == before:  # every press changes something
                assert time.monotonic() < deadline, (scene, step)
                page.wait_for_timeout(50)
            before = now
            expect(page.locator(".ba-bars i[data-state=now]")).to_have_count(1)
            expect(page.locator(".ba-see")).not_to_have_text("")
            page.wait_for_function(  # the map of How often takes the room that the browser reports
                "() => document.querySelector('.stMain').scrollHeight <= window.innerHeight"
                " && document.documentElement.scrollWidth <= window.innerWidth",
                timeout=20_000,
            )
        expect(page).to_have_url(re.compile(f"scene={scene}"), timeout=20_000)
    page.keyboard.press("ArrowRight")  # there is nothing after the last
    page.keyboard.press("PageUp")
    ready(page, NAMES[-2])


def test_audience_votes_before_it_is_told(argue):
    page = argue()
    total = page.get_by_test_id("votes-total")
    expect(total).to_have_text("nobody has voted yet")
    sides = [sharpness(shown(page, side)) for side in (0, 1)]
    sharp = int(np.argmax(sides))
    assert sides[sharp] > 1.2 * sides[1 - sharp]  # the pictures themselves say which is which
    for caption in page.locator(".ba-pictures figcaption").all_inner_texts():
        assert re.fullmatch("Picture [AB]", caption)
    page.locator(".ba-frame").nth(sharp).focus()
    page.keyboard.press("Enter")
    expect(total).to_have_text("1 has voted", timeout=20_000)
    page.get_by_label("Hands for A").fill(str(22 * (1 - sharp)))
    page.get_by_label("Hands for B").fill(str(22 * sharp))
    page.get_by_role("button", name="Count").click()
    expect(total).to_have_text("23 have voted", timeout=20_000)
    expect(page.locator(".bd-argument")).not_to_contain_text("22")  # no count by side
    page.locator(".ba-see").click()  # out of the fields
    page.keyboard.press("PageDown")
    expect(page.get_by_test_id(f"votes-{sharp}")).to_have_text("23", timeout=20_000)
    expect(page.get_by_test_id(f"votes-{1 - sharp}")).to_have_text("0")
    expect(page.locator(".ba-see")).to_have_text(f"23 of 23 chose {'AB'[sharp]}, the sharp one.")
    caption = page.locator(".ba-pictures figcaption").nth(sharp)
    expect(caption).to_have_text("sharp, moved by 8 px")
    page.keyboard.press("PageDown")
    ready(page, "pixels")
    expect(page.locator(".ba-see")).to_contain_text(f"23 of you chose {'AB'[sharp]}. PSNR chose")
    assert int(np.argmax([sharpness(shown(page, side)) for side in (0, 1)])) == sharp
    expect(page.get_by_test_id(f"votes-{sharp}")).to_have_text("23")
    expect(page.get_by_test_id("argue-ssim")).to_have_count(0)  # it comes with a press
    page.get_by_role("slider", name="Degree").fill("44")
    expect(page.get_by_test_id("argue-room")).to_contain_text("voted on another pair")
    expect(page.locator(".ba-see")).not_to_contain_text("of you")


@pytest.mark.long
def test_sliders_are_live_in_a_scene(argue):
    page = argue("pixels")
    before = page.get_by_test_id("argue-psnr").inner_text()
    page.keyboard.press("PageDown")
    degree = page.get_by_role("slider", name="Degree")
    degree.focus()
    first = sharpness(shown(page, 1))
    for _ in range(11):
        page.keyboard.press("ArrowRight")
    expect(degree).to_have_value("41")
    expect(page.get_by_test_id("argue-psnr")).not_to_have_text(before, timeout=20_000)
    ready(page, "pixels")
    expect(page).to_have_url(re.compile("degree=41"), timeout=20_000)
    assert sharpness(shown(page, 1)) < first
    expect(page.locator(".ba-over:not([hidden])")).to_have_count(2, timeout=60_000)
    expect(page.locator(".ba-tag").first).to_contain_text("SSIM, mean 0.")
    page.keyboard.press("m")
    expect(page.locator(".ba-over:not([hidden])")).to_have_count(0)
    noise = page.get_by_role("slider", name="Noise")
    still = shown(page, 0)
    noise.fill("30")
    page.locator("canvas[data-shown*='\"noise\":30']").wait_for()
    assert np.abs(shown(page, 0).astype(int) - still).mean() > 3


@pytest.mark.long
def test_a_clicker_changes_the_scene_whatever_the_mouse_touched(argue):
    page = argue("pixels")
    degree = page.get_by_role("slider", name="Degree")
    box = degree.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    moved = degree.input_value()
    assert int(moved) > 40
    page.keyboard.press("PageDown")
    expect(page.get_by_test_id("argue-ssim")).to_be_visible()
    page.keyboard.press("PageDown")
    ready(page, "embedding")
    expect(degree).to_have_value(moved)
    degree.focus()  # reached by keyboard, it keeps its arrows; a clicker's keys change the scene
    page.keyboard.press("ArrowLeft")
    expect(degree).to_have_value(str(int(moved) - 1))
    page.keyboard.press("PageDown")
    expect(page.locator(".bd-argument")).to_have_attribute("data-step", "1")
    expect(degree).to_have_value(str(int(moved) - 1))


@pytest.mark.long
def test_address_restores_scene_and_sliders(argue):
    page = argue("embedding", "&degree=33&x=-5.5&rotation=2")
    expect(page.get_by_role("slider", name="Degree")).to_have_value("33")
    expect(page.locator(".ba-pictures figcaption", has_text="sharp,")).to_have_text(
        "sharp, moved by 5.5 px, turned 2° left"
    )


@pytest.mark.long
def test_twins_are_shown_as_found(argue):
    page = argue("pixels", "&x=6")
    page.get_by_role("button", name="PSNR twins").click()
    row = page.get_by_test_id("argue-psnr")
    expect(row).to_contain_text("alike", timeout=60_000)
    expect(page.locator(".ba-right")).to_contain_text("Twins, PSNR")
    page.get_by_role("slider", name="Shift x").fill("9")
    expect(row).not_to_contain_text("alike", timeout=20_000)


@pytest.mark.long
def test_argument_is_told_with_an_own_photo(argue):
    page = argue("embedding")
    cosine = page.get_by_test_id("argue-cosine_similarity").locator("b").first
    portrait = cosine.inner_text()
    before = shown(page, 0)
    mirrored = portrait_face().canvas[:, ::-1].copy()
    file = io.BytesIO()
    Image.fromarray(mirrored).save(file, "PNG")
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect(cosine).not_to_have_text(portrait, timeout=60_000)
    page.keyboard.press("Escape")
    ready(page, "embedding")
    deadline = time.monotonic() + 20
    while np.abs(shown(page, 0).astype(int) - before).mean() <= 5:
        assert time.monotonic() < deadline, "the portrait is still drawn"
    assert "me.png" not in page.content()
    for name in ("Where it looks →", "Where it fails →", "Next →"):
        page.get_by_role("button", name=name).click()
    ready(page, "angle")
    page.get_by_role("button", name="The embedding →").click()
    expect(page.locator(".ba-see")).to_contain_text(" chose A", timeout=60_000)
    expect(page.locator(".ba-notes").first).to_contain_text("leaves more of the face")


@pytest.mark.long
def test_phones_in_the_room_are_counted_live(browser: Browser, chromium_path, dashboard):
    # An address of this machine, as a phone would use it: to "localhost" no phone is told to come.
    names = "--host-resolver-rules=MAP 192.168.77.7 127.0.0.1"
    plain = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    room = browser.browser_type.launch(executable_path=chromium_path, args=[*plain, names])
    with contextlib.closing(room):
        host = room.new_page(viewport={"width": 1366, "height": 768})
        host.goto(f"http://192.168.77.7:{dashboard.port}/argument")
        ready(host, "two-pictures")
        host.get_by_role("button", name="Vote by phone").click()
        link = host.locator(".ba-phones p")
        expect(link).to_contain_text("/vote/", timeout=20_000)
        code = host.locator(".ba-phones img")
        expect(code).to_be_visible()
        picture = cv2.imdecode(np.frombuffer(code.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == link.inner_text()
        for number, side in enumerate("ABB", start=1):
            phone = room.new_context(viewport={"width": 360, "height": 640}).new_page()
            phone.goto(link.inner_text())
            phone.get_by_role("button", name=f"{side} looks sharper").click()
            expect(phone.get_by_role("status")).to_contain_text(f"Voted: {side}.")
            count = f"{number} {'have' if number > 1 else 'has'} voted"
            expect(host.get_by_test_id("votes-total")).to_have_text(count, timeout=20_000)
        host.keyboard.press("q")
        large = host.get_by_role("dialog", name="Vote by phone")
        expect(large.locator("img")).to_be_visible()
        host.keyboard.press("PageDown")
        expect(large).to_be_hidden()
        host.get_by_role("button", name="Show the room →").click()
        expect(host.get_by_test_id("votes-0")).to_have_text("1", timeout=20_000)
        expect(host.get_by_test_id("votes-1")).to_have_text("2")
        host.get_by_role("button", name="Vote again").click()
        expect(host.get_by_test_id("votes-total")).to_have_text(
            "nobody has voted yet", timeout=20_000
        )
