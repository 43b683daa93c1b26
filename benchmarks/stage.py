"""How fast the picture stage draws: frames per second, draw times, hand to picture, exact times.

Run from the repository: ``python -m benchmarks.stage`` or ``python benchmarks/stage.py``. Needs
Chromium; prints one table. The hand is simulated at 125 events per second for the frames, and by
real mouse events on a range input for the time from hand to picture. ``drawn at`` is the side, in
pixels, that the pace (``pace.js``) chose on this machine.
"""

from __future__ import annotations

import argparse
import http.server
import io
import json
import shutil
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # a plain checkout will do

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from blurdash.portrait import portrait_face  # noqa: E402
from blurdash.ui.components.scripts import FRONTEND, script  # noqa: E402

EXPORTS = """
import { Renderer } from "./pictures/renderer.js";
import { mountStage } from "./pictures/stage.js";
export { Renderer, mountStage as default };
"""
PAGE = """<!doctype html><meta charset="utf-8">
<style>
  body { margin: 0; }
  #host { display: block; --bd-stage-height: calc(var(--side) * 1px); }
  input { position: fixed; left: 0; bottom: 0; width: 1000px; margin: 0; }
</style>
<div id="host"></div><input type="range" min="0" max="100" value="0">
<script type="module">
  import mount, { Renderer } from "/stage.js";
  const query = new URLSearchParams(location.search);
  document.body.style.setProperty("--side", query.get("side"));
  const root = document.querySelector("#host").attachShadow({ mode: "open" });
  root.innerHTML = "<style></style>";
  root.querySelector("style").textContent = await (await fetch("/stage.css")).text();
  const data = new Uint8Array(await (await fetch("/data")).arrayBuffer());
  mount({ data, parentElement: root });
  const bus = window.__blurdash;
  const drawn = [];
  let sent = 0;
  bus.addEventListener("drawn", ({ detail }) => {
    if (detail.exact) return;
    const { width } = root.querySelector(".bd-blurred .bd-picture");
    drawn.push([detail.ms, performance.now() - sent, width]);
  });
  const view = (degree, angle, time) => {
    sent = time;
    const rest = { used_angle: angle, shift_x: 0, shift_y: 0, kernel: "study" };
    bus.dispatchEvent(new CustomEvent("view", { detail: { degree, angle, ...rest } }));
  };
  document.querySelector("input").oninput = ({ target, timeStamp }) =>
    view(Number(target.value), 20, timeStamp);
  window.bench = {
    drawn,
    section: () => root.querySelector(".bd-stage"),
    async drag(ms) {
      drawn.length = 0;
      const start = performance.now();
      await new Promise((resolve) => {
        const timer = setInterval(() => {
          const t = performance.now() - start;
          if (t > ms) { clearInterval(timer); resolve(); return; }
          const degree = Math.round(50 - 50 * Math.cos(t / 700));
          view(degree, Math.round((t / 12) % 360) - 180, performance.now());
        }, 8);
      });
      return { drawn: drawn.slice(), seconds: (performance.now() - start) / 1000 };
    },
    async exact(compared, views) {
      const renderer = new Renderer();
      await renderer.start();
      const png = await (await fetch("/clean.png")).blob();
      renderer.setPicture(await createImageBitmap(png, { colorSpaceConversion: "none" }));
      const times = [];
      for (const one of views) {
        let best = Infinity;
        for (let i = 0; i < 4; i++) {
          const start = performance.now();
          const canvas = (await renderer.paintExact(one, compared)).canvas();
          canvas.getContext("2d").getImageData(0, 0, 1, 1);
          best = Math.min(best, performance.now() - start);
        }
        times.push(best);
      }
      renderer.dispose();
      return times;
    },
  };
</script>"""

EXACT_VIEWS = [
    ("study 30 px at 45°", 30, 45, 0, "study"),
    ("study 100 px at 45°", 100, 45, 0, "study"),
    ("study 100 px at 20°", 100, 20, 0, "study"),
    ("study 30 px, shifted by 1.5", 30, 45, 1.5, "study"),
    ("line 100 px at 20°", 100, 20, 0, "line"),
]


