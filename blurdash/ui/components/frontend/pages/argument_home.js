// @module argument home: the last scene: what to take home, read off the rows of the pair, and what to carry away.

import { ROWS } from "../rows.js";
import { downloadBlob } from "../pictures/export.js";
import { copyFrom, sayFor } from "../widgets/clipboard.js";
import { coloured } from "../widgets/explore_sentence.js";
import { listed, setText, significant, textElement } from "../widgets/texts.js";
import { saveStoryCard } from "./argument_card.js";

const FILE_MS = 45_000; // as long as a server takes for it

/**
 * What the pair has shown, in sentences; each holds of the rows beside it.
 * @param {object} seen
 * @param {{word: string, pixels: boolean, side: number|null, known: boolean}[]} seen.rows `side`: 0 for the sharp one
 * @param {object} seen.sliders what was done
 * @param {number|null} seen.from from which blur on the embedding sides with the sharp one, px; null: not known
 * @param {string[]} seen.registered pixel measures that side with the sharp picture once both are registered
 */
export function homeLines({ rows, sliders, from, registered }) {
  const pixels = rows.filter((row) => row.pixels);
  const own = rows.find((row) => !row.pixels);
  const lines = [];
  const words = (some) => listed(some.map(({ word }) => word));
  const fooled = pixels.filter(({ side }) => side === 1);
  if (fooled.length) {
    const { noun, moved } = doneSaid(sliders);
    lines.push(`${words(fooled)} ${fooled.length > 1 ? "compare" : "compares"} pixels in their place: ${noun} ${fooled.length > 1 ? "costs them" : "costs it"} more than a blur of ${significant(sliders.degree, 6)} px${moved ? ", which everybody sees" : ""}.`);
  } else if (pixels.length) lines.push(`On this pair ${words(pixels)} did not choose the blurred picture: a larger move, or a smaller blur, and they do.`);
  if (own?.known) lines.push(ownLine(own, from));
  if (registered.length) lines.push(`Register first, and ${listed(registered)} ${registered.length > 1 ? "side" : "sides"} with the sharp picture as well: it takes the clean photo.`);
  lines.push("So for faces: report the embedding beside PSNR, and say recogniser, crop, kernel and n.");
  return lines;
}

function doneSaid({ x, y, rotation, scale, gain, noise }) {
  const far = Math.hypot(x, y);
  const only = rotation === 0 && scale === 1 && gain === 1 && noise === 0;
  if (far && only) return { noun: `a move of ${significant(far, 3)} px`, moved: true };
  return { noun: "what was done to the sharp picture", moved: false };
}

function ownLine({ side }, from) {
  if (side === 1) return "A face embedding compares faces, and it fails here, too: it chose the blurred one.";
  if (side === null) return "A face embedding compares faces: to it both are alike.";
  if (from === null) return "A face embedding compares faces: it sides with the sharp one here.";
  return `A face embedding compares faces: it sides with the sharp one from a blur of about ${Math.max(1, Math.round(from))} px on, and fails below.`;
}

/** The sentences. */
export function buildHome(argue, panel) {
  const box = document.createElement("div");
  box.append(textElement("h3", "", "What to take home"));
  for (const line of panel.lines) {
    const text = document.createElement("p");
    text.append(...coloured(line).map(([piece, family]) => textElement(family ? "em" : "span", family ? `ba-of-${family}` : "", piece)));
    box.append(text);
  }
  return box;
}

/** The address, and the votes and numbers as a file. */
export function buildCarry(argue, panel) {
  const box = document.createElement("div");
  box.append(textElement("h3", "", "Carry it away"));
  const add = (text, says, does) => {
    const button = textElement("button", "bd-btn", "");
    button.type = "button";
    button.append(textElement("b", "", text), textElement("small", "", says));
    button.onclick = () => does(button.firstChild);
    box.append(button);
  };
  add("Save the card", "PNG, with your vote", () => saveStoryCard(argue, { ...panel, headline: argue.parts.see.textContent, pictures: argue.hungPictures(), address: panel.alone ? "" : argue.linkToStory() }));
  box.lastChild.classList.add("bd-main");
  if (!panel.alone) add("Copy link to this story", "the same A and B", (name) => copyFrom(name, argue.linkToStory(), "Copy link to this story"));
  add("Votes and numbers", "CSV", () => saveNumbers(argue, panel));
  if (!panel.alone) add("Save as one file", "HTML, opens anywhere", (name) => saveFile(name));
  if (argue.data.code) {
    const code = Object.assign(document.createElement("img"), { className: "ba-qr", src: argue.data.code, alt: "QR code of this story's address" });
    box.append(code, textElement("small", "ba-qr-says", "This story on a phone"));
  }
  return box;
}

/** Has the server make the file: its button lies beside the page's own, out of sight. */
function saveFile(name) {
  const theirs = document.querySelector(".st-key-bd_one_file button");
  if (!theirs) {
    sayFor(name, "Not ready yet: in a moment", "Save as one file");
    return;
  }
  theirs.click();
  setText(name, "Being made, up to a minute …");
  setTimeout(() => setText(name, "Save as one file"), FILE_MS);
}

/** A row for each of the room and the measures, and what they hold for. */
function saveNumbers(argue, { rows, facts, sliders }) {
  const lines = [["who", "A", "B", "chose"]];
  for (const row of rows) lines.push([row.cells[0], row.cells[1], row.cells[2], row.wins === null ? "" : "AB"[row.wins - 1]]);
  lines.push([], ["setting", "value"], ...facts, ["A is", argue.data.swapped ? "blurred" : "sharp"],
    ...ROWS.sliders.argument.filter(({ name }) => name in sliders).map(({ name }) => [name, sliders[name]]));
  const text = lines.map((line) => line.map(quoted).join(",")).join("\r\n");
  downloadBlob(new Blob([`${text}\r\n`], { type: "text/csv" }), "blurdash_argument.csv");
}

function quoted(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
