"""Real journeys through the dashboard in Chromium."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from blurdash.blur import Change
from blurdash.portrait import portrait_face, portrait_photo
from blurdash.readout import PreparedFace
from tests.browser.conftest import WITH_CURVES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PIXELS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: 4000 }, (_, i) => data[4 * ((i * 37) % (data.length / 4))]);
}"""
NUMBER = re.compile(r"^-?\d+\.\d+$")


def readout(page: Page, name: str) -> float:
    """What a tile shows, once it is exact."""
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=90_000)
    text = page.get_by_test_id(f"readout-{name}").inner_text()
    assert NUMBER.match(text), text
    return float(text)


def slider(page: Page, name: str):
    return page.get_by_role("slider", name=name)


def shown_view(page: Page) -> dict:
    return page.evaluate("() => window.__blurdash.view")


def test_the_journey(page: Page, at_rest, dlib_embedder):
    """Opened, dragged, read while dragging and at rest, a photo added, read again."""
    assert_fits_in_both_themes(page)
    assert_dragged(page, at_rest)
    slider(page, "Degree").fill("64")
    slider(page, "Angle").fill("-20")
    expected = PreparedFace(portrait_face(), dlib_embedder).readout(Change(64, -20.0)).values
    assert readout(page, "cosine") == pytest.approx(expected["cosine_similarity"], abs=3e-4)
    assert readout(page, "l2") == pytest.approx(expected["l2"], abs=3e-3)
    assert readout(page, "psnr") == pytest.approx(expected["psnr"], abs=0.03)
    assert readout(page, "ssim") == pytest.approx(expected["ssim"], abs=3e-4)
    add_no_face(page)
    add_photo(page)
    at_rest(page)
    mild = readout(page, "cosine")
    slider(page, "Degree").fill("90")
    strong = {name: readout(page, name) for name in ("cosine", "l1", "l2", "psnr", "ssim")}
    assert strong["cosine"] < mild
    assert strong["psnr"] < 35
    page.wait_for_url(re.compile("degree=90"), timeout=20_000)  # it follows where the hand rests
    assert re.findall("photo[^&]*", page.url.lower()) == [
        "photo"
    ]  # that there is one, nothing of it


def test_the_page_opens_on_the_surprise_and_says_it(browser: Browser, dashboard, at_rest):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.add_init_script(WITH_CURVES)
    page.goto(dashboard.address)
    at_rest(page)
    said = page.locator(".bd-say")
    expect(said).to_contain_text("Not blurred at all, only moved by 8 px. ")
    expect(said).to_contain_text("takes it for a blur of over 100 px", timeout=60_000)
    for name in ("psnr", "cosine"):
        # Points of the curve may still come, and both follow them.
        deadline = time.monotonic() + 20
        while page.locator(f"[data-tile={name}] .bd-like b").inner_text() not in said.inner_text():
            assert time.monotonic() < deadline
            page.wait_for_timeout(100)
    expect(slider(page, "Shift x")).to_have_class(re.compile("bd-pulse"))  # what made it
    expect(page.locator(".bd-inset")).to_be_visible()  # the kernel
    assert_row_is_held(page)
    assert_card_is_saved(page)
    readouts = page.locator(".bd-tiles").element_handle()
    slider(page, "Shift x").fill("0")
    expect(slider(page, "Shift x")).not_to_have_class(re.compile("bd-pulse"))
    expect(said).to_have_text("Twice the same picture. Every measure says so.")
    expect(page.locator(".bd-hold").first).to_be_disabled()
    slider(page, "Degree").fill("40")
    expect(said).to_contain_text("Blurred by 40 px, not moved. Here all measures read 40 px")
    assert readouts.evaluate("(box) => box.isConnected")  # they are built once
    page.close()


