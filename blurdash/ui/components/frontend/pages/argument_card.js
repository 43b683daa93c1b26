// @module argument card: the story in one picture: the headline, both pictures as they hang, what the room and each
// measure chose, and what it holds for. Always on white, as the card of Explore.

import { downloadCanvas } from "../pictures/export.js";
import { CARD_EDGE, CARD_SIZE, drawCaptioned, drawHeadline, penOn, wordsOf } from "../widgets/card.js";
import { coloured } from "../widgets/explore_sentence.js";

const STORY_PICTURE = 460;
const STORY_MIDDLE = 180; // px between the pictures

/** Composes the card in a canvas that is near the page, and saves it. */
export async function saveStoryCard(argue, told) {
  const canvas = Object.assign(document.createElement("canvas"), { hidden: true });
  argue.box.append(canvas);
  try {
    composeStory(canvas, told);
    await downloadCanvas(canvas, "blurdash_argument.png");
  } finally {
    canvas.remove();
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} told
 * @param {string} told.headline
 * @param {{canvas: HTMLCanvasElement, caption: string}[]} told.pictures A and B
 * @param {object[]} told.rows of the verdict, as they hang, the room among them
 * @param {string[][]} told.facts name and value
 * @param {string} told.address empty for none
 */
function composeStory(canvas, { headline, pictures, rows, facts, address }) {
  const pen = penOn(canvas);
  drawHeadline(pen, coloured(headline).flatMap(([text, family]) => wordsOf(text, family || "ink")));
  const left = (CARD_SIZE[0] - 2 * STORY_PICTURE - STORY_MIDDLE) / 2;
  const places = [left, left + STORY_PICTURE + STORY_MIDDLE];
  pictures.forEach(({ canvas: picture, caption }, i) => {
    drawCaptioned(pen, picture, `${"AB"[i]}: ${caption}`, { left: places[i], top: 150, side: STORY_PICTURE });
  });
  rows.forEach((row, i) => drawStoryRow(pen, row, { top: 628 + i * 46, places }));
  pen.write(facts.map(([name, value]) => `${name} ${value}`).join("   "), CARD_EDGE, 846, { size: 16, colour: "muted", width: 1340 });
  pen.write(address, CARD_EDGE, 874, { size: 15, width: 1340 });
}

function drawStoryRow(pen, row, { top, places }) {
  const colour = { embedding: "embedding", pixels: "pixels" }[row.family] ?? "ink";
  places.forEach((left, i) => {
    const wins = row.wins === i + 1;
    pen.context.fillStyle = wins ? pen.palette[colour] : pen.palette.well;
    pen.context.fillRect(left, top, STORY_PICTURE, 38);
    const text = row.cells[i + 1] + (row.total && !row.silent ? ` of ${row.total}` : "");
    pen.write(row.silent && i === 0 ? row.cells[3] : text, left + STORY_PICTURE / 2, top + 27, { size: 22, weight: wins ? 650 : 400, colour: wins ? "#ffffff" : "ink", align: "center" });
  });
  pen.write(row.name, (places[0] + places[1] + STORY_PICTURE) / 2, top + 26, { size: 20, weight: 650, colour, align: "center" });
}
