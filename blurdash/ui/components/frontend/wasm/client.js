// @module client: the core as the page uses it: in a worker for full-size pictures and their numbers, and
// on the page's own thread for small ones. Where it cannot run, or computes wrongly, that is said once and
// for all, and the server is asked instead.

import { bus } from "../bus.js";
import { CORE_BYTES, CORE_WORKER } from "../core_source.js";
import { rightlyComputed } from "./check.js";
import { Core } from "./core.js";
import { Pace } from "./pace.js";

const CLIENT_LEAST_GB = 4; // of memory, for a second worker
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

/** How many workers follow a hand: two where there are processors for them and the page, and memory, and no phone. */
function workersWanted() {
  const phone = matchMedia("(pointer: coarse)").matches;
  const { hardwareConcurrency: processors, deviceMemory: gigabytes = CLIENT_LEAST_GB } = navigator; // not said by all
  return !phone && processors > 2 && gigabytes >= CLIENT_LEAST_GB ? 2 : 1;
}

/** Of numbers alone no picture is shown. */
const never = () => false;

/** One picture, in one worker or two; the latest request wins. */
export class CoreClient {
  constructor() {
    this.picture = null; // {rgba, size}
    this.number = 0; // of the last request
    this.answered = []; // of the last one that was answered, in each lane
    this.waiting = []; // {number, lane, request, reader, resolve} in each lane: what is to be done next
    this.spare = null; // the same: what is done where nothing else waits
    this.workers = Array.from({ length: workersWanted() }, () => new CoreWorker());
    this.pace = new Pace();
  }

  /** Takes a square RGBA picture; what waits to be made of the one before is dropped. */
  setPicture(rgba, size) {
    this.cancelAll();
    this.picture = { rgba, size };
    this.begin(this.workers[0]);
  }

  /** Starts a worker; what waits is then done by it. */
  async begin(worker) {
    try {
      await worker.start();
    } catch (error) {
      this.failed(worker, error);
    }
    this.work();
  }

  /**
   * The picture changed, and compared with the clean one.
   * @param {object} wanted
   * @param {object|null} wanted.kernel as in kernels.js; null for no blur
   * @param {boolean} wanted.stretched to 0..255 after the blur
   * @param {number[]} wanted.shift [right, down] in px
   * @param {number} wanted.gain what every value is multiplied by in the end
   * @param {boolean} wanted.ofReference whether what pictures are compared with is blurred, and no more
   * @param {object|null} reader as readerNow (reader.js) has it: then also the embedding's numbers
   * @param {number} lane which of several pictures it is of, from 0: one overtakes none of another lane
   * @param {() => boolean} shown asked once there are values: whether the picture itself is still wanted
   * @returns {Promise<{values: object, picture: Promise<Uint8ClampedArray|null>|null}|null>} null where another
   *   request of its lane overtook this one, or where nothing can be computed here; the picture as RGBA
   */
  change(wanted, reader = null, lane = 0, shown = never) {
    this.waiting[lane]?.resolve(null);
    this.pace.follow();
    return new Promise((resolve) => {
      this.waiting[lane] = this.task(wanted, reader, resolve, lane, shown);
      this.work();
    });
  }

  /** The same where nothing else waits; what was asked so before is dropped. */
  changeInIdleTime(wanted, reader) {
    this.spare?.resolve(null);
    return new Promise((resolve) => {
      this.spare = this.task(wanted, reader, resolve, null);
      this.work();
    });
  }

  task(wanted, reader, resolve, lane, shown = never) {
    const request = { ask: "change", lane, plan: reader?.plan ?? null, ...wanted };
    return { number: ++this.number, lane, request, reader, resolve, shown };
  }

  /** Drops what waits; what a worker has in hand is still answered. */
  cancel() {
    for (const task of this.waiting) task?.resolve(null);
    this.waiting = [];
  }

  cancelAll() {
    this.cancel();
    this.spare?.resolve(null);
    this.spare = null;
  }

  /** Gives what waits to workers that have nothing in hand; a worker alone has the next one at hand. */
  work() {
    if (whyNotHere()) this.cancelAll();
    if (!this.picture) return;
    const [first] = this.workers;
    for (let task = this.nextTask(); task; task = this.nextTask()) {
      const free = this.workers.find((one, i) => !one.busy && (i === 0 || (one.ready && this.pace.keepsUp())));
      const alone = this.hands === 1 && first.canQueue(task, this.picture) ? first : null;
      if (!free && !alone) return;
      this.waiting[task.lane] = null;
      this.hand(free ?? alone, task);
    }
    if (!this.spare || first.busy) return;
    const task = this.spare;
    this.spare = null;
    this.hand(first, task);
  }

  /** What has waited longest. */
  nextTask() {
    return this.waiting.filter(Boolean).sort((one, other) => one.number - other.number)[0] ?? null;
  }

