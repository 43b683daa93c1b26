"""The server is ended and started again under photos: each page comes back to its face."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from blurdash.portrait import portrait_photo

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.xdist_group("browser")]

PATIENCE = 90_000


def photos(count: int) -> list[dict]:
    made = []
    for number in range(count):
        file = io.BytesIO()
        darker = (portrait_photo()[:, ::-1] * (1 - 0.02 * number)).astype(np.uint8)
        Image.fromarray(darker).save(file, "JPEG", quality=92)
        made.append({"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()})
    return made


def face_of(page: Page):
    """What the face that is shown is called, beside the pictures of all."""
    return page.locator(".bd-facerow .bd-name")


def with_photos(
    browser: Browser, address: str, count: int, at_rest: Callable[[Page], None]
) -> Page:
    """A tab that shows the last of its photos."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(address)
    at_rest(page)
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(photos(count))
    expect(face_of(page)).to_have_text("Photo 1", timeout=PATIENCE)
    # It closes by itself, once all of them are there.
    expect(page.locator("[data-testid=stPopoverBody]")).to_have_count(0, timeout=PATIENCE)
    if count > 1:
        page.get_by_role("radio", name=f"Photo {count}", exact=True).click()
    expect(page.locator(".bd-clean .bd-picture")).to_have_attribute(
        "aria-label", f"Clean: Photo {count}", timeout=PATIENCE
    )
    page.get_by_role("slider", name="Degree").fill("37")
    at_rest(page)
    return page


def go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


@pytest.mark.parametrize("count", [1, 12])
def test_every_page_comes_back_to_its_face(browser: Browser, own_dashboard, at_rest, count: int):
    names = ("Explore", "Argument", "Sweeps", "Method")
    tabs = {name: with_photos(browser, own_dashboard.address, count, at_rest) for name in names}
    go(tabs["Argument"], "Argument")
    tabs["Argument"].locator(".bd-argument[data-state=exact]").wait_for(timeout=PATIENCE)
    go(tabs["Sweeps"], "Sweeps")
    tabs["Sweeps"].get_by_role("button", name="Choose and run").click()
    expect(tabs["Sweeps"].get_by_text(f"Photo {count}", exact=True)).to_be_visible(timeout=PATIENCE)
    go(tabs["Method"], "Method")
    expect(tabs["Method"].get_by_role("heading", name="What happens to my photo")).to_be_visible(
        timeout=PATIENCE
    )
    picture = tabs["Explore"].locator(".bd-clean .bd-picture")
    before = picture.screenshot()

    own_dashboard.stop()
    tabs["Explore"].get_by_role("slider", name="Degree").press("ArrowRight")  # before it is back
    own_dashboard.start()

    expect(picture).to_have_attribute("aria-label", f"Clean: Photo {count}", timeout=PATIENCE)
    at_rest(tabs["Explore"])
    expect(tabs["Explore"].get_by_role("slider", name="Degree")).to_have_value("38")
    deadline = time.monotonic() + PATIENCE / 1000
    while picture.screenshot() != before:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    list_of_faces = tabs["Argument"].get_by_role("combobox", name="Face")
    expect(list_of_faces).to_have_value(f"Photo {count}", timeout=PATIENCE)
    tabs["Argument"].locator(".bd-argument[data-state=exact]").wait_for(timeout=PATIENCE)
    expect(tabs["Sweeps"].get_by_text(f"Photo {count}", exact=True)).to_be_visible(timeout=PATIENCE)
    for name in ("Sweeps", "Method"):
        go(tabs[name], "Explore")
        expect(face_of(tabs[name])).to_have_text(f"Photo {count}", timeout=PATIENCE)
        at_rest(tabs[name])
    list_of_faces.click()
    expect(tabs["Argument"].get_by_role("option")).to_have_count(count + 1)
    for name in ("Explore", "Sweeps", "Method"):
        expect(tabs[name].locator(".bd-face")).to_have_count(count + 1)
    for page in tabs.values():
        page.close()
