"""Makes the README's pictures from the running page.

    .venv/bin/python -m assets.make_pictures [FOLDER]

It needs Chromium and what the tests need. Only the built-in portrait is shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import Dashboard
from tests.conftest import find_chromium

DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
COLOURS = 256  # of a palette: a third of the bytes
PATIENCE = 90_000


def explore(page: Page, address: str) -> None:
    """The surprise that the page opens on, with the whole curve that it is read off."""
    page.goto(f"{address}/?shift=8,0")  # past the guess
    page.locator(".bd-tiles[data-state=exact]").wait_for(timeout=PATIENCE)
    page.locator(".bd-say .bd-of-embedding").wait_for(timeout=PATIENCE)
    page.wait_for_function(
        "() => window.__blurdash.curve?.degrees.length === 101", timeout=PATIENCE
    )
    page.wait_for_timeout(3000)  # the slider has pulsed


def phone(page: Page, address: str) -> None:
    """The same on a phone, the moved picture shown."""
    explore(page, address)
    page.get_by_role("button", name="Pause").click()
    if page.locator(".bd-stage").get_attribute("data-shown") == "clean":
        page.locator(".bd-panels").press("Space")


def told(page: Page, address: str) -> None:
    """A story in which a room has voted by hands, at the press that brings the embedding."""
    page.goto(f"{address}/argument?scene=two-pictures")
    page.locator(".bd-argument[data-state=exact]").wait_for(timeout=PATIENCE)
    first = page.locator(".ba-frame").first.get_attribute("data-side")
    for letter, hands in zip("AB", (23, 7) if first == "0" else (7, 23), strict=True):
        page.get_by_label(f"Hands for {letter}").fill(str(hands))
    page.get_by_role("button", name="Count").click()
    page.get_by_text("30 have voted").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Show the room →").click()
    page.locator(".bd-argument:not([data-hidden])").wait_for(timeout=PATIENCE)
    go_to(page, "embedding", "The embedding")


def maps(page: Page, address: str) -> None:
    """Where SSIM is lost, as ink on both pictures."""
    told(page, address)
    go_to(page, "pixels", "PSNR and SSIM")
    page.get_by_role("button", name="SSIM →").click()
    page.locator(".ba-over:not([hidden])").first.wait_for(timeout=PATIENCE)


def how_often(page: Page, address: str) -> None:
    """How often it is so, the room's own vote among the intervals."""
    told(page, address)
    go_to(page, "how-often", "How often")


def sweeps(page: Page, address: str) -> None:
    """The study's graphs over 30 faces, with a cursor."""
    page.goto(f"{address}/sweeps?measure=cosine")
    page.locator(".sw-panel .sw-dot").first.wait_for(timeout=PATIENCE)
    page.wait_for_timeout(500)


def go_to(page: Page, scene: str, title: str) -> None:
    """Presses a scene's step, and waits until it is drawn."""
    page.get_by_role("button", name=title, exact=True).click()
    page.locator(f".bd-argument[data-scene={scene}][data-state=exact]").wait_for(timeout=PATIENCE)
    page.wait_for_timeout(500)  # rows have faded in


PICTURES = {
    "explore": (explore, DESK, "light"),
    "argument": (told, DESK, "light"),
    "maps": (maps, DESK, "dark"),
    "how_often": (how_often, DESK, "light"),
    "sweeps": (sweeps, DESK, "light"),
    "phone": (phone, PHONE, "light"),
}


def make(folder: Path, browser: Browser, address: str, names: list[str] | None = None) -> None:
    """Writes the pictures.

    Args:
        folder: Where to.
        browser: A running one.
        address: Of the dashboard.
        names: Keys of ``PICTURES``; all of them without.
    """
    for name, (show, size, scheme) in PICTURES.items():
        if names is not None and name not in names:
            continue
        context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=size is PHONE,
        )
        page = context.new_page()
        show(page, address)
        page.mouse.move(2, size["height"] - 2)
        file = folder / f"{name}.png"
        page.screenshot(path=file)
        context.close()
        with Image.open(file) as picture:
            small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(file, optimize=True)


def main() -> None:
    """Starts a dashboard and a browser, and ends both."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    dashboard = Dashboard()
    dashboard.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            make(folder, browser, dashboard.address)
    finally:
        dashboard.stop()


if __name__ == "__main__":
    main()
