// @module argument code: the code for phones over the whole screen, with both pictures as they hang.

import { textElement } from "../widgets/texts.js";

/** The code of one page, in a dialog that a key opens and any of a clicker's closes. */
export class CodeOnScreen {
  /**
   * @param {Element} place where the dialog is put
   * @param {() => {qr: string, link: string}|null} code what is shown; null while there is none
   * @param {() => HTMLCanvasElement[]} pictures A and B
   * @param {() => void} ask has a code made
   */
  constructor(place, code, pictures, ask) {
    Object.assign(this, { place, code, pictures, ask });
    this.wanted = false;
    this.dialog = Object.assign(document.createElement("dialog"), { className: "ba-code" });
    this.dialog.setAttribute("aria-label", "Vote by phone");
    this.dialog.onclick = () => this.close();
    place.append(this.dialog);
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Opens it, or has a code made first. */
  open() {
    const code = this.code();
    this.wanted = !code?.qr;
    if (this.wanted) {
      this.ask();
      return;
    }
    const pictures = this.pictures().map((canvas, i) => pictureOf(canvas, "AB"[i]));
    const image = Object.assign(document.createElement("img"), { src: code.qr, alt: "QR code of the page for phones" });
    const middle = document.createElement("div");
    middle.append(textElement("h2", "", "Which picture looks sharper?"), image, textElement("p", "", code.link), textElement("small", "", "Point a phone at the code. Esc or the clicker closes it."));
    this.dialog.replaceChildren(pictures[0], middle, pictures[1]);
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** There may be a code by now. */
  look() {
    if (this.wanted && this.code()?.qr) this.open();
  }

  close() {
    this.wanted = false;
    if (this.dialog.open) this.dialog.close();
  }
}

function pictureOf(canvas, letter) {
  const figure = document.createElement("figure");
  const copy = document.createElement("canvas");
  copy.width = copy.height = canvas.width;
  copy.getContext("2d").drawImage(canvas, 0, 0);
  figure.append(copy, textElement("figcaption", "", letter));
  return figure;
}
