"""What the page computes itself: it needs no server for that, and asks one where it cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from blurdash.blur import Change, apply_change, reference_picture
from blurdash.distance import DISTANCES
from blurdash.disturb import Disturbance
from blurdash.measures import ARGUMENT_MEASURES, QUICK
from blurdash.portrait import portrait_face
from blurdash.quality import psnr, ssim
from blurdash.readout import PreparedFace
from blurdash.search import find_disagreement
from blurdash.twins import twins
from blurdash.ui.components.rows import TILES
from tests.browser.conftest import WITH_CURVES, Dashboard, pair_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


class Line:
    """The page's connection to the server, which can be held up; what is sent is counted."""

    def __init__(self, page: Page) -> None:
        self.held_up = False
        self.sent = 0
        page.route_web_socket("**/_stcore/stream", self._route)

    def _route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def forward(message: str | bytes) -> None:
            self.sent += 1
            if not self.held_up:
                server.send(message)

        socket.on_message(forward)


@pytest.fixture
def opened(
    browser: Browser, dashboard: Dashboard, at_rest: Callable[[Page], None]
) -> Iterator[Callable[..., tuple[Page, Line]]]:
    """A function that opens Explore and waits until the page has the recogniser and numbers."""
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, permissions=["clipboard-read", "clipboard-write"]
    )

    def open_at(query: str, *, curves: bool = False) -> tuple[Page, Line]:
        page = context.new_page()
        if curves:
            page.add_init_script(WITH_CURVES)
        line = Line(page)
        page.goto(f"{dashboard.address}/?{query}")
        at_rest(page)
        page.wait_for_function("() => window.__blurdash.numbers?.key", timeout=60_000)
        return page, line

    yield open_at
    context.close()


def test_picture_numbers_and_sentence_follow_the_hand_without_the_server(
    opened: Any, dlib_embedder: Any
) -> None:
    page, line = opened("degree=30")
    line.held_up = True
    page.get_by_role("slider", name="Degree").fill("41")
    page.get_by_role("slider", name="Angle").fill("20")
    expect(page.locator(".bd-stage")).to_have_attribute("data-state", "exact")
    expect(page.get_by_test_id("readout-psnr")).not_to_have_text("")
    page.wait_for_function("() => window.__blurdash.read?.angle === 20")
    found = page.evaluate("() => window.__blurdash.numbers.values")
    change, face = Change(41, 20), portrait_face()
    reference, changed = reference_picture(face.canvas, "study"), apply_change(face.canvas, change)
    assert found["psnr"] == pytest.approx(psnr(reference, changed), abs=1e-4)
    assert found["ssim"] == pytest.approx(ssim(reference, changed), abs=1e-6)
    one, other = dlib_embedder.embed([reference, changed], face)
    for name in ("cosine_similarity", "l1", "l2"):
        tolerance = 1e-3 if name == "l1" else 5e-5
        assert found[name] == pytest.approx(DISTANCES[name].compute(one, other), abs=tolerance)
    expect(page.get_by_test_id("readout-cosine")).to_have_text(f"{found['cosine_similarity']:.4f}")
    expect(page.locator(".bd-say")).to_contain_text("Here all measures read 41 px")
    expect(page.locator(".bd-answer")).to_have_text("Yes")


@pytest.mark.long
def test_a_picture_that_is_asked_for_twice_while_it_is_made_is_shown(opened: Any) -> None:
    page, _ = opened("degree=30")
    # As where a second face brings another crop for the same recogniser.
    page.evaluate("""async () => {
      const bus = window.__blurdash;
      bus.dispatchEvent(new CustomEvent("set", { detail: { degree: 71 } }));
      for (let i = 0; i < 6; i++) {
        await new Promise((done) => setTimeout(done, 12));
        bus.dispatchEvent(new Event("reader"));
      }
    }""")
    stage = page.locator(".bd-stage[data-state=exact]")
    expect(stage).to_have_attribute("data-view", re.compile('"degree":71'), timeout=20_000)


