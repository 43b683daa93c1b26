// @module sharing: what one carries away from Explore: the address, a card, both pictures; and the way into
// the presentation. Everything is made in this browser.

import { bus } from "../bus.js";
import { composeExport, downloadCanvas, exportName } from "../pictures/export.js";
import { KERNELS } from "../pictures/kernels.js";
import { describeView } from "../pictures/stage_view.js";
import { linkTo, showsOwnPhoto } from "./address.js";
import { composeCard } from "./card.js";
import { copyFrom, sayFor } from "./clipboard.js";
import { button, setText, textElement } from "./texts.js";

const NOT_MADE = "It could not be made. Try again in a moment.";

/** The buttons beside the sentence, and what they open. */
export class Sharing {
  /**
   * @param {() => object} seen what is shown: the readouts', with the sentence as `said`
   * @param {() => void} present goes into the presentation
   */
  constructor(seen, present) {
    Object.assign(this, { seen, present });
    this.place = null;
  }

  /** Builds itself in the place that is there now. */
  settle(place) {
    if (this.place === place) return;
    this.place = place;
    this.link = button("Copy link", "Copies the address of these settings", () => this.copyLink());
    this.card = button("Card", "A picture of all this, to carry away", () => this.openCard());
    const present = button("Present", "Full screen, large figures (key F)", () => this.present());
    present.classList.add("bd-main");
    this.linked = buildLinked(() => this.openCard());
    this.dialog = null;
    place.replaceChildren(this.link, this.card, present, this.linked.box);
  }

  /** A card is made of numbers that are there; a page in one file has no address. */
  paint({ state, data }) {
    if (!this.place) return;
    this.link.hidden = Boolean(data.alone);
    const there = state === "exact" || state === "pixels";
    this.card.disabled = !there && !this.dialog?.open;
  }

  /** Copies the address; a photo of one's own is in none, and that is said. */
  async copyLink() {
    const { view, data } = this.seen();
    const link = linkTo(view, data.kernel);
    const done = await copyFrom(this.link, link, "Copy link");
    if (!showsOwnPhoto()) return;
    setText(this.linked.title, done ? "Link copied, without your photo" : "The link, without your photo");
    setText(this.linked.address, link.replace(/^https?:\/\//, ""));
    this.linked.box.hidden = false;
  }

  // ---- the card ----

  async openCard() {
    this.linked.box.hidden = true;
    this.dialog ??= this.buildDialog();
    const { dialog, canvas, says } = this.dialog;
    setText(says, "");
    const pictures = await bus.pictures?.();
    if (!pictures) return;
    const { data, view } = this.seen();
    composeCard(canvas, { ...this.seen(), pictures, address: data.alone ? "" : linkTo(view, data.kernel) });
    this.file = exportName(pictures.view);
    setText(says, `Made in this browser. It shows ${data.alone ? "the face of this file" : showsOwnPhoto() ? "your own photo" : "the built-in portrait"}.`);
    if (!dialog.open) dialog.showModal();
  }

  buildDialog() {
    const dialog = Object.assign(document.createElement("dialog"), { className: "bd-card-dialog" });
    const head = document.createElement("header");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "The card");
    const acts = Object.assign(document.createElement("div"), { className: "bd-acts" });
    const says = textElement("p", "", "");
    says.setAttribute("role", "status");
    const save = button("Save card", "The card as a PNG file", () => this.attempt(says, () => downloadCanvas(canvas, this.file)));
    save.classList.add("bd-main");
    const copy = button("Copy card", "The card as a picture, to paste it", () => this.attempt(says, () => this.copyCard(canvas, copy)));
    const both = button("Save pictures", "Both pictures at full size, as they are shown", () => this.attempt(says, () => savePictures()));
    dialog.setAttribute("aria-label", "A card to carry away");
    head.append(textElement("h2", "", "A card to carry away"), button("Close", "Close (Esc)", () => dialog.close()));
    acts.append(save, copy, both, says);
    dialog.append(head, canvas, acts);
    this.place.append(dialog);
    return { dialog, canvas, says, get open() { return dialog.open; } };
  }

  async copyCard(canvas, copy) {
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    sayFor(copy, "Copied", "Copy card");
  }

  async attempt(says, does) {
    try {
      await does();
    } catch {
      setText(says, NOT_MADE);
    }
  }
}

/** Saves what is shown, at full size and exact. */
async function savePictures() {
  const shown = await bus.pictures?.();
  if (!shown) throw new Error("there is no picture");
  const { view, clean, changed, mode, split } = shown;
  const captions = ["Clean", `Changed: ${KERNELS[view.kernel].label}, ${describeView(view)}`];
  await downloadCanvas(composeExport(mode, clean, changed, split, captions), exportName(view).replace(".png", "_pictures.png"));
}

function buildLinked(makeCard) {
  const box = Object.assign(document.createElement("section"), { className: "bd-linked", hidden: true });
  box.setAttribute("role", "status");
  const title = textElement("h2", "", "");
  const address = textElement("code", "", "");
  const acts = Object.assign(document.createElement("div"), { className: "bd-acts" });
  const make = button("Make the card", "", makeCard);
  make.classList.add("bd-main");
  acts.append(make, button("Close", "", () => { box.hidden = true; }));
  box.append(title, address, textElement("p", "", "Your photo stays with you. Whoever opens the link sees these settings on the built-in portrait, with other numbers, and is told so. To show your own face, save the card."), acts);
  return { box, title, address };
}
