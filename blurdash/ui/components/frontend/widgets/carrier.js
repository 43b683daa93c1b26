// @module carrier: brings photos to the server in pieces, each asked for by the server, and says how
// far it is. The tab keeps the files themselves (the browser's handles, not their bytes), for a server
// that has forgotten its visitor: then all of them are offered again. A file's name never leaves the
// browser; the server knows a photo by a random word.

import { bus } from "../bus.js";
import { strippedPhoto } from "./strip.js";
import { STYLES } from "../styles.js";
import { renewPage } from "./scene.js";
import { setText } from "./texts.js";

const CARRIER_LOOK_MS = 400; // how often the server is asked while it looks for faces
const CARRIER_PATIENCE_MS = 5000; // an answer that has not come by then was lost
const CARRIER_TRIES = 12;

/** Mounts what carries; drawn on every page, so a page that changes does not end it. */
export function mountCarrier(component) {
  bus.carrier ??= new Carrier(bus);
  bus.carrier.take(component);
  return () => {};
}

class Carrier {
  constructor(bus) {
    this.bus = bus;
    this.photos = new Map(); // the server's word for a photo -> { blob, name, number, held }
    this.fresh = []; // not offered yet
    this.refused = []; // not even offered: [name, why]
    this.number = Date.now();
    this.waiting = 0;
    this.tries = 0;
    this.reading = 0;
    this.last = null;
    this.again = false;
    this.dismissed = "";
    bus.addPhotos = (files) => this.add(files);
  }

  /** Takes files that were chosen, dropped, or made with the camera. */
  async add(files) {
    this.refused = [];
    this.again = false;
    this.dismissed = "";
    this.sayFaceless(null);
    this.reading += files.length;
    this.paint();
    const forgotten = this.data?.forgotten;
    for (const { blob, name } of files) {
      const most = this.data?.most_bytes ?? Infinity;
      try {
        if (blob.size > most) throw new Error(`It is larger than ${Math.round(most / 2 ** 20)} MB; save it smaller.`);
        const key = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        const stripped = await strippedPhoto(blob);
        if (this.data?.forgotten === forgotten) { // else all was forgotten meanwhile
          this.photos.set(key, { blob: stripped, name, held: false });
          this.fresh.push(key);
        }
      } catch (error) {
        this.refused.push([name || "The camera's picture", error instanceof DOMException ? "It cannot be read; choose it again." : error.message]);
      }
      this.reading -= 1;
    }
    this.tries = 0;
    this.step();
  }

  /** Takes what the server says: what it wants next, what it holds, what is wrong. */
  take(component) {
    const { data } = component;
    const before = this.data;
    this.component = component;
    this.data = data;
    this.settle(component.parentElement.querySelector(".bd-carrier"));
    if (before && before.visit !== data.visit) this.offerAgain();
    else if (before && before.forgotten !== data.forgotten) this.forgetAll();
    else this.forget();
    for (const { key, number } of data.photos) {
      const photo = this.photos.get(key);
      if (photo) Object.assign(photo, { held: true, number });
    }
    if (data.ack >= this.waiting) {
      this.waiting = 0;
      this.tries = 0;
      clearTimeout(this.guard);
    }
    this.number = Math.max(this.number, data.ack);
    if (before?.visit === data.visit && !data.busy && !this.fresh.length) this.again = false;
    if (!before?.busy) this.heldBefore = before?.photos.length ?? 0;
    if (before?.busy && !data.busy && data.photos.length > this.heldBefore) this.closeDialog();
    this.noteFaceless(before);
    this.step();
  }

  /** Says once on the page that a photo has no face, by its name, which only this tab knows. */
  noteFaceless(before) {
    const fresh = (this.data.faceless ?? []).filter((key) => !before?.faceless?.includes(key));
    if (fresh.length) this.sayFaceless({ name: this.photos.get(fresh.at(-1))?.name ?? "" });
  }

  sayFaceless(photo) {
    if (!photo && !this.bus.faceless) return;
    this.bus.faceless = photo;
    this.bus.dispatchEvent(new Event("faceless"));
  }

  /** The server is another one, or has forgotten this visitor: what it wants, it asks for. */
  offerAgain() {
    if (!this.again) this.shown = this.bus.shown;
    this.fresh = [...this.photos.keys()];
    this.again = this.fresh.length > 0;
    this.waiting = 0;
    for (const photo of this.photos.values()) photo.held = false;
  }

  /** All was forgotten on purpose: also what is on its way. */
  forgetAll() {
    this.bus.served = new Map();
    this.photos.clear();
    this.fresh = [];
    this.refused = [];
    this.waiting = 0;
    clearTimeout(this.guard);
  }

  /** Lets go of photos that the server does not hold any more, or never will. */
  forget() {
    const held = new Set(this.data.photos.map((one) => one.key));
    const gone = new Set([...this.data.left_out, ...this.data.problems.map(([key]) => key)]);
    for (const [key, photo] of this.photos) {
      if (held.has(key) || !(photo.held || gone.has(key))) continue;
      photo.blob = null; // its name stays: something may be said of it
      if (photo.held) this.photos.delete(key);
    }
  }

