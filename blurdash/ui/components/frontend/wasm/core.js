// @module core: one picture in WebAssembly (folder wasm/ of the repository): changed exactly, and compared.

const CORE_ADDED_UP = 121; // places of the largest kernel whose taps OpenCV adds up one by one
const CORE_AGAIN = { never: 0, asGiven: 1, likeOpencv: 2 }; // a sum near the middle between two levels
const CORE_LANCZOS = 8;

/** Taps that move a signal by `fraction` px, from 0 to below 1, to higher indices: Lanczos, sum 1. */
function lanczosTaps(fraction) {
  const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  const taps = Array.from({ length: CORE_LANCZOS }, (_, i) => {
    const place = i - CORE_LANCZOS / 2 + fraction;
    return Math.abs(place) < CORE_LANCZOS / 2 ? sinc(place) * sinc(place / (CORE_LANCZOS / 2)) : 0;
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/** A level in other light, in the server's steps: multiplied in float32, rounded with halves to the even. */
function litLevel(level, gain) {
  const exact = Math.fround(level * Math.fround(gain));
  const floor = Math.floor(exact);
  const up = exact - floor > 0.5 || (exact - floor === 0.5 && floor % 2 === 1);
  return Math.min(255, Math.max(0, floor + (up ? 1 : 0)));
}

/** Bytes of an instance's memory; valid until it grows. */
export function bytesOfCore(c, at, length) {
  return new Uint8Array(c.memory.buffer, at, length);
}

/** An instance of the core, and the picture that it works on. */
export class Core {
  /** @param {WebAssembly.Exports} c what an instance of core.wasm exports */
  constructor(c) {
    this.c = c;
    this.size = 0;
    this.rough = false; // whether a level more or less does not matter
  }

  /** @param {Uint8Array} bytes of core.wasm */
  static async start(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes);
    return new Core(instance.exports);
  }

  /**
   * Takes a square picture, in place of the one before.
   * @param {Uint8ClampedArray} rgba
   * @param {number} size its side, px
   * @param {boolean} toCompare whether changed pictures will be compared with it
   * @throws {RangeError} there is not enough memory
   */
  setPicture(rgba, size, toCompare) {
    this.size = 0;
    this.door = this.c.open(size, toCompare ? 1 : 0);
    if (!this.door) throw new RangeError("not enough memory");
    this.size = size;
    this.reference = null; // whether it is stretched; null while there is none
    this.throughDoor().set(rgba);
    this.c.take_clean();
  }

  /**
   * Makes the changed picture.
   * @param {{taps: Float64Array, unit: number, size: number}|null} kernel as in kernels.js; null: no blur
   * @param {boolean} stretched to 0..255 after the blur
   * @param {number[]} shift [right, down] in px
   * @param {number} gain what every value is multiplied by in the end
   * @throws {RangeError} the kernel is larger or heavier than can be done here
   */
  change(kernel, stretched, shift, gain = 1) {
    if (kernel) this.blur(kernel);
    this.finish(kernel, stretched, shift, gain);
  }

  /** The reference blurred by a kernel, in place of the clean picture: not stretched again, not moved. */
  changeReference(kernel) {
    this.c.blur_of(1);
    try {
      this.change(kernel, false, [0, 0]);
    } finally {
      this.c.blur_of(0);
    }
  }

  blur({ taps, unit, size }) {
    const count = taps.length / 3;
    const summedByOpencv = size * size <= CORE_ADDED_UP ? CORE_AGAIN.likeOpencv : CORE_AGAIN.asGiven;
    if (count > this.c.most_taps()) throw new RangeError("too many taps");
    new Float64Array(this.c.memory.buffer, this.c.taps_at(), taps.length).set(taps);
    if (!this.c.take_kernel(count, unit, this.rough ? CORE_AGAIN.never : summedByOpencv)) throw new RangeError("taps too far or too heavy");
    this.c.blur(0, this.size);
  }

  /** What comes after the blur, where there was one: stretch, shift and light. */
  finish(blurred, stretched, shift, gain = 1) {
    const whole = shift.map(Math.floor);
    const rest = shift.map((amount, axis) => amount - whole[axis]);
    const { buffer } = this.c.memory;
    new Float32Array(buffer, this.c.across_at(), CORE_LANCZOS).set(lanczosTaps(rest[0]));
    new Float32Array(buffer, this.c.along_at(), CORE_LANCZOS).set(lanczosTaps(rest[1]));
    this.c.change(blurred ? 1 : 0, stretched ? 1 : 0, ...whole, (rest[0] ? 1 : 0) + (rest[1] ? 2 : 0));
    if (gain !== 1) this.light(gain);
  }

  light(gain) {
    bytesOfCore(this.c, this.c.lit_at(), 256).set(Array.from({ length: 256 }, (_, level) => litLevel(level, gain)));
    this.c.light();
  }

  /** Has what changed pictures are compared with be the clean one, stretched or not. */
  compareWith(stretched) {
    if (this.reference === stretched) return;
    this.change(null, stretched, [0, 0]);
    this.c.take_reference();
    this.reference = stretched;
    this.sharpness = this.c.sharpness(1);
  }

  /**
   * How the changed picture compares.
   * @returns {{psnr: number, ssim: number, sharpness_ratio: number}} in dB, Infinity for equal pictures;
   *   up to 1; from 0, 1 for equal pictures
   */
  compare() {
    const error = this.c.squared_error();
    if (error === 0) return { psnr: Infinity, ssim: 1, sharpness_ratio: 1 };
    const psnr = 10 * Math.log10((255 * 255 * 3 * this.size * this.size) / error);
    const sharpness = this.c.sharpness(0);
    const ratio = this.sharpness ? sharpness / this.sharpness : sharpness ? Infinity : 1;
    return { psnr, ssim: this.c.ssim(), sharpness_ratio: ratio };
  }

  /** The changed picture as RGBA; the next call overwrites it. */
  picture() {
    this.c.give_changed();
    return this.throughDoor();
  }

  /**
   * What a recogniser is shown: a box of the changed picture, or of what it is compared with.
   * @param {{kind: number, box: number[], side: number, levels: number, grid: number[]}} plan
   * @returns {Uint8Array} RGB; the next call overwrites it
   * @throws {RangeError} the plan is none for this picture
   */
  crop({ kind, box, side, levels, grid }, ofReference) {
    new Float64Array(this.c.memory.buffer, this.c.grid_at(), 6).set(grid);
    const at = this.c.crop(ofReference ? 1 : 0, kind, ...box, side, levels);
    if (!at) throw new RangeError("a crop that cannot be cut here");
    return bytesOfCore(this.c, at, 3 * side * side);
  }

  throughDoor() {
    return new Uint8ClampedArray(this.c.memory.buffer, this.door, 4 * this.size * this.size);
  }
}