@pytest.mark.long
def test_the_curve_is_found_in_idle_time_without_the_server(
    opened: Any, dlib_embedder: Any
) -> None:
    page, line = opened("degree=30&shift=8,0", curves=True)
    line.held_up = True
    page.get_by_role("slider", name="Angle").fill("77")
    page.wait_for_function(
        """() => {
          const { curve } = window.__blurdash;
          return curve.angle === 77 && curve.degrees.length >= 21;
        }""",
        timeout=60_000,
    )
    curve = page.evaluate("() => window.__blurdash.curve")
    prepared = PreparedFace(portrait_face(), dlib_embedder)
    for degree in (0, 50, 100):
        wanted = prepared.readout(Change(degree, 77)).values
        found = dict(zip(TILES, curve["values"][curve["degrees"].index(degree)], strict=True))
        if degree == 0:
            assert found["psnr"] == "inf"
        else:
            assert found["psnr"] == pytest.approx(wanted["psnr"], abs=0.01)
        assert found["cosine_similarity"] == pytest.approx(wanted["cosine_similarity"], abs=1e-4)
    # The blur that each measure takes the picture for is read off it, and the sentence off that.
    expect(page.locator("[data-tile=psnr] .bd-like b")).to_contain_text("px")
    expect(page.locator(".bd-say")).to_contain_text("Blurred by 30 px and moved by 8 px. ")
    assert page.evaluate("() => window.__blurdash.answered.angle") == 45


def test_the_server_is_asked_once_the_hand_rests_or_for_a_receipt(opened: Any) -> None:
    page, line = opened("degree=30&angle=20")
    quiet(page, line)
    slider, before = page.get_by_role("slider", name="Degree"), line.sent
    for degree in range(33, 61, 3):
        slider.fill(str(degree))
    page.wait_for_function("() => window.__blurdash.read?.degree === 60")
    assert line.sent == before
    page.get_by_role("button", name="Copy receipt").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible(timeout=20_000)
    copied = json.loads(page.evaluate("() => navigator.clipboard.readText()"))
    assert copied["receipt"]["degree"] == 60
    mine = page.evaluate("() => window.__blurdash.numbers.values")
    assert copied["cosine_similarity"] == pytest.approx(mine["cosine_similarity"], abs=5e-5)
    quiet(page, line)
    before = line.sent
    slider.fill("25")
    page.wait_for_function("() => window.__blurdash.answered?.degree === 25", timeout=20_000)
    quiet(page, line)
    assert line.sent - before <= 2  # one, and another where the page is drawn anew


def test_argument_follows_the_hand_without_the_server(opened: Any, dlib_embedder: Any) -> None:
    page, line = opened("degree=30", curves=True)
    page.get_by_role("link", name="Argument").click()
    page.get_by_role("button", name="The embedding").click()
    argument = page.locator(".bd-argument")
    page.locator(".bd-argument[data-scene=embedding][data-by=page]").wait_for(timeout=60_000)
    page.locator(".ba-switch .bd-btn").first.wait_for(timeout=60_000)  # maps have come
    quiet(page, line)
    sent, line.held_up = line.sent, True
    for degree in range(50, 81, 3):
        page.get_by_role("slider", name="Degree").fill(str(degree))
    page.get_by_role("slider", name="Gain").fill("1.2")
    page.get_by_role("slider", name="Shift x").fill("5.5")
    expect(argument).to_have_attribute("data-state", "exact")
    assert line.sent == sent
    face = PreparedFace(portrait_face(), dlib_embedder)
    sharp, blurred = Disturbance(x=5.5, gain=1.2), Change(80, 45)
    for i, change in enumerate((sharp, blurred)):
        wanted = face.values(change, QUICK)
        for name in QUICK:
            measure = ARGUMENT_MEASURES[name]
            text = pair_of(page, name)[i]
            within = 0.01 if name == "psnr" else 3e-4
            assert float(text.split()[0]) == pytest.approx(
                wanted[name], abs=within + 0.5 * 10**-measure.decimals
            ), (name, text)
    expect(page.locator(".ba-notes").first).to_contain_text(
        "To the recogniser the sharp picture is"
    )
    expect(page.locator(".ba-fails")).to_have_count(0)
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    expect(page.locator(".ba-fails")).to_contain_text("With a blur below", timeout=30_000)
    expect(page.locator(".ba-see")).to_contain_text("It fails here: against a blur of")
    expect(page.get_by_role("slider", name="Degree")).not_to_have_value("80")
    page.keyboard.press("PageUp")
    expect(page.get_by_role("slider", name="Degree")).to_have_value("80")