def assert_row_is_held(page: Page) -> None:
    """Held by a finger or a key, a row shows the blur that its measure takes the picture for."""
    stage, caption = page.locator(".bd-stage"), page.locator(".bd-blurred b")
    row = page.get_by_role("button", name=re.compile("PSNR takes it for a blur"))
    expect(stage).to_have_attribute("data-state", "exact")
    shifted = page.locator(".bd-blurred .bd-picture").evaluate(PIXELS)
    expect(row).to_be_enabled()
    row.hover()
    page.mouse.down()
    expect(stage).to_have_attribute("data-held", "pixels")
    like = page.locator("[data-tile=psnr] .bd-like b").inner_text()
    expect(caption).to_have_text(f"What PSNR takes it for: a blur of {like}")
    held = page.locator(".bd-blurred .bd-picture").evaluate(PIXELS)
    assert np.abs(np.subtract(held, shifted)).mean() > 1
    page.mouse.up()
    expect(caption).to_have_text("Moved by 8 px, sharp")
    assert page.locator(".bd-blurred .bd-picture").evaluate(PIXELS) == shifted
    row.press("Space")
    expect(caption).to_contain_text("What PSNR takes it for")
    row.press("Space")
    expect(caption).to_have_text("Moved by 8 px, sharp")
    expect(stage).not_to_have_attribute("data-held", "pixels")


def assert_card_is_saved(page: Page) -> None:
    """A picture of all that is said, made in the browser."""
    page.get_by_role("button", name="Card", exact=True).click()
    dialog = page.get_by_role("dialog", name="A card to carry away")
    expect(dialog).to_contain_text("It shows the built-in portrait.")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save card").click()
    assert download.value.suggested_filename == "blurdash_study_d0_a45_s8_0.png"
    with Image.open(download.value.path()) as file:
        card = np.asarray(file.convert("RGB")).astype(int)
    assert card.shape == (900, 1440, 3)
    assert card[2, 2].tolist() == [255, 255, 255]
    left, right = card[170:640, 54:524], card[170:640, 554:1024]
    assert 1 < np.abs(left - right).mean() < 40  # the same face twice
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save pictures").click()
    with Image.open(download.value.path()) as file:
        assert file.size == (2072, 1080)
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def add_no_face(page: Page) -> None:
    """A photo without a face is said by its name, until the hand goes on; the numbers stay."""
    photo = io.BytesIO()
    Image.new("RGB", (200, 150), (60, 140, 60)).save(photo, "PNG")
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "<b>garden</b>.png", "mimeType": "image/png", "buffer": photo.getvalue()}
    )
    said = "No face was found in <b>garden</b>.png. You still see the last face, and its numbers."
    expect(page.locator(".bd-say")).to_have_text(said, timeout=60_000)
    page.keyboard.press("Escape")
    slider(page, "Degree").fill("63")
    expect(page.locator(".bd-say")).to_contain_text("Blurred by 63 px")
    page.get_by_role("button", name="Close this note").click()


def add_photo(page: Page) -> None:
    photo = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(portrait_photo()[:, ::-1])).save(photo, "JPEG", quality=95)
    page.get_by_role("button", name="Add photo").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "<img src=x>.jpg", "mimeType": "image/jpeg", "buffer": photo.getvalue()}
    )
    expect(page.get_by_role("radio", name="Photo 1")).to_be_checked(timeout=60_000)
    page.keyboard.press("Escape")


def assert_fits_in_both_themes(page: Page) -> None:
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        background = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
        page.wait_for_function(
            f"(dark) => ({background})().match(/\\d+/g).slice(0, 3).every((v) => v < 128) === dark",
            arg=scheme == "dark",
        )
        high, room = page.evaluate(
            "(names) => names.map((name) => document.querySelector('.stMain')[name])",
            ["scrollHeight", "clientHeight"],
        )
        assert high <= room, scheme


NOW = """() => ({
  state: window.__blurdash.slots.readouts.querySelector(".bd-tiles").dataset.state,
  degree: window.__blurdash.view.degree, read: window.__blurdash.read?.degree,
})"""


