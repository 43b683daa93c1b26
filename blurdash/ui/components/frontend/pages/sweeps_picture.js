// @module sweeps picture: what the page shows of a sweep as one PNG file, twice as large as on screen.

import { downloadCanvas } from "../pictures/export.js";

const SCALE = 2;
const LOOK = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-weight", "font-family", "paint-order", "visibility"];
const FOOT = 30; // px for what the numbers are of
const EDGE = 14;

/**
 * Saves panels as they are shown.
 * @param {HTMLElement[]} panels
 * @param {string} under what the numbers were measured under
 * @param {string} name of the file
 */
export async function savePicture(panels, under, name) {
  const boxes = panels.map((panel) => panel.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left)) - EDGE;
  const top = Math.min(...boxes.map((box) => box.top)) - EDGE;
  const right = Math.max(...boxes.map((box) => box.right)) + EDGE;
  const foot = Math.max(...boxes.map((box) => box.bottom)) + FOOT + EDGE;
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * (right - left);
  canvas.height = SCALE * (foot - top);
  const pen = canvas.getContext("2d");
  pen.scale(SCALE, SCALE);
  pen.translate(-left, -top);
  const look = getComputedStyle(panels[0]);
  pen.fillStyle = look.backgroundColor;
  pen.fillRect(left, top, right - left, foot - top);
  for (const panel of panels) await drawPanel(pen, panel);
  pen.fillStyle = look.color;
  pen.font = `12px ${look.fontFamily}`;
  pen.fillText(under, left + EDGE, foot - EDGE, right - left - 2 * EDGE);
  await downloadCanvas(canvas, name);
}

async function drawPanel(pen, panel) {
  const box = panel.getBoundingClientRect();
  pen.strokeStyle = getComputedStyle(panel).borderTopColor;
  pen.strokeRect(box.left + 0.5, box.top + 0.5, box.width - 1, box.height - 1);
  for (const words of panel.querySelectorAll("h2, h2 button, header span, header b, td, th, p")) drawWords(pen, words);
  for (const svg of panel.querySelectorAll("svg:not([hidden])")) {
    const { left, top, width, height } = svg.getBoundingClientRect();
    if (width && height) pen.drawImage(await pictureOf(svg, width, height), left, top, width, height);
  }
}

/** Writes an element's own words where they stand: a line may have been broken anywhere. */
function drawWords(pen, element) {
  if (element.closest("[hidden]")) return;
  const look = getComputedStyle(element);
  pen.fillStyle = look.color;
  pen.font = `${look.fontWeight} ${look.fontSize} ${look.fontFamily}`;
  pen.textBaseline = "middle";
  for (const node of element.childNodes) {
    if (node.nodeType !== Node.TEXT_NODE) continue;
    for (const { 0: word, index } of node.textContent.matchAll(/\S+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const box = range.getBoundingClientRect();
      if (box.width) pen.fillText(word, box.left, box.top + box.height / 2);
    }
  }
}

/** A drawing with its look written into it: a picture knows no style sheet. */
async function pictureOf(svg, width, height) {
  const copy = svg.cloneNode(true);
  const [ours, theirs] = [[svg, ...svg.querySelectorAll("*")], [copy, ...copy.querySelectorAll("*")]];
  ours.forEach((element, i) => {
    const look = getComputedStyle(element);
    for (const name of LOOK) theirs[i].style.setProperty(name, look.getPropertyValue(name));
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return image;
}
