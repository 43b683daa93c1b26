"""A measure, a kernel and a recogniser that blurdash does not have, each chosen in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from blurdash.blur import apply_kernel
from blurdash.portrait import portrait_face
from blurdash.quality import psnr, ssim
from tests.browser.conftest import Dashboard
from tests.toys import KERNEL, MEASURE, RECOGNISER, SITE, disc

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def with_toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    """A dashboard whose tables have the toys."""
    (tmp_path / "sitecustomize.py").write_text(SITE)  # read by every Python at its start
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    dashboard = Dashboard()
    dashboard.start()
    yield dashboard
    dashboard.stop()


def choose(page: Page, box: str, option: str) -> None:
    page.get_by_role("combobox", name=box).click()
    page.get_by_role("option", name=option).click()


def assert_drawn_here_by_taps(page: Page, degree: int) -> None:
    """The page's core has blurred by the kernel that the server sent, as the server blurs."""
    found = page.evaluate("() => window.__blurdash.numbers")
    assert (found["view"]["degree"], found["view"]["kernel"]) == (degree, KERNEL.name)
    canvas = portrait_face().canvas
    wanted = apply_kernel(canvas, disc(degree, 45.0))
    assert found["values"]["psnr"] == pytest.approx(psnr(canvas, wanted), abs=1e-3)
    assert found["values"]["ssim"] == pytest.approx(ssim(canvas, wanted), abs=1e-5)


# What comes from the server is taken only after the page has begun to wait for a picture.
LATE_TAPS = """() => {
  const bus = window.__blurdash;
  let taken = bus.taps;
  const take = (taps) => { taken = taps; bus.dispatchEvent(new Event("taps")); };
  const late = { get: () => taken, set: (taps) => setTimeout(take, 500, taps) };
  Object.defineProperty(bus, "taps", late);
}"""


@pytest.mark.long
def test_each_can_be_chosen_and_is_shown(
    browser: Browser, with_toys: Dashboard, at_rest: Callable[[Page], None]
) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{with_toys.address}/?degree=30")
    at_rest(page)
    expect(page.get_by_test_id(f"readout-{MEASURE.name}")).to_contain_text("0.9")
    choose(page, "Recogniser", RECOGNISER.label)
    expect(page.locator(".bd-recogniser")).to_contain_text(RECOGNISER.label, timeout=30_000)
    choose(page, "Kernel", KERNEL.label)
    expect(page.locator(".bd-context")).to_contain_text(KERNEL.name, timeout=30_000)
    at_rest(page)
    stage = page.locator(".bd-stage")
    expect(stage).to_have_attribute("data-state", "exact", timeout=30_000)
    assert_drawn_here_by_taps(page, 30)
    page.get_by_role("slider", name="Degree").fill("36")
    page.wait_for_function("() => window.__blurdash.numbers.view.degree === 36", timeout=30_000)
    assert_drawn_here_by_taps(page, 36)
    page.evaluate(LATE_TAPS)
    page.get_by_role("slider", name="Degree").fill("33")
    page.wait_for_function("() => window.__blurdash.numbers.view.degree === 33", timeout=30_000)
    assert_drawn_here_by_taps(page, 33)
    page.get_by_role("slider", name="Degree").fill("60")  # more taps than a page is handed
    expect(page.locator(".bd-status")).to_contain_text("the server draws this kernel")
    expect(stage).to_have_attribute("data-state", "exact", timeout=30_000)
    assert '"degree":60' in (stage.get_attribute("data-view") or "")
    page.get_by_label("Pixels' curve").select_option(MEASURE.name)
    page.get_by_role("link", name="Argument").click()
    page.locator(".bd-argument[data-state=exact]").wait_for(timeout=60_000)
    expect(page.locator(".ba-frame canvas[data-state=exact]")).to_have_count(2, timeout=30_000)
    page.get_by_role("button", name="PSNR and SSIM").click()
    page.get_by_role("slider", name="Degree").fill("60")
    blurred = page.locator(".ba-frame canvas[data-served][data-state=exact]")
    expect(blurred).to_have_count(1, timeout=30_000)
    assert errors == []
    page.close()