def assert_dragged(page: Page, at_rest) -> None:
    """Drags the degree with the mouse; no number is shown as exact for another position."""
    box = slider(page, "Degree").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 20, y)
    page.mouse.down()
    seen = []
    for step in range(60):
        page.mouse.move(box["x"] + 20 + step * (box["width"] - 40) / 60, y)
        if step % 5 == 0:
            seen.append(page.evaluate(NOW))
    page.mouse.up()
    at_rest(page)
    assert all(now["state"] != "exact" or now["degree"] == now["read"] for now in seen)
    assert len({now["degree"] for now in seen}) > 6
    value = int(slider(page, "Degree").input_value())
    assert value > 80
    assert page.evaluate(NOW) == {"state": "exact", "degree": value, "read": value}
    log = page.evaluate("() => window.__blurdash.log")
    sent = {row[2] for row in log if row[1] == "sent"}
    got = {row[2] for row in log if row[1] == "got"}
    # Until the page has the recogniser itself: one request in flight and the latest wins, the last
    # is answered, the drag is not starved. A run of the whole page may take one answer's place, and
    # a page that reads itself by now does not wait for what it still asked the server.
    if page.evaluate("() => window.__blurdash.read.by") == "server":
        assert max(got, default=0) >= max(sent, default=0)
    assert len(got) + 1 >= len(sent) // 2


@pytest.mark.long
def test_a_phone_has_picture_numbers_and_a_slider_on_one_screen(
    browser: Browser, dashboard, at_rest
):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(dashboard.address)
    at_rest(page)
    expect(page.locator(".bd-stage")).to_have_attribute("data-mode", "flicker")
    expect(page.get_by_role("slider")).to_have_count(1)  # one at a time
    whole = [page.locator(name) for name in (".bd-say", ".bd-blurred .bd-frame", ".bd-believe")]
    whole += [page.get_by_test_id(f"readout-{name}") for name in ("cosine", "psnr", "ssim")]
    foot = page.locator(".bd-controls").bounding_box()
    for part in whole:
        box = part.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= foot["y"], part
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert foot["y"] > 0.75 * 844
    for button in page.locator(".bd-thumb button").all():
        assert min(button.bounding_box()[side] for side in ("width", "height")) >= 44
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    tabs = page.locator(".st-key-bd-pages a")
    assert tabs.all_inner_texts() == ["Explore", "Argument", "Sweeps", "Method"]
    for tab in tabs.all():
        assert min(tab.bounding_box()[side] for side in ("width", "height")) >= 44
        assert tab.bounding_box()["y"] >= foot["y"] + foot["height"] - 1
    page.get_by_role("button", name="Difference").tap()
    expect(page.locator(".bd-differs .bd-picture")).to_be_visible()
    page.get_by_role("radio", name="Degree").tap()
    page.get_by_role("button", name="More").tap()
    page.get_by_role("button", name="More").tap()
    expect(page.locator(".bd-say")).to_contain_text("Blurred by 2 px and moved by 8 px.")
    page.get_by_role("button", name="Add photo").tap()
    expect(page.get_by_text("Upload photos")).to_be_visible()
    context.close()


