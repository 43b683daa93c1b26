"""A journey through Sweeps and one through Method; Explore and Argument have files of their own."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from blurdash.clean import CROPS
from blurdash.embed import PROTOCOLS
from blurdash.summary import AXES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PERCENT = AXES["percent"].removeprefix("degree, ")


def go_to(page: Page, name: str) -> None:
    # Not the one for thumbs at the foot: its style may come a moment after it.
    link = page.get_by_test_id("stTopNav").get_by_role("link", name=name, exact=True)
    link.click()
    expect(link).to_have_attribute("aria-current", "page")


def pick(page: Page, what: str, option: str) -> None:
    # The choices may lie behind the bar on top; a list that opens while the page scrolls closes.
    page.get_by_test_id("stMain").evaluate(
        "(main) => { main.scrollTo(0, 0);"
        " return new Promise((done) => requestAnimationFrame(() => setTimeout(done))); }"
    )
    page.get_by_role("combobox", name=what, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def saved(page: Page, label: str) -> Path:
    """The file that a button on the page gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=True).click()
    return Path(download.value.path())


def value_of(page: Page, graph: str) -> Locator:
    """What a graph of Sweeps says at its cursor."""
    panel = page.locator(".sw-panel").filter(has=page.get_by_role("heading", name=graph))
    return panel.locator(".sw-value")


def test_sweeps_read_off_saved_linked_and_opened_again(page: Page):
    go_to(page, "Sweeps")
    expect(value_of(page, "Random angle")).to_contain_text("at 50 px", timeout=30_000)
    expect(page.get_by_text("30 generated faces of nobody").first).to_be_visible()

    # The cursor, by hand: every graph follows, and says what the saved averages say.
    page.get_by_role("button", name="Cosine", exact=True).click()
    page.get_by_role("slider", name="Fixed 45°").press("ArrowRight")
    expect(value_of(page, "Random angle")).to_contain_text("at 51 px")
    with saved(page, "CSV, averages").open(newline="", encoding="utf-8") as file:
        rows = {row["degree"]: row for row in csv.DictReader(file)}
    mean = f"{float(rows['51']['cosine_similarity_mean']):.4f}"
    expect(value_of(page, "Fixed 45°").locator("b")).to_have_text(mean)
    expect(value_of(page, "Degree and angle")).to_contain_text("at 60 px")
    expect(page.get_by_role("heading", name="Over the angle, at 60 px")).to_be_visible()

    # All of them at once, and back by a name; a picture of what is shown.
    page.get_by_role("button", name="All five", exact=True).click()
    expect(page.locator(".sw-panel")).to_have_count(6)
    expect(value_of(page, "Same person")).to_contain_text("of 30")
    page.get_by_role("button", name="PSNR", exact=True).last.click()
    expect(page.get_by_role("heading", name="Over the angle, at 60 px")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"\x89PNG"
    assert download.value.suggested_filename == "blurdash_sweep_study_psnr.png"

    # The axis of the eyes, and the address that opens all of this again.
    page.get_by_role("combobox", name="Degree in").select_option(label=PERCENT)
    expect(page.locator(".sw-panel").first.get_by_text(f"degree, {PERCENT}")).to_be_visible()
    expect(page).to_have_url(re.compile("measure=psnr"))
    expect(page).to_have_url(re.compile("in=percent"))
    link = page.url
    table = saved(page, "Parquet").read_bytes()
    pick(page, "Reference faces", "My file")
    page.locator("input[type=file]").last.set_input_files(
        {"name": "mine.parquet", "mimeType": "application/octet-stream", "buffer": table}
    )
    expect(page.get_by_text("a file of yours").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Not in this file.").first).to_be_visible()

    other = page.context.new_page()
    other.goto(link)
    expect(other.get_by_role("button", name="PSNR", exact=True)).to_have_attribute(
        "aria-pressed", "true", timeout=30_000
    )
    expect(other.locator(".sw-panel").first.get_by_text(f"degree, {PERCENT}")).to_be_visible()

    # Two recognisers: in standard deviations of strangers.
    pick(other, "beside", "HSE FaceRes (MobileNet)")
    expect(value_of(other, "HSE FaceRes (MobileNet)")).to_contain_text("σ")
    expect(other.get_by_role("columnheader", name="HSE FaceRes")).to_be_visible()
    other.close()


def test_method_says_what_is_computed_with_all_of_it(page: Page):
    go_to(page, "Method")
    body = page.locator(".st-key-bd-method")
    expect(body.get_by_role("heading", name="What happens to my photo")).to_be_visible()
    expect(body.locator(".katex-display")).to_have_count(2)
    expect(body.locator(".katex-error")).to_have_count(0)
    for name in (*PROTOCOLS, *CROPS):
        expect(body.locator("li strong", has_text=re.compile(f"^{name}$"))).to_be_visible()
    expect(body.get_by_test_id("stDataFrame")).to_have_count(3)
    go_to(page, "Explore")
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=60_000)
