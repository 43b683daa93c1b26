"""Photos on their way: more than there is room for, too large, and a connection that is lost."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from blurdash.portrait import portrait_photo

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.xdist_group("browser")]

PATIENCE = 90_000
KEEP_SOCKETS = """
  window.sockets = [];
  window.WebSocket = class extends window.WebSocket {
    constructor(...how) { super(...how); window.sockets.push(this); }
  };
"""


def photo(name: str, number: int = 0, *, grain: bool = False) -> dict:
    """A face; with grain on it, some megabytes as PNG."""
    picture = np.ascontiguousarray(portrait_photo()[:, ::-1]).astype(np.int16) - 3 * number
    if grain:
        picture = picture.repeat(3, axis=0).repeat(3, axis=1)
        picture += np.random.default_rng(number).integers(-6, 7, picture.shape, np.int16)
    file = io.BytesIO()
    made = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    made.save(file, "PNG" if grain else "JPEG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


def choose(page: Page, photos: list[dict]) -> None:
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(photos)


def face_of(page: Page):
    """What the face that is shown is called, beside the pictures of all."""
    return page.locator(".bd-facerow .bd-name")


def offered(page: Page) -> list[str]:
    return page.locator(".bd-face").evaluate_all("all => all.map((one) => one.ariaLabel)")


def test_what_there_is_no_room_for_is_named_and_one_can_be_removed(page: Page):
    garden = Image.new("RGB", (400, 300), (60, 140, 60))
    file = io.BytesIO()
    garden.save(file, "PNG")
    choose(
        page,
        [
            *(photo(f"face {n}.jpg", n) for n in range(12)),
            {"name": "huge.tif", "mimeType": "image/tiff", "buffer": bytes(26 * 1024 * 1024)},
            photo("<b>thirteenth</b>.jpg", 12),
        ],
    )
    expect(face_of(page)).to_have_text("Photo 1", timeout=PATIENCE)
    note = page.locator(".bd-card")
    expect(note).to_contain_text("huge.tif")
    expect(note).to_contain_text("It is larger than 25 MB; save it smaller.")
    expect(note).to_contain_text("<b>thirteenth</b>.jpg")
    expect(note).to_contain_text("Was not taken in: 12 photos are the most; remove one first.")
    assert offered(page) == ["Portrait", *(f"Photo {n}" for n in range(1, 13))]

    page.locator(".bd-remove[aria-label='Remove Photo 5']").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove Photo 5")).to_have_count(0, timeout=PATIENCE)
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(
        [photo("one more.jpg", 13), {"name": "a.png", "mimeType": "", "buffer": file.getvalue()}]
    )
    expect(face_of(page)).to_have_text("Photo 13", timeout=PATIENCE)
    assert offered(page) == ["Portrait", *(f"Photo {n}" for n in range(1, 14) if n != 5)]
    page.get_by_role("button", name="Close this note").click()
    expect(note).to_be_hidden()


def test_a_lost_connection_loses_no_photo_and_doubles_none(browser: Browser, dashboard, at_rest):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.add_init_script(KEEP_SOCKETS)
    page.goto(dashboard.address)
    at_rest(page)
    choose(page, [photo(f"{n}.png", n, grain=True) for n in range(4)])
    note = page.locator(".bd-card")
    expect(note).to_contain_text(re.compile("photo [123] of 4"), timeout=PATIENCE)
    context.set_offline(True)
    page.evaluate("window.sockets.forEach((one) => one.close(4000))")
    page.wait_for_timeout(1500)
    context.set_offline(False)
    expect(face_of(page)).to_have_text("Photo 1", timeout=PATIENCE)
    assert offered(page) == ["Portrait", *(f"Photo {n}" for n in range(1, 5))]
    expect(note).to_be_hidden()
    at_rest(page)
    context.close()