@pytest.mark.long
def test_a_guess_comes_first_and_is_never_in_the_way(browser: Browser, dashboard, at_rest):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.add_init_script("window.__blurdash.guessed = false;")
    guess = page.get_by_role("slider", name="How blurred PSNR thinks the picture is")
    says, asked = page.locator(".bd-say"), "How blurred does PSNR think it is?"
    page.goto(dashboard.address)
    expect(says).to_contain_text(asked, timeout=60_000)
    expect(page.locator("[data-tile=psnr] .bd-like b")).to_have_text("?")
    expect(page.get_by_role("button", name="Copy link")).to_be_hidden()
    at_rest(page)
    guess.fill("40")
    page.get_by_role("button", name="Show", exact=True).click()
    told = re.compile(r"only moved by 8 px\. You said 40 px\. .*PSNR of 7\d px")
    expect(says).to_have_text(told, timeout=60_000)
    expect(page.locator(".bd-axis rect title")).to_have_text("your guess")
    expect(page.locator("[data-tile=psnr] .bd-like b")).to_have_text(re.compile(r"7\d px"))
    slider(page, "Shift x").press("ArrowRight")
    expect(says).not_to_contain_text("You said")
    expect(page.locator(".bd-axis rect title")).to_have_count(0)

    # Whatever is touched does what it always does, and there is no guess any more.
    page.goto(dashboard.address)
    expect(guess).to_be_visible(timeout=60_000)
    slider(page, "Degree").press("ArrowRight")
    expect(slider(page, "Degree")).to_have_value("1")
    expect(guess).to_have_count(0)
    expect(says).not_to_contain_text(asked)

    # Who asked for a state gets it, and who wants no motion is not made to wait for any.
    page.goto(f"{dashboard.address}/?shift=8,0")
    at_rest(page)
    expect(says).to_contain_text("Not blurred at all")
    expect(guess).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    page.goto(dashboard.address)
    at_rest(page)
    expect(guess).to_have_count(0)
    page.close()


@pytest.mark.long
def test_nothing_changed_reads_as_identical(page: Page, at_rest):
    slider(page, "Degree").fill("0")
    at_rest(page)
    assert page.get_by_test_id("readout-psnr").inner_text() == "∞"
    assert readout(page, "cosine") == 1
    assert readout(page, "ssim") == 1


@pytest.mark.long
def test_keys_move_the_slider(page: Page, at_rest):
    degree = slider(page, "Degree")
    degree.focus()
    for key, value in (
        ("Home", "0"),
        ("ArrowRight", "1"),
        ("PageUp", "11"),
        ("ArrowLeft", "10"),
        ("End", "100"),
        ("PageDown", "90"),
    ):
        page.keyboard.press(key)
        assert degree.input_value() == value
    at_rest(page)
    assert shown_view(page)["degree"] == 90


@pytest.mark.long
def test_number_entry_takes_numbers_and_refuses_words(page: Page, at_rest):
    entry = page.get_by_label("direction in °")
    entry.fill("-135")
    entry.press("Enter")
    assert slider(page, "Angle").input_value() == "-135"
    entry.fill("abc")
    entry.press("Enter")
    assert slider(page, "Angle").input_value() == "-135"
    assert entry.input_value() == "−135"
    at_rest(page)


@pytest.mark.long
def test_link_restores_the_view(page: Page, browser: Browser, at_rest):
    slider(page, "Degree").fill("72")
    slider(page, "Angle").fill("30")
    slider(page, "Shift x").fill("5.5")
    expect(page).to_have_url(re.compile(r"degree=72.*shift=5\.5"), timeout=20_000)
    at_rest(page)
    numbers = [page.get_by_test_id(f"readout-{n}").inner_text() for n in ("cosine", "psnr")]
    other = browser.new_page()
    other.goto(page.url)
    at_rest(other)
    assert slider(other, "Degree").input_value() == "72"
    assert slider(other, "Angle").input_value() == "30"
    assert slider(other, "Shift x").input_value() == "5.5"
    assert numbers == [
        other.get_by_test_id(f"readout-{n}").inner_text() for n in ("cosine", "psnr")
    ]
    other.close()


@pytest.mark.long
def test_shift_hurts_psnr_more_than_blur_but_cosine_less(page: Page):
    slider(page, "Degree").fill("50")
    blurred = {name: readout(page, name) for name in ("cosine", "psnr", "ssim")}
    slider(page, "Degree").fill("0")
    slider(page, "Shift x").fill("16")
    shifted = {name: readout(page, name) for name in ("cosine", "psnr", "ssim")}
    assert shifted["psnr"] < blurred["psnr"]
    assert shifted["ssim"] < blurred["ssim"]
    assert shifted["cosine"] > blurred["cosine"]
    # Each measure's blur equivalent says so in one unit; the curve may come after the numbers.
    expect(page.locator("[data-tile=psnr] .bd-like b")).to_have_text(
        re.compile(r"over 100 px|\d+ px"), timeout=60_000
    )
    like = {
        name: page.locator(f"[data-tile={name}] .bd-like b").inner_text()
        for name in ("cosine", "psnr", "ssim")
    }
    assert int(re.search(r"\d+", like["cosine"])[0]) < int(re.search(r"\d+", like["psnr"])[0])


