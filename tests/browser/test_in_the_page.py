"""What the page computes itself: it needs no server for that, and asks one where it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from blurdash.blur import Change, apply_change, reference_picture
from blurdash.portrait import portrait_face
from blurdash.quality import psnr, ssim
from tests.browser.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


class Line:
    """The page's connection to the server, which can be held up."""

    def __init__(self, page: Page) -> None:
        self.held_up = False
        page.route_web_socket("**/_stcore/stream", self._route)

    def _route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if self.held_up else server.send(message))


def test_pictures_and_pixel_metrics_follow_the_hand_without_the_server(
    browser: Browser, dashboard: Dashboard, at_rest: Callable[[Page], None]
) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    line = Line(page)
    page.goto(f"{dashboard.address}/?degree=30")
    at_rest(page)
    line.held_up = True
    page.get_by_role("slider", name="Degree").fill("41")
    page.get_by_role("slider", name="Angle").fill("20")
    change = Change(41, 20)
    clean = portrait_face().canvas
    reference, changed = reference_picture(clean, "study"), apply_change(clean, change)
    expect(page.get_by_test_id("readout-psnr")).to_have_text(f"{psnr(reference, changed):.2f}")
    expect(page.get_by_test_id("readout-ssim")).to_have_text(f"{ssim(reference, changed):.4f}")
    expect(page.locator(".bd-stage")).to_have_attribute("data-state", "exact")
    # What only the server computes is of another place, and says so.
    expect(page.locator(".bd-pixels")).not_to_have_attribute("data-late", "pending")
    expect(page.locator(".bd-embedding")).to_have_attribute("data-late", "pending")
    expect(page.locator('[data-tile="cosine"] .bd-hint')).to_contain_text("at 30 px, 45°")
    line.held_up = False
    at_rest(page)
    expect(page.locator(".bd-embedding")).not_to_have_attribute("data-late", "pending")
    page.close()


def test_a_browser_that_cannot_compute_gets_pictures_and_numbers_from_the_server(
    browser: Browser, dashboard: Dashboard, at_rest: Callable[[Page], None]
) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.add_init_script("WebAssembly.validate = () => false;")
    page.goto(f"{dashboard.address}/?degree=30")
    at_rest(page)
    stage, status = page.locator(".bd-stage"), page.locator(".bd-status")
    expect(stage).to_have_attribute("data-state", "exact", timeout=30_000)
    expect(status).to_have_text("exact, drawn by the server")
    expect(status).to_be_visible()
    page.get_by_role("slider", name="Degree").fill("60")
    expect(status).to_have_text("not blurred yet: the server draws it")
    expect(stage).to_have_attribute("data-state", "exact", timeout=30_000)
    assert '"degree":60' in (stage.get_attribute("data-view") or "")
    page.get_by_role("slider", name="Degree").fill("0")
    page.get_by_role("slider", name="Shift x").fill("3.5")
    at_rest(page)
    expect(stage).to_have_attribute("data-state", "exact", timeout=30_000)
    page.get_by_role("link", name="Argument").click()
    page.locator(".bd-argument[data-state=exact]").wait_for(timeout=60_000)
    expect(page.locator(".ba-frame canvas[data-state=exact]").first).to_be_visible(timeout=30_000)
    page.close()
