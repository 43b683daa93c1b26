"""A journey through Sweeps and one through Method; Explore and Argument have files of their own."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from blurdash.clean import CROPS
from blurdash.embed import PROTOCOLS
from blurdash.summary import AXES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def go_to(page: Page, name: str) -> None:
    link = page.get_by_role("link", name=name, exact=True)
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


def test_sweeps_shown_on_both_axes_saved_and_opened_again(page: Page):
    go_to(page, "Sweeps")
    graph = page.locator(".js-plotly-plot")
    expect(graph.get_by_text(AXES["px"]).first).to_be_visible(timeout=30_000)
    expect(page.get_by_text(re.compile("Faces: 30 generated faces of nobody"))).to_be_visible()
    pick(page, "Degree in", AXES["percent"].removeprefix("degree, "))
    expect(graph.get_by_text(AXES["percent"]).first).to_be_visible()
    with saved(page, "CSV, averages").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["degree"] for row in rows] == sorted({r["degree"] for r in rows}, key=float)
    table = saved(page, "Parquet").read_bytes()
    pick(page, "Sweep of", "A file of mine")
    page.locator("input[type=file]").first.set_input_files(
        {"name": "mine.parquet", "mimeType": "application/octet-stream", "buffer": table}
    )
    expect(page.get_by_text(re.compile("Faces: a file of yours"))).to_be_visible(timeout=30_000)
    expect(graph.get_by_text(AXES["percent"]).first).to_be_visible()


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
