// @module renderer gl: the blurred picture on the graphics card, where there is a fast one.

import { scratchCanvas } from "./canvases.js";
import { wholeKernel } from "./exact.js";
import { lanczosTaps } from "./exact_core.js";
import { GL_BLUR, GL_FINISH, GL_RANGE, buildProgram, buildTexture } from "./gl_shaders.js";
import { studyKernel } from "./kernels.js";

const GL_FAST_MS = 8; // a draw of the longest kernel must take less than this
const GL_PROBE_SIZES = [64, 256]; // smaller draws that a slow card fails without being noticed

/** Draws views with WebGL2, at any size; the same object for previews and exact pictures. */
export class GlPainter {
  /**
   * @param {boolean} anyCard whether a software renderer will do (tests)
   * @param {() => void} onLost called when the browser takes the context away
   * @returns {GlPainter|null} null where there is no WebGL2
   */
  static create(anyCard, onLost) {
    const canvas = scratchCanvas(1);
    const settings = { alpha: false, antialias: false, depth: false };
    settings.failIfMajorPerformanceCaveat = !anyCard; // no software renderer
    const gl = canvas.getContext("webgl2", settings);
    if (!gl || gl.isContextLost()) return null;
    try {
      return new GlPainter(canvas, gl, onLost);
    } catch {
      return null; // a driver that cannot compile the shaders
    }
  }

  constructor(canvas, gl, onLost) {
    Object.assign(this, { canvas, gl });
    this.given = true; // false once it is given back on purpose
    this.sizes = new Map(); // textures by size
    this.blur = buildProgram(gl, GL_BLUR);
    this.range = buildProgram(gl, GL_RANGE);
    this.finish = buildProgram(gl, GL_FINISH);
    this.framebuffer = gl.createFramebuffer();
    this.taps = null;
    canvas.addEventListener("webglcontextlost", () => {
      if (this.given) onLost();
    });
  }

  /** Takes the clean picture at a size. */
  setPicture(rgba, size) {
    const { gl } = this;
    const bytes = [gl.RGBA8UI, gl.RGBA_INTEGER, gl.UNSIGNED_BYTE];
    const halves = [gl.RGBA16UI, gl.RGBA_INTEGER, gl.UNSIGNED_SHORT];
    const pairs = [gl.RG16UI, gl.RG_INTEGER, gl.UNSIGNED_SHORT];
    const ranges = [];
    for (let side = size; side > 1; ) {
      side = Math.ceil(side / 8);
      ranges.push({ side, texture: buildTexture(gl, pairs, side, side, null) });
    }
    this.forget(size);
    const data = new Uint8Array(rgba.buffer, rgba.byteOffset, rgba.length);
    this.sizes.set(size, {
      picture: buildTexture(gl, bytes, size, size, data),
      blurred: buildTexture(gl, halves, size, size, null),
      ranges,
    });
  }

  has(size) {
    return this.sizes.has(size);
  }

  /** Gives back the textures of every size but one. */
  forgetAll(exceptSize) {
    for (const size of [...this.sizes.keys()]) if (size !== exceptSize) this.forget(size);
  }

  /** Gives back the textures of one size. */
  forget(size) {
    const kept = this.sizes.get(size);
    if (!kept) return;
    for (const { texture } of kept.ranges) this.gl.deleteTexture(texture);
    this.gl.deleteTexture(kept.picture);
    this.gl.deleteTexture(kept.blurred);
    this.sizes.delete(size);
  }

  /**
   * Draws a kernel that is laid out for `size`, then the stretch and a shift in px of that size.
   * @returns {HTMLCanvasElement} valid until the end of the task
   */
  draw(kernel, stretched, shift, size) {
    const { gl, canvas } = this;
    const { picture, blurred, ranges } = this.sizes.get(size);
    this.sendTaps(wholeKernel(kernel));
    this.pass(this.blur, blurred, size, { picture, taps: this.taps.texture }, ({ uniforms }) => {
      gl.uniform1i(uniforms.size, size);
      gl.uniform1i(uniforms.count, this.taps.count);
      gl.uniform1ui(uniforms.unit, this.taps.unit);
    });
    if (stretched) this.findRange(blurred, ranges, size);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const whole = shift.map(Math.floor);
    const parts = shift.map((amount, axis) => amount - whole[axis]);
    const inputs = { picture: blurred, range: ranges.at(-1).texture };
    this.pass(this.finish, null, size, inputs, ({ uniforms }) => {
      gl.uniform1i(uniforms.size, size);
      gl.uniform1i(uniforms.stretched, stretched ? 1 : 0);
      gl.uniform2i(uniforms.whole, ...whole);
      gl.uniform2i(uniforms.between, ...parts.map((part) => (part ? 1 : 0)));
      gl.uniform1fv(uniforms.tapsX, Float32Array.from(lanczosTaps(parts[0])));
      gl.uniform1fv(uniforms.tapsY, Float32Array.from(lanczosTaps(parts[1])));
    });
    return canvas;
  }

  /** Waits until everything drawn is done. */
  finishDrawing() {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  /**
   * Whether the longest kernel is drawn fast enough at a size, measured: on small pictures first,
   * so that a slow card costs the page no more than some milliseconds.
   */
  isFast(size) {
    const kernel = studyKernel(100, 30);
    for (const probe of [...GL_PROBE_SIZES.filter((one) => one < size), size]) {
      const mine = !this.has(probe);
      if (mine) this.setPicture(new Uint8ClampedArray(4 * probe * probe), probe);
      let best = Infinity;
      for (let i = 0; i < 3; i++) {
        const start = performance.now();
        this.draw(kernel, true, [0, 0], probe);
        this.finishDrawing();
        best = Math.min(best, performance.now() - start);
      }
      if (mine) this.forget(probe);
      if (!(best < GL_FAST_MS)) return false;
    }
    return !this.isLost();
  }

  /** Whether the browser has taken the context away: then nothing was drawn. */
  isLost() {
    return this.gl.isContextLost();
  }

  dispose() {
    this.given = false;
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  sendTaps({ taps, unit }) {
    const { gl } = this;
    const count = taps.length / 3;
    const data = new Int32Array(4 * Math.max(1, count));
    for (let i = 0; i < count; i++) data.set(taps.subarray(3 * i, 3 * i + 3), 4 * i);
    if (this.taps) gl.deleteTexture(this.taps.texture);
    const format = [gl.RGBA32I, gl.RGBA_INTEGER, gl.INT];
    this.taps = { count, unit, texture: buildTexture(gl, format, data.length / 4, 1, data) };
  }

  findRange(blurred, ranges, size) {
    let [texture, side, first] = [blurred, size, true];
    for (const target of ranges) {
      const inputs = { picture: texture };
      this.pass(this.range, target.texture, target.side, inputs, ({ uniforms }) => {
        this.gl.uniform1i(uniforms.size, side);
        this.gl.uniform1i(uniforms.first, first ? 1 : 0);
      });
      [texture, side, first] = [target.texture, target.side, false];
    }
  }

  /** One pass: `target` null is the canvas; `inputs` are textures by uniform name. */
  pass(program, target, side, inputs, setUniforms) {
    const { gl } = this;
    gl.useProgram(program.program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target ? this.framebuffer : null);
    if (target) {
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, target, 0);
    }
    Object.entries(inputs).forEach(([name, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(program.uniforms[name], unit);
    });
    setUniforms(program);
    gl.viewport(0, 0, side, side);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }
}