@pytest.mark.long
def test_argument_asks_the_server_for_what_the_page_does_not_do(opened: Any) -> None:
    page, _ = opened("degree=30")
    page.get_by_role("link", name="Argument").click()
    page.get_by_role("button", name="PSNR and SSIM").click()
    page.locator(".bd-argument[data-scene=pixels][data-by=page]").wait_for(timeout=60_000)
    before = figures(page)
    page.get_by_role("slider", name="Turn").fill("2")
    page.locator(".bd-argument[data-state=exact][data-by=server]").wait_for(timeout=20_000)
    assert figures(page) != before
    page.get_by_role("slider", name="Turn").fill("0")
    page.locator(".bd-argument[data-state=exact][data-by=page]").wait_for(timeout=20_000)
    assert figures(page) == before


def figures(page: Page) -> list[str]:
    """What PSNR is of both pictures; the blurs that it takes them for may come later."""
    return [text.split()[0] for text in pair_of(page, "psnr")]


@pytest.mark.long
def test_searches_are_done_without_the_server(opened: Any, dlib_embedder: Any) -> None:
    page, line = opened("degree=30&kernel=line", curves=True)
    page.get_by_role("link", name="Argument").click()
    page.get_by_role("button", name="The embedding").click()
    page.locator(".bd-argument[data-scene=embedding][data-by=page]").wait_for(timeout=60_000)
    page.locator(".ba-switch .bd-btn").first.wait_for(timeout=60_000)  # maps have come
    line.held_up = True
    found = page.locator(".ba-notes", has_text=re.compile("Twins|Found"))
    page.get_by_role("button", name="PSNR twins").click()
    expect(found).to_contain_text("Twins, PSNR", timeout=30_000)
    face = PreparedFace(portrait_face(), dlib_embedder, kernel="line", exact=False)
    wanted = twins(face, (8.0, 0.0), angle=45.0)
    assert wanted.found
    length = float(re.search(r"an exact line of ([\d.]+) px", found.inner_text())[1])
    shifted = float(re.search(r"a shift of ([\d.]+) px;", found.inner_text())[1])
    assert length == pytest.approx(wanted.length, abs=0.3)
    assert shifted == pytest.approx(np.hypot(wanted.shift_x, wanted.shift_y), abs=0.3)
    row = page.get_by_test_id("argue-psnr")
    texts = [text.split()[0] for text in pair_of(page, "psnr")]
    assert float(texts[0]) == pytest.approx(float(texts[1]), abs=0.0101)
    expect(row).to_contain_text("alike")
    page.get_by_role("button", name="Largest disagreement").click()
    expect(found).to_contain_text("Found: a shift of", timeout=60_000)
    best = find_disagreement(face, 16.0, angle=45.0, direction=(1.0, 0.0))
    expect(found).to_contain_text(f"against a blur of {best.degree} px.")
    page.get_by_role("slider", name="Degree").fill("33")
    expect(found).to_have_count(0)


def quiet(page: Page, line: Line) -> None:
    """Waits until nothing was sent for a while."""
    still, sent = 0, line.sent
    while still < 25:
        page.wait_for_timeout(100)
        still, sent = (still + 1 if line.sent == sent else 0), line.sent


@pytest.mark.long
def test_numbers_that_differ_from_the_servers_are_no_longer_shown(
    opened: Any, at_rest: Callable[[Page], None]
) -> None:
    page, line = opened("degree=30")
    quiet(page, line)  # an answer that is still under way would set right what is made wrong
    page.evaluate("""() => {
      const { reader } = window.__blurdash;  // the face is cut elsewhere than the server cuts it
      window.__blurdash.reader = { ...reader, plan: { ...reader.plan, box: [300, 242, 700, 700] } };
    }""")
    page.get_by_role("slider", name="Degree").fill("80")
    page.wait_for_function("() => window.__blurdash.notHere", timeout=20_000)
    expect(page.locator(".bd-status")).to_have_text("exact, drawn by the server", timeout=20_000)
    at_rest(page)
    assert page.evaluate("() => window.__blurdash.read.by") == "server"


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