@contextmanager
def site() -> Iterator[str]:
    """Serves the page, the stage's script as Python joins it, and the portrait."""
    file = io.BytesIO()
    Image.fromarray(portrait_face().canvas).save(file, "PNG")
    joined = script("bench.js", {"bench.js": EXPORTS})
    files = {
        "/": ("text/html", PAGE.encode()),
        "/stage.js": ("text/javascript", joined.encode()),
        "/stage.css": ("text/css", (FRONTEND / "pictures" / "stage.css").read_bytes()),
        "/clean.png": ("image/png", file.getvalue()),
    }
    header = json.dumps({"view": None}).encode()
    packed = struct.pack("<I", len(header)) + header + file.getvalue()
    files["/data"] = ("application/octet-stream", packed)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = files.get(self.path.split("?")[0], ("text/plain", b""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def quantiles(values: list[float]) -> str:
    if not values:
        return "-"
    ordered = sorted(values)
    return f"{ordered[len(ordered) // 2]:.1f} / {ordered[int(0.95 * (len(ordered) - 1))]:.1f}"


def opened(browser: Browser, address: str, side: int) -> Page:
    page = browser.new_page(viewport={"width": 2 * side + 40, "height": side + 160})
    page.goto(f"{address}?side={side}")
    page.locator(".bd-stage[data-state=exact]").wait_for(timeout=60_000)
    page.wait_for_timeout(600)
    return page


def hand_to_picture(page: Page, side: int) -> list[float]:
    """Milliseconds from real mouse events on a range input to the drawn picture."""
    page.evaluate("() => { bench.drawn.length = 0; }")
    y = side + 152
    page.mouse.move(5, y)
    page.mouse.down()
    for step in range(240):
        page.mouse.move(5 + 990 * abs((step % 120) / 60 - 1), y)
    page.mouse.up()
    page.wait_for_timeout(50)
    return [row[1] for row in page.evaluate("() => bench.drawn")]


def bench_moving(browser: Browser, address: str, seconds: float) -> None:
    heads = ("display", "fps", "drawn at", "draw p50/p95 ms", "hand to picture ms")
    print("{:>8} {:>6} {:>8} {:>18} {:>20}".format(*heads))
    for side in (512, 1024):
        page = opened(browser, address, side)
        hand = hand_to_picture(page, side)
        page.evaluate("() => bench.drag(1000)")  # warm
        result: dict[str, Any] = page.evaluate("(ms) => bench.drag(ms)", 1000 * seconds)
        draws = [row[0] for row in result["drawn"]]
        fps = len(draws) / result["seconds"]
        width = sorted(row[2] for row in result["drawn"])[len(draws) // 2]
        print(f"{side:>8} {fps:6.1f} {width:>8} {quantiles(draws):>18} {quantiles(hand):>20}")
        page.close()


def bench_exact(browser: Browser, address: str) -> None:
    page = opened(browser, address, 512)
    keys = ("degree", "angle", "used_angle", "shift_x", "shift_y", "kernel")
    views = [
        dict(zip(keys, (degree, angle, angle, shift, shift, kernel), strict=True))
        for _, degree, angle, shift, kernel in EXACT_VIEWS
    ]
    columns = [
        page.evaluate("([compared, views]) => bench.exact(compared, views)", [compared, views])
        for compared in (False, True)
    ]
    print(f"\n{'exact picture, best of 4, ms':<30} {'picture':>8} {'and PSNR, SSIM':>16}")
    for row, (name, *_) in enumerate(EXACT_VIEWS):
        print(f"{name:<30} {columns[0][row]:8.0f} {columns[1][row]:16.0f}")
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the picture stage draws.")
    parser.add_argument("--seconds", type=float, default=4, help="of dragging, for each row")
    parser.add_argument(
        "--chromium", default=shutil.which("chromium") or shutil.which("google-chrome")
    )
    options = parser.parse_args()
    with site() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        print(f"Chromium {browser.version}")
        bench_moving(browser, address, options.seconds)
        bench_exact(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
