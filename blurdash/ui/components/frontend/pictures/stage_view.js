// @module stage view: the stage's elements and texts; no logic.

import { DIFFERS_MOST } from "./differences.js";

export const STAGE_LABELS = {
  view: "View",
  side: "Side by side",
  swipe: "Swipe",
  flicker: "Flicker",
  difference: "Difference",
  pause: "Pause",
  play: "Play",
  swap: "Switch",
  hold: "Hold the space bar or press to see the other picture",
  loupe: "Loupe",
  loupeTitle: "Enlarges the same place of both pictures under the pointer (key L)",
  clean: "Clean",
  blurred: "Blurred",
  unchanged: "Unchanged",
  differs: "Where they differ",
  other: "Add another photo",
  goOn: "Go on with it",
  same: "same",
  apart: "grey levels apart",
  divider: "Divider",
  loading: "loading",
  preview: "preview",
  exact: "exact",
  served: "not blurred yet: the server draws this kernel",
  unblurred: "not blurred yet: the server draws it",
  exactServed: "exact, drawn by the server",
  away: "This browser cannot compute it",
  unreadable: "This picture could not be read. Choose the face again, or try another photo.",
};

const STAGE_HTML = `
  <div class="bd-bar">
    <div class="bd-modes" role="group">
      <button type="button" class="bd-btn" data-mode="side"></button>
      <button type="button" class="bd-btn" data-mode="swipe"></button>
      <button type="button" class="bd-btn" data-mode="flicker"></button>
      <button type="button" class="bd-btn" data-mode="difference"></button>
    </div>
    <button type="button" class="bd-btn bd-play" hidden></button>
    <button type="button" class="bd-btn bd-loupe" aria-pressed="false"></button>
  </div>
  <div class="bd-panels">
    <figure class="bd-panel bd-clean">
      <div class="bd-frame">
        <canvas class="bd-picture" role="img" width="1" height="1"></canvas>
        <canvas class="bd-lens" aria-hidden="true" width="1" height="1" hidden></canvas>
        <div class="bd-notes" role="note" hidden><p></p><button type="button" class="bd-btn bd-main"></button><button type="button" class="bd-btn"></button></div>
      </div>
      <figcaption><b></b></figcaption>
    </figure>
    <figure class="bd-panel bd-blurred">
      <div class="bd-frame">
        <canvas class="bd-picture" role="img" width="1" height="1"></canvas>
        <div class="bd-inset"><canvas role="img" width="128" height="128"></canvas><span></span></div>
        <div class="bd-divider" role="slider" tabindex="0" aria-orientation="horizontal"
          aria-valuemin="0" aria-valuemax="100" hidden></div>
        <canvas class="bd-lens" aria-hidden="true" width="1" height="1" hidden></canvas>
      </div>
      <figcaption><b></b><span class="bd-status"></span></figcaption>
    </figure>
    <figure class="bd-panel bd-differs">
      <div class="bd-frame">
        <canvas class="bd-picture" role="img" width="1" height="1"></canvas>
        <p class="bd-scale"><span></span><i></i><span></span></p>
      </div>
      <figcaption><b></b></figcaption>
    </figure>
    <p class="bd-message" role="alert" hidden></p>
  </div>`;

/** Builds the stage in the element that Python's HTML has for it, or in a new one. */
export function buildStage(root) {
  const section = root.querySelector(".bd-stage") ?? document.createElement("section");
  section.className = "bd-stage";
  if (!section.isConnected) root.append(section);
  section.innerHTML = STAGE_HTML; // a constant: nothing from outside gets in here
  const one = (selector) => section.querySelector(selector);
  const panel = (name) => ({
    frame: one(`${name} .bd-frame`),
    picture: one(`${name} .bd-picture`),
    lens: one(`${name} .bd-lens`),
    name: one(`${name} b`),
  });
  return {
    section,
    modes: [...section.querySelectorAll(".bd-modes button")],
    modeGroup: one(".bd-modes"),
    play: one(".bd-play"),
    loupe: one(".bd-loupe"),
    panels: one(".bd-panels"),
    clean: panel(".bd-clean"),
    blurred: panel(".bd-blurred"),
    differs: panel(".bd-differs"),
    scale: [...section.querySelectorAll(".bd-scale span")],
    status: one(".bd-status"),
    notes: one(".bd-notes"),
    noted: one(".bd-notes p"),
    other: one(".bd-notes .bd-main"),
    goOn: one(".bd-notes .bd-btn:not(.bd-main)"),
    inset: one(".bd-inset canvas"),
    insetText: one(".bd-inset span"),
    divider: one(".bd-divider"),
    message: one(".bd-message"),
  };
}

/** Writes the fixed texts; only as text, so that a name cannot become markup. */
export function labelStage(parts, labels, { name = "", notes = "" }) {
  for (const button of parts.modes) button.textContent = labels[button.dataset.mode];
  parts.modeGroup.setAttribute("aria-label", labels.view);
  parts.loupe.textContent = labels.loupe;
  parts.loupe.title = labels.loupeTitle;
  parts.clean.name.textContent = labels.clean;
  parts.blurred.name.textContent = labels.blurred;
  parts.differs.name.textContent = labels.differs;
  parts.differs.picture.setAttribute("aria-label", labels.differs);
  parts.scale[0].textContent = labels.same;
  parts.scale[1].textContent = `${DIFFERS_MOST} ${labels.apart}`;
  parts.clean.picture.setAttribute("aria-label", name ? `${labels.clean}: ${name}` : labels.clean);
  parts.divider.setAttribute("aria-label", labels.divider);
  parts.noted.textContent = notes;
  parts.other.textContent = labels.other;
  parts.goOn.textContent = labels.goOn;
}

/** What a changed picture is called: "Blurred by 30 px, moved by 8 px". */
export function nameView({ degree, shift_x: right, shift_y: down }, labels) {
  const far = [right, down].filter(Boolean).map((amount) => `${Math.abs(amount)} px`).join(" and ");
  if (!degree) return far ? `Moved by ${far}, sharp` : labels.unchanged;
  return `${labels.blurred} by ${degree} px${far ? `, moved by ${far}` : ""}`;
}

/** What was done to a picture, for people: "30 px at 45°, moved 2 right, 3 up". */
export function describeView({ degree, angle, shift_x: right, shift_y: down }) {
  const parts = [degree > 0 ? `${degree} px at ${angle}°`.replaceAll("-", "−") : "no blur"];
  const moves = [
    right && `${Math.abs(right)} ${right > 0 ? "right" : "left"}`,
    down && `${Math.abs(down)} ${down > 0 ? "down" : "up"}`,
  ].filter(Boolean);
  if (moves.length) parts.push(`moved ${moves.join(", ")}`);
  return parts.join(", ");
}

/**
 * Takes apart what Python sends: a 4-byte little-endian length, a JSON header of that length, and
 * the bytes of a PNG file.
 * @param {Uint8Array} data
 * @returns {{header: object, png: Uint8Array}}
 */
export function unpackStage(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const length = view.getUint32(0, true);
  if (4 + length > data.byteLength) throw new RangeError("the header is longer than the data");
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  return { header, png: data.subarray(4 + length) };
}

/** A short fingerprint of bytes (FNV-1a), to know a picture again. */
export function fingerprint(bytes) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return `${bytes.length}:${hash >>> 0}`;
}
