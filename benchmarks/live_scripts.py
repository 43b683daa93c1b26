"""What ``benchmarks.live`` runs in the page: hands that move, and what counts what comes of it."""

from __future__ import annotations

__all__ = ["ALONE", "FLICK", "HAND", "RESTS", "SEEN", "WATCH"]

# Counts, between start and stop, how long pictures and numbers take after the hand was there.
WATCH = """
() => {
  const bus = window.__blurdash;
  const place = ({ degree, angle, shift_x, shift_y }) => [degree, angle, shift_x, shift_y].join();
  window.__watch = {
    start() {
      this.paint = []; this.numbers = []; this.moved = new Map(); this.frames = 0;
      this.began = performance.now(); this.running = true; this.asked = null;
      this.onView = () => {
        this.asked ??= performance.now();
        this.moved.set(place(bus.view), performance.now());
      };
      this.onNumbers = () => {
        if (!bus.numbers.key) return;
        this.numbers.push(performance.now() - this.moved.get(place(bus.numbers.view)));
      };
      bus.addEventListener("numbers", this.onNumbers);
      this.onDrawn = (e) => {
        if (e.detail.exact) return;
        if (this.asked !== null) this.paint.push(performance.now() - this.asked);
        this.asked = null;
      };
      bus.addEventListener("view", this.onView);
      bus.addEventListener("drawn", this.onDrawn);
      const tick = () => { if (this.running) { this.frames++; requestAnimationFrame(tick); } };
      requestAnimationFrame(tick);
    },
    stop() {
      this.running = false;
      bus.removeEventListener("view", this.onView);
      bus.removeEventListener("numbers", this.onNumbers);
      bus.removeEventListener("drawn", this.onDrawn);
      return { ms: performance.now() - this.began, paint: this.paint, frames: this.frames,
        numbers: this.numbers.filter(Number.isFinite) };
    },
  };
}
"""

HAND = """
(slider, seconds) => new Promise((done) => {
  const [low, high] = [Number(slider.min), Number(slider.max)];
  window.__watch.start();
  const begun = performance.now();
  const run = () => {
    const passed = (performance.now() - begun) / 1000;
    if (passed > seconds) return done(window.__watch.stop());
    slider.value = String(Math.round(low + (high - low) * (0.5 - 0.45 * Math.cos(1.7 * passed))));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(run);
  };
  requestAnimationFrame(run);
})
"""

ALONE = """
async () => {
  const { measurer, view } = window.__blurdash, times = [];
  // What the page knows of the recogniser goes with each number that it asks for.
  const reader = { ...window.__blurdash.reader };
  reader.packed = window.__blurdash.networks.get(reader.network);
  for (let i = 0; i < 40; i++) {
    const at = { degree: 5 + (i * 37) % 96, angle: (i * 53) % 360 - 180 };
    const start = performance.now();
    const found = await measurer.measure({ ...view, ...at, used_angle: at.angle }, reader);
    if (found && i > 3) times.push(performance.now() - start);
  }
  return times;
}
"""

RESTS = """
async () => {
  const bus = window.__blurdash, times = [];
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  for (let i = 0; i < 20; i++) {
    await rest(700);
    const start = performance.now();
    const detail = { degree: 12 + (i * 31) % 80, angle: (i * 47) % 180 };
    bus.dispatchEvent(new CustomEvent("set", { detail }));
    while (bus.read?.degree !== detail.degree || bus.read.angle !== detail.angle) await rest(2);
    times.push(performance.now() - start);
  }
  return times;
}
"""

FLICK = """
async ([degree, angle]) => {
  const bus = window.__blurdash;
  for (let i = 0; i <= 8; i++) {
    const detail = { degree: Math.round(degree * i / 8), angle };
    bus.dispatchEvent(new CustomEvent("set", { detail }));
    await new Promise((done) => setTimeout(done, 8));
  }
}
"""

SEEN = """
() => {
  const all = (root, selector) => {
    const hosts = [...root.querySelectorAll("*")].filter((one) => one.shadowRoot);
    const inside = hosts.flatMap((one) => all(one.shadowRoot, selector));
    return [...root.querySelectorAll(selector), ...inside];
  };
  const slider = Number(all(document, "#bd-degree")[0].value);
  const picture = JSON.parse(all(document, "[data-view]")[0].dataset.view).degree;
  const numbers = window.__blurdash.read.degree;
  return { slider, picture, numbers };
}
"""