  async hand(worker, task) {
    let answer = null;
    try {
      answer = await worker.answer(task, this.picture);
    } catch (error) {
      if (this.failed(worker, error) && this.takeBack(task)) return;
    }
    // Two workers may end in another order than they began in.
    const late = task.lane !== null && task.number < (this.answered[task.lane] ?? 0);
    if (answer && task.lane !== null && !late) this.answered[task.lane] = task.number;
    if (late || !answer) task.resolve(null);
    else task.resolve({ values: answer.values, picture: task.shown() ? this.pictureOf(worker, answer) : null });
    this.work();
    const [, second] = this.workers; // once the first one has shown that it can be done here
    if (answer && second && !second.starting) this.begin(second);
  }

  /** The picture of what a worker answered just now. */
  async pictureOf(worker, answer) {
    let rgba = null;
    try {
      rgba = await worker.pictureOf(answer.number);
    } catch (error) {
      this.failed(worker, error);
    }
    this.work(); // what waited for a worker that has nothing in hand
    return rgba;
  }

  /** Has the other worker do what one failed at; whether it is still to be done. */
  takeBack(task) {
    if (task.lane === null || this.waiting[task.lane]) return false;
    this.waiting[task.lane] = task;
    this.work();
    return true;
  }

  /** How many requests can be in hand at once. */
  get hands() {
    return this.pace.keepsUp() ? Math.max(1, this.workers.filter(({ ready }) => ready).length) : 1;
  }

  /**
   * One worker is enough, where there is no memory for two; without the first nothing is computed here.
   * @returns {boolean} whether another one is left
   */
  failed(worker, error) {
    if (worker.gone) return false;
    if (worker !== this.workers[1]) {
      giveUp(error.message);
      return false;
    }
    this.workers.pop().dispose();
    return true;
  }

  /** Lets the workers go; with another picture the client can be used again. */
  dispose() {
    this.cancelAll();
    this.picture = null;
    for (const worker of this.workers) worker.dispose();
    this.workers = this.workers.map(() => new CoreWorker());
  }
}

/** One worker, with the picture and the network that it was handed last. */
class CoreWorker {
  constructor() {
    this.worker = null;
    this.starting = null; // a promise, from the first call on
    this.ready = false;
    this.preparing = false; // it takes in a picture, or a network
    this.gone = false;
    this.number = 0;
    this.inflight = new Map(); // what it was asked and has not answered, by number: {resolve, reject}
    this.picture = null;
    this.network = ""; // address of the one that it has
  }

  /** Starts it, once, and has it prove that it computes rightly. */
  start() {
    this.starting ??= this.begin();
    return this.starting;
  }

  async begin() {
    const bytes = coreBytes();
    const url = URL.createObjectURL(new Blob([CORE_WORKER], { type: "text/javascript" }));
    const guard = setTimeout(() => this.fail("the worker does not answer"), CLIENT_PATIENCE_MS);
    try {
      this.worker = new Worker(url);
      this.worker.onmessage = ({ data }) => this.answered(data);
      this.worker.onerror = (event) => this.fail(event.message || "no worker");
      const { right } = await this.post({ ask: "start", bytes });
      if (!right) throw new Error("a stored case was computed wrongly");
      this.ready = true;
    } finally {
      clearTimeout(guard);
      URL.revokeObjectURL(url);
    }
  }

  get busy() {
    return this.preparing || this.inflight.size > 0;
  }

  /** Whether it can be told what to do next while it does something else. */
  canQueue({ reader }, picture) {
    return this.ready && !this.preparing && this.picture === picture && (!reader || reader.network === this.network);
  }

  /** Does a request, after what it needs for it; null where another one overtook it here. */
  async answer({ request, reader }, picture) {
    if (!this.canQueue({ reader }, picture)) await this.prepare(reader, picture);
    const answer = await this.post(request);
    return answer.overtaken ? null : answer;
  }

  async prepare(reader, picture) {
    this.preparing = true;
    try {
      await this.start();
      if (this.picture !== picture) {
        this.picture = picture;
        await this.post({ ask: "picture", ...picture });
      }
      if (reader && reader.network !== this.network) {
        this.network = reader.network;
        await this.post({ ask: "network", packed: reader.packed });
      }
    } finally {
      this.preparing = false;
    }
  }

  /** The picture of a change that was answered, as RGBA; null where another one was made since. */
  async pictureOf(change) {
    return (await this.post({ ask: "give", of: change })).rgba;
  }

  post(request) {
    return new Promise((resolve, reject) => {
      const number = ++this.number;
      this.inflight.set(number, { resolve, reject });
      this.worker.postMessage({ ...request, number });
    });
  }

  answered({ number, problem, ...answer }) {
    const asked = this.inflight.get(number);
    this.inflight.delete(number);
    if (problem) asked?.reject(new Error(problem));
    else asked?.resolve({ number, ...answer });
  }

  fail(why) {
    for (const { reject } of this.inflight.values()) reject(new Error(why));
    this.inflight.clear();
  }

  dispose() {
    this.gone = true;
    this.worker?.terminate();
    this.fail("let go");
  }
}
