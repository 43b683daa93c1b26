// @module network: a recogniser's network in WebAssembly, in an instance of its own.

import { bytesOfCore } from "./core.js";

const NETWORK_MAGIC = "BDN1";
const LAYER_WHOLE = 15; // numbers of a layer that are whole; then two that it is clipped at, then two more
const LAYER_BYTES = 4 * (LAYER_WHOLE + 4);

/** A packed program (blurdash/embed/program.py) that is ready to embed crops. */
export class Network {
  /** @param {WebAssembly.Exports} c what an instance of core.wasm exports */
  constructor(c) {
    this.c = c;
  }

  /**
   * @param {Uint8Array} core bytes of core.wasm
   * @param {ArrayBuffer} packed
   * @throws {RangeError} it is no packed program, or there is not enough memory
   */
  static async start(core, packed) {
    const { instance } = await WebAssembly.instantiate(core);
    const network = new Network(instance.exports);
    network.load(packed);
    return network;
  }

  load(packed) {
    const bytes = new Uint8Array(packed);
    const text = (from, to) => new TextDecoder().decode(bytes.subarray(from, to));
    if (text(0, 4) !== NETWORK_MAGIC) throw new RangeError("no packed network");
    const headed = 8 + new DataView(packed).getUint32(4, true);
    const { layers, biases, bytes: size, dim, side } = JSON.parse(text(8, headed));
    Object.assign(this, { dim, side });
    this.openLayers(layers, biases);
    const weights = headed + 4 * biases;
    bytesOfCore(this.c, this.biases, 4 * biases).set(bytes.subarray(headed, weights));
    let at = weights;
    layers.forEach((layer, number) => {
      const length = size * Math.max(0, layer[LAYER_WHOLE + 2]);
      if (!length) return;
      bytesOfCore(this.c, this.c.net_staged(), length).set(bytes.subarray(at, at + length));
      this.c.net_weights(number, size);
      at += length;
    });
  }

  openLayers(layers, biases) {
    const at = this.c.net_open(layers.length);
    if (!at) throw new RangeError("not enough memory");
    const view = new DataView(this.c.memory.buffer, at, LAYER_BYTES * layers.length);
    layers.forEach((layer, number) => layer.forEach((value, i) => {
      const place = LAYER_BYTES * number + 4 * i;
      const bound = i - LAYER_WHOLE; // null: endless
      if (bound === 0 || bound === 1) view.setFloat32(place, value ?? (bound ? Infinity : -Infinity), true);
      else view.setInt32(place, value, true);
    }));
    this.biases = this.c.net_room(biases, 3 * this.side * this.side);
    if (!this.biases) throw new RangeError("not enough memory");
  }

  /** The embedding of a crop, uint8 RGB: a copy. */
  embed(crop) {
    bytesOfCore(this.c, this.c.net_input(), crop.length).set(crop);
    this.c.net_run();
    return new Float32Array(this.c.memory.buffer, this.c.net_output(), this.dim).slice();
  }
}

/** How far two embeddings are apart, by the names of blurdash/distance.py. */
export function distancesOf(reference, test) {
  let [ab, aa, bb, l1, square] = [0, 0, 0, 0, 0];
  reference.forEach((a, i) => {
    const b = test[i];
    ab += a * b;
    aa += a * a;
    bb += b * b;
    l1 += Math.abs(a - b);
    square += (a - b) ** 2;
  });
  const cosine = Math.min(1, Math.max(-1, ab / Math.sqrt(aa * bb)));
  return { cosine_similarity: cosine, cosine_distance: 1 - cosine, l1, l2: Math.sqrt(square) };
}
