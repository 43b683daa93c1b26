// @module client: the core as the page uses it: in a worker for full-size pictures and their numbers, and
// on the page's own thread for small ones. Where it cannot run, or computes wrongly, that is said once and
// for all, and the server is asked instead.

import { bus } from "../bus.js";
import { CORE_BYTES, CORE_WORKER } from "../core_source.js";
import { rightlyComputed } from "./check.js";
import { Core } from "./core.js";

const CLIENT_PATIENCE_MS = 20000; // for the first answer; a page in the background may be slow

/** Why nothing is computed in this browser, in a few words; empty where it is, or may be. */
export function whyNotHere() {
  return bus.notHere ?? "";
}

/** From now on all is computed by the server. */
export function giveUp(why) {
  if (bus.notHere) return;
  bus.notHere = why || "the browser does not say why";
  bus.dispatchEvent(new Event("not-here"));
}

/** The core's bytes, where this browser can run them. */
function coreBytes() {
  if (typeof WebAssembly !== "object") throw new Error("no WebAssembly");
  const bytes = Uint8Array.from(atob(CORE_BYTES), (letter) => letter.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) throw new Error("no vectors in WebAssembly");
  return bytes;
}

/** A core on the page's own thread; null where it cannot run. */
export async function coreOfPage() {
  try {
    const core = await Core.start(coreBytes());
    if (!rightlyComputed(core)) throw new Error("a stored case was computed wrongly");
    return core;
  } catch (error) {
    giveUp(error.message);
    return null;
  }
}

/** One worker with one picture; the latest request wins. */
export class CoreClient {
  constructor() {
    this.number = 0;
    this.turn = 0; // how often the worker was let go
    this.inflight = null; // what the worker has in hand
    this.fresh = null; // a picture that it has not got yet
    this.network = ""; // address of the one that it has
    this.waiting = null; // {request, reader, resolve}: what it gets next
    this.spare = null; // the same: what it gets where nothing else waits
    this.worker = null;
    this.busy = false;
  }

  /** Takes a square RGBA picture; what waits to be made of the one before is dropped. */
  setPicture(rgba, size) {
    this.cancelAll();
    this.fresh = { ask: "picture", rgba, size };
    this.work();
  }

  /**
   * The picture changed, and compared with the clean one where that is wanted.
   * @param {object} wanted
   * @param {object|null} wanted.kernel as in kernels.js; null for no blur
   * @param {boolean} wanted.stretched to 0..255 after the blur
   * @param {number[]} wanted.shift [right, down] in px
   * @param {number} wanted.gain what every value is multiplied by in the end
   * @param {boolean} wanted.compared whether its numbers are wanted
   * @param {boolean} wanted.painted whether the picture itself is
   * @param {object|null} reader as readerNow (reader.js) has it: then also the embedding's numbers
   * @returns {Promise<{rgba: Uint8ClampedArray|null, values: object|null}|null>} null where another
   *   request came before this one was begun, or where nothing can be computed here
   */
  change(wanted, reader = null) {
    this.cancel();
    return this.asked("waiting", wanted, reader);
  }

  /** The same where nothing else waits; what was asked so before is dropped. */
  changeInIdleTime(wanted, reader) {
    this.spare?.resolve(null);
    return this.asked("spare", wanted, reader);
  }

  asked(place, wanted, reader) {
    return new Promise((resolve) => {
      this[place] = { request: { ask: "change", plan: reader?.plan ?? null, ...wanted }, reader, resolve };
      this.work();
    });
  }

  /** Drops what waits; what the worker has in hand is still answered. */
  cancel() {
    this.waiting?.resolve(null);
    this.waiting = null;
  }

  cancelAll() {
    this.cancel();
    this.spare?.resolve(null);
    this.spare = null;
  }

  /** Has the worker do what there is to do, one after the other. */
  async work() {
    if (this.busy) return;
    this.busy = true;
    while ((this.fresh || this.waiting || this.spare) && !whyNotHere()) {
      const { turn } = this;
      try {
        if (!this.worker) await this.start();
        await this.doNext();
      } catch (error) {
        if (turn === this.turn) giveUp(error.message);
      }
    }
    this.busy = false;
    if (whyNotHere()) this.cancelAll();
  }

  async doNext() {
    const { fresh } = this;
    const place = this.waiting ? "waiting" : "spare";
    const next = this[place];
    if (fresh) {
      this.fresh = null;
      await this.post(fresh);
    } else if (next.reader && next.reader.network !== this.network) {
      this.network = next.reader.network;
      await this.post({ ask: "network", packed: next.reader.packed });
    } else {
      this[place] = null;
      let answer = null;
      try {
        answer = await this.post(next.request);
      } finally {
        next.resolve(answer);
      }
    }
  }

  async start() {
    const bytes = coreBytes();
    const url = URL.createObjectURL(new Blob([CORE_WORKER], { type: "text/javascript" }));
    const guard = setTimeout(() => this.fail("the worker does not answer"), CLIENT_PATIENCE_MS);
    try {
      this.worker = new Worker(url);
      this.worker.onmessage = ({ data }) => this.answered(data);
      this.worker.onerror = (event) => this.fail(event.message || "no worker");
      const { right } = await this.post({ ask: "start", bytes });
      if (!right) throw new Error("a stored case was computed wrongly");
    } finally {
      clearTimeout(guard);
      URL.revokeObjectURL(url);
    }
  }

  post(request) {
    return new Promise((resolve, reject) => {
      this.inflight = { number: ++this.number, resolve, reject };
      this.worker.postMessage({ ...request, number: this.number });
    });
  }

  answered({ number, problem, ...answer }) {
    if (this.inflight?.number !== number) return;
    const { resolve, reject } = this.inflight;
    this.inflight = null;
    if (problem) reject(new Error(problem));
    else resolve(answer);
  }

  fail(why) {
    this.inflight?.reject(new Error(why));
    this.inflight = null;
  }

  /** Lets the worker go; with another picture the client can be used again. */
  dispose() {
    this.turn += 1;
    this.cancelAll();
    this.fresh = null;
    this.worker?.terminate();
    this.worker = null;
    this.network = "";
    this.fail("let go");
  }
}
