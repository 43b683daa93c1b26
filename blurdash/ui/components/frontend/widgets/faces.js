// @module faces: the faces that there are, as small pictures in a row. One is shown; those of one photo
// stand on one line, and × removes that photo.

import { STYLES } from "../styles.js";
import { setText } from "./texts.js";

/** Draws the row into a component's root. */
export function mountFaces(component) {
  const root = component.parentElement;
  const row = (root.__blurdashFaces ??= new FaceRow(root.querySelector(".bd-facerow")));
  row.take(component);
  return () => { delete root.__blurdashFaces; };
}

class FaceRow {
  constructor(box) {
    box.innerHTML = `<style>${STYLES.faces}</style><div class="bd-strip" role="radiogroup" aria-label="Face"></div><span class="bd-name" role="status"></span>`;
    this.strip = box.querySelector(".bd-strip");
    this.name = box.querySelector(".bd-name");
    this.number = Date.now();
    this.drawn = "";
    this.strip.onkeydown = (event) => this.step(event);
  }

  take(component) {
    this.component = component;
    const { faces, shown } = component.data;
    const drawn = JSON.stringify(faces);
    if (drawn !== this.drawn) this.build(faces);
    this.drawn = drawn;
    this.mark(shown);
  }

  build(faces) {
    this.strip.replaceChildren(...byPhoto(faces).map(([photo, ours]) => {
      const group = Object.assign(document.createElement("span"), { className: "bd-photo" });
      group.toggleAttribute("data-several", ours.length > 1);
      group.append(...ours.map((face) => this.buildFace(face)));
      if (photo) group.append(this.buildRemove(photo, ours));
      return group;
    }));
    this.faces = faces;
  }

  buildFace({ id, label, picture, small }) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "bd-face" });
    const says = small ? `${label}: ${small} px wide in its photo` : label;
    button.dataset.face = id;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", says);
    button.title = says;
    button.append(Object.assign(new Image(), { src: `data:image/jpeg;base64,${picture}`, alt: "", draggable: false }));
    if (small) button.append(Object.assign(document.createElement("i"), { textContent: small }));
    button.onclick = () => this.choose(id);
    return button;
  }

  buildRemove(photo, [{ of }]) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "bd-remove", textContent: "×" });
    button.title = `Remove ${of}`;
    button.setAttribute("aria-label", button.title);
    button.onclick = () => this.say("remove", photo);
    return button;
  }

  choose(id) {
    this.mark(id);
    this.say("show", id);
  }

  say(word, about) {
    this.component.setStateValue("act", [word, about, ++this.number]);
  }

  /** Rings the face that is shown, at once; the page follows. */
  mark(shown) {
    this.shown = shown;
    for (const button of this.buttons()) {
      const chosen = button.dataset.face === shown;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      if (chosen && this.seen !== shown) button.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    this.seen = shown;
    setText(this.name, this.faces.find(({ id }) => id === shown)?.label ?? "");
  }

  buttons() {
    return [...this.strip.querySelectorAll(".bd-face")];
  }

  /** As in any group of radio buttons: arrows go from one to the next. */
  step(event) {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const buttons = this.buttons();
    const at = buttons.indexOf(event.target);
    if (!by || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[(at + by + buttons.length) % buttons.length];
    next.focus();
    this.choose(next.dataset.face);
  }
}

function byPhoto(faces) {
  const photos = new Map();
  for (const face of faces) photos.set(face.photo, [...(photos.get(face.photo) ?? []), face]);
  return [...photos];
}