@pytest.mark.long
def test_curve_is_drawn_and_a_click_sets_the_degree(page: Page, at_rest):
    lanes = page.locator(".bd-lanes")
    expect(lanes.locator(".bd-curve[data-points='101']")).to_have_count(2, timeout=120_000)
    thumb = slider(page, "Degree").bounding_box()
    box = lanes.bounding_box()
    # The slider is the curves' axis: a click above 70 on the track sets 70.
    page.mouse.click(thumb["x"] + 8 + 0.7 * (thumb["width"] - 16), box["y"] + box["height"] * 0.4)
    at_rest(page)
    assert slider(page, "Degree").input_value() == "70"
    assert lanes.locator(".bd-cursor").get_attribute("data-degree") == "70"


@pytest.mark.long
def test_curve_is_saved_as_a_file(page: Page, at_rest, dlib_embedder):
    page.add_init_script(WITH_CURVES)
    page.reload()
    at_rest(page)
    slider(page, "Angle").fill("10")
    button = page.locator(".bd-csv")
    expect(page.locator(".bd-lanes.bd-old")).to_have_count(1)  # the other angle's, no more offered
    expect(button).to_be_hidden()
    expect(page.locator(".bd-lanes.bd-old")).to_have_count(0, timeout=20_000)
    expect(button).to_have_text("CSV", timeout=120_000)
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "blurdash_curve_study_a10.csv"
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["degree"]) for row in rows] == list(range(101))
    assert rows[0]["psnr"] == "inf"
    face = PreparedFace(portrait_face(), dlib_embedder)
    for degree in (1, 25, 80):
        row = rows[degree]
        readout = face.readout(Change(degree, 10.0))
        assert float(row["angle"]) == pytest.approx(Change(degree, 10.0).used_angle, abs=1e-3)
        for name, within in (("cosine_similarity", 3e-4), ("l2", 3e-3), ("psnr", 0.03)):
            assert float(row[name]) == pytest.approx(readout.values[name], abs=within)
        said = [row[name] for name in ("kernel", "recogniser", "protocol", "crop")]
        assert said == ["study", "dlib ResNet-29", "native", "fixed"]


@pytest.mark.long
def test_presentation_mode_by_key_and_back(page: Page):
    picture = page.locator(".bd-blurred .bd-picture")
    small = picture.bounding_box()["width"]
    page.locator("body").press("f")
    expect(page.locator("body")).to_have_class(re.compile("bd-present"))
    assert picture.bounding_box()["width"] > 1.1 * small
    page.locator("body").press("PageDown")
    assert shown_view(page)["degree"] == 40
    page.locator("body").press("f")
    expect(page.locator("body")).not_to_have_class(re.compile("bd-present"))


@pytest.mark.long
def test_receipt_of_what_is_shown_is_copied(page: Page, at_rest):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    slider(page, "Degree").fill("41")
    at_rest(page)
    expect(page.get_by_role("button", name="Copy receipt")).to_be_enabled(timeout=20_000)
    page.get_by_role("button", name="Copy receipt").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("() => navigator.clipboard.readText()"))
    assert copied["receipt"]["embedder"] == "dlib"
    assert copied["receipt"]["degree"] == 41


@pytest.mark.long
def test_play_runs_and_stops(page: Page, at_rest):
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => window.__blurdash.view.degree > 33")
    page.get_by_role("button", name="Stop").click()
    at_rest(page)
    assert shown_view(page)["degree"] == page.evaluate("() => window.__blurdash.read.degree")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
