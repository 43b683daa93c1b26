"""Back, forward and links, as a browser does them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def degree(page: Page) -> str:
    return page.get_by_role("slider", name="Degree").input_value()


def rest_at(page: Page, value: int) -> None:
    page.get_by_role("slider", name="Degree").fill(str(value))
    expect(page).to_have_url(re.compile(f"[?&]degree={value}&"), timeout=20_000)


@pytest.mark.long
def test_back_and_forward_lead_where_one_was(page: Page, at_rest: Callable[[Page], None]):
    before = page.evaluate("() => history.length")
    for value in (40, 55, 77):
        rest_at(page, value)
    assert page.evaluate("() => history.length") == before  # a moving hand adds nothing
    page.get_by_role("link", name="Argument").click()
    expect(page).to_have_url(re.compile("/argument[?]scene="), timeout=30_000)
    page.get_by_role("button", name="Show the room →").click()
    page.get_by_role("button", name="Next →").click()
    expect(page).to_have_url(re.compile("scene=pixels"), timeout=30_000)
    page.get_by_role("link", name="Explore").click()
    at_rest(page)
    rest_at(page, 12)

    page.go_back()
    expect(page).to_have_url(re.compile("/argument[?]scene=pixels"), timeout=30_000)
    expect(page.locator(".bd-argument")).to_have_attribute("data-scene", "pixels")
    page.go_back()
    at_rest(page)
    expect(page.get_by_role("slider", name="Degree")).to_have_value("77", timeout=20_000)
    assert "degree=77" in page.url
    page.go_forward()
    page.go_forward()
    expect(page.get_by_role("slider", name="Degree")).to_have_value("12", timeout=30_000)
    assert "degree=12" in page.url


@pytest.mark.long
def test_a_copied_link_opens_what_was_seen(page: Page, browser: Browser, at_rest):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    rest_at(page, 64)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("() => navigator.clipboard.readText()")
    other = browser.new_page()
    other.goto(link)
    at_rest(other)
    assert degree(other) == "64"
    expect(other.locator(".bd-card")).to_be_hidden()
    other.close()