  /** Does what comes next, one message at a time. */
  step() {
    clearTimeout(this.pause);
    if (this.component && !this.waiting && this.tries < CARRIER_TRIES) {
      const { want, busy } = this.data;
      if (this.fresh.length) this.offer();
      else if (want) this.send(want);
      else if (busy) this.pause = setTimeout(() => this.say({ look: 1 }), CARRIER_LOOK_MS);
    }
    this.paint();
  }

  offer() {
    const offered = this.fresh.filter((key) => this.photos.get(key)?.blob)
      .map((key) => ({ key, size: this.photos.get(key).blob.size, number: this.photos.get(key).number ?? null }));
    this.fresh = [];
    if (offered.length) this.say({ offer: offered, shown: this.again ? this.shown ?? "" : "" });
  }

  async send({ key, at }) {
    const blob = this.photos.get(key)?.blob;
    const number = (this.waiting = ++this.number); // from now on: reading takes a moment
    try {
      if (!blob) throw new DOMException("", "NotFoundError");
      const data = await asBase64(blob.slice(at, at + this.data.piece));
      if (this.waiting === number) this.say({ piece: { key, at, data } }, number);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      if (this.waiting === number) this.say({ lost: key }, number);
    }
  }

  /** Says something until there is an answer, for a minute: a run of the page may swallow it. */
  say(what, number = ++this.number) {
    this.waiting = number;
    this.last = { number, ...what };
    this.component.setTriggerValue("said", this.last);
    clearTimeout(this.guard);
    this.guard = setTimeout(() => {
      this.tries += 1;
      if (this.waiting) renewPage();
      if (this.waiting && this.tries < CARRIER_TRIES) this.say(what, number);
      else this.waiting = 0;
      this.paint();
    }, CARRIER_PATIENCE_MS);
  }

  /** Says something that is not about a photo on its way. */
  tell(text) {
    this.refused = [["", text]];
    this.dismissed = "";
    this.paint();
  }

  closeDialog() {
    const open = document.querySelector("[data-testid=stPopoverBody] .st-key-bd_intake");
    open?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", code: "Escape", bubbles: true, cancelable: true }));
  }

  // ---- what is seen ----

  settle(box) {
    if (this.box === box) return;
    this.box = box;
    box.innerHTML = `<style>${STYLES.carrier}</style><div class="bd-card" role="status" hidden>
      <p class="bd-line"></p><progress max="1" hidden></progress><ul></ul>
      <button type="button" class="bd-btn bd-retry" hidden>Try again</button>
      <button type="button" class="bd-close" aria-label="Close this note">×</button></div>`;
    const one = (selector) => box.querySelector(selector);
    this.parts = { card: one(".bd-card"), line: one(".bd-line"), bar: one("progress"), list: one("ul"),
      retry: one(".bd-retry"), close: one(".bd-close") };
    this.parts.retry.onclick = () => { this.tries = 0; this.fresh = [...this.photos.keys()]; this.step(); };
    this.parts.close.onclick = () => { this.dismissed = JSON.stringify(this.notes()); this.sayFaceless(null); this.paint(); };
  }

  paint() {
    if (!this.parts) return;
    const { card, line, bar, list, retry, close } = this.parts;
    const notes = this.notes();
    const stuck = this.tries >= CARRIER_TRIES;
    const offering = Boolean(this.waiting && this.last?.offer);
    const working = !stuck && (this.reading > 0 || this.fresh.length > 0 || offering || Boolean(this.data?.busy));
    const seen = notes.length > 0 && JSON.stringify(notes) !== this.dismissed;
    card.hidden = !(working || stuck || seen);
    setText(line, stuck ? "The server does not answer: your photos are not all there." : working ? this.underWay() : "");
    line.hidden = !line.textContent;
    bar.hidden = !working;
    const { done = 0, of = 0, share = 0 } = this.data?.progress ?? {};
    if (of) bar.value = Math.min(1, (done + 0.8 * share) / of);
    else bar.removeAttribute("value");
    retry.hidden = !stuck;
    close.hidden = working || stuck;
    list.replaceChildren(...notes.map(([name, text]) => {
      const item = document.createElement("li");
      const bold = Object.assign(document.createElement("b"), { textContent: name });
      item.append(...(name ? [bold, document.createElement("br")] : []), text);
      return item;
    }));
    list.hidden = !seen;
  }

  underWay() {
    const { done = 0, of = 0 } = this.data?.progress ?? {};
    const which = of > 1 ? `photo ${Math.min(of, done + 1)} of ${of}` : "the photo";
    if (this.again) return `The connection was lost: ${of > 1 ? `your photos are sent again, ${which}` : "your photo is sent again"} …`;
    if (this.reading > 0) return "Reading …";
    return this.data?.want || !this.data?.busy ? `Sending ${which} …` : `Looking for faces in ${which} …`;
  }

  /** What is wrong: pairs of a file's name and a sentence. */
  notes() {
    const name = (key) => (this.photos.has(key) ? this.photos.get(key).name || "The camera's picture" : "");
    const notes = [...(this.data?.link ? [["", this.data.link]] : []), ...this.refused, ...(this.data?.problems ?? []).map(([key, text]) => [name(key), text])];
    const left = (this.data?.left_out ?? []).map(name).filter(Boolean);
    if (left.length) {
      notes.push([left.join(", "), `${left.length > 1 ? "Were" : "Was"} not taken in: ${this.data.most} photos are the most; remove one first.`]);
    }
    return notes;
  }
}

/** Base64 of a piece of a file, made by the browser itself. */
function asBase64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}
