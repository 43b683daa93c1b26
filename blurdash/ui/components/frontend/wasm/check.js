// @module check: one stored case, computed before anything is shown. Some browsers took vectors of
// WebAssembly and computed wrong numbers (iOS 16): where the answer is another, nothing is computed here.

const CHECK_SIZE = 53;
// What every right machine finds; tests/test_core.py computes it anew, and by the server's functions.
const CHECK_FOUND = { psnr: 10.02784967034059, ssim: -0.00806391385236323, hash: 1655484445 };

/** Whether a core computes the stored case as it is stored. */
export function rightlyComputed(core) {
  const found = computedCase(core);
  // A logarithm's last bit is each browser's own.
  return Object.entries(CHECK_FOUND).every(([name, value]) => Math.abs(found[name] - value) < 1e-9);
}

/** The case: a picture of noise, blurred by an uneven kernel, stretched, moved between two pixels. */
export function computedCase(core) {
  core.setPicture(noise(CHECK_SIZE), CHECK_SIZE, true);
  const taps = Float64Array.from({ length: 39 }, (_, i) => [(i / 3 | 0) - 6, ((i / 3 | 0) * 5) % 13 - 6, ((i / 3 | 0) + 1) / 91][i % 3]);
  core.compareWith(true);
  core.change({ taps, unit: 0, size: 13 }, true, [2.5, -3.5]);
  return { ...core.compare(), hash: hashOf(core.picture()) };
}

function noise(size) {
  let state = 20261129;
  return Uint8ClampedArray.from({ length: 4 * size * size }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return i % 4 === 3 ? 255 : 20 + (state >>> 24) * 0.75;
  });
}

function hashOf(bytes) {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 16777619) >>> 0, 2166136261);
}
