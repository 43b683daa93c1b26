// @module argument flips: how often it is so: for each measure a map of for how many other faces the blurred
// picture wins, by shift and blur, and how sure that is of the chosen pair, the room's own vote among them.

import { textElement } from "../widgets/texts.js";

const Z_OF_95 = 1.959963984540054;
// From this share of ink on, a number is read better in the other of black and white: by theme.
const DENSE = { light: { pixels: 0.85, embedding: 0.8, plain: 0.8 }, dark: { pixels: 0.6, embedding: 0.6, plain: 0.6 } };

/** Builds the maps, and beneath them the intervals of one cell. */
export function buildFlips(argue, panel) {
  const box = document.createElement("div");
  const maps = textElement("div", "ba-flip-maps", "");
  const shown = inOrder(panel.maps).filter(({ claimed }) => claimed || argue.allMaps);
  maps.style.setProperty("--ba-maps", Math.min(4, shown.length));
  maps.toggleAttribute("data-many", shown.length > 3);
  maps.append(...shown.map((map) => buildMap(argue, panel, map)));
  box.append(maps, buildChances(argue, panel));
  return box;
}

/** What the argument is about first, the pixels' before the embedding's. */
function inOrder(maps) {
  const place = ({ claimed, family }) => (claimed ? Number(family === "embedding") : 2);
  return [...maps].sort((one, other) => place(one) - place(other));
}

function buildMap(argue, panel, map) {
  const figure = textElement("figure", "", "");
  const cells = map.blurred.flat();
  const all = map.n.flat().reduce((sum, one) => sum + one, 0);
  const share = cells.reduce((sum, one) => sum + one, 0) / (all || 1);
  const caption = textElement("figcaption", "", "");
  caption.append(textElement("b", `ba-of-${map.family}`, map.name), textElement("span", "", `blurred one wins in ${Math.round(100 * share)} %`));
  const table = document.createElement("table");
  table.setAttribute("aria-label", `${map.name}: for how many of ${panel.faces} faces the blurred picture wins; rows: shift, columns: blur, px`);
  for (let i = panel.shifts.length - 1; i >= 0; i--) {
    const line = table.insertRow();
    const head = textElement("th", i === panel.place[0] ? "ba-here" : "", String(panel.shifts[i]));
    head.scope = "row";
    line.append(head, ...map.blurred[i].map((blurred, j) => buildCell(argue, panel, map, { blurred, i, j })));
  }
  const foot = table.insertRow();
  foot.append(textElement("td", "ba-corner", ""), ...panel.degrees.map((degree, j) => Object.assign(textElement("th", j === panel.place[1] ? "ba-here" : "", String(degree)), { scope: "col" })));
  figure.append(caption, textElement("small", "ba-down", "shift, px"), table, textElement("small", "ba-across", "blur, px"));
  return figure;
}

function buildCell(argue, panel, map, { blurred, i, j }) {
  const cell = document.createElement("td");
  const share = map.n[i][j] ? blurred / map.n[i][j] : 0;
  const here = i === panel.place[0] && j === panel.place[1];
  const button = textElement("button", here ? "ba-here" : "", String(blurred));
  button.type = "button";
  button.title = `${panel.shifts[i]} px of shift against ${panel.degrees[j]} px of blur: the blurred one wins for ${blurred} of ${map.n[i][j]} faces by ${map.name}`;
  button.setAttribute("aria-label", button.title);
  button.setAttribute("aria-pressed", String(here));
  button.dataset.focus = `${map.name}-${i}-${j}`;
  button.style.setProperty("--ba-share", `${Math.round(100 * share)}%`);
  button.dataset.family = map.family;
  for (const [theme, from] of Object.entries(DENSE)) button.toggleAttribute(`data-dense-${theme}`, share >= from[map.family]);
  button.onclick = () => argue.move({ degree: panel.degrees[j], x: panel.shifts[i], y: 0 });
  const own = map.own?.[i][j];
  if (typeof own === "number" && own < 0.5) button.append(Object.assign(textElement("i", "", ""), { title: "so it is for the face on this page" }));
  cell.append(button);
  return cell;
}

/** The chosen cell: how many prefer the blurred picture, with intervals, and how to read the maps. */
function buildChances(argue, panel) {
  const box = textElement("div", "ba-chances ba-panel", "");
  const [shift, degree] = [panel.shifts[panel.place[0]], panel.degrees[panel.place[1]]];
  const { x, y, degree: at } = argue.values;
  const here = Math.hypot(x, y) === shift && at === degree;
  const room = roomOn(argue.data.vote, shift, degree, argue.data.swapped);
  const which = textElement("div", "ba-which", "");
  which.append(textElement("small", "", room ? "The pair of your vote (press a cell)" : here ? "The chosen pair (press a cell)" : "The measured pair nearest to yours (press a cell)"),
    textElement("b", "", `${shift} px of shift`), textElement("span", "", `against ${degree} px of blur`),
    textElement("small", "", "How many prefer the blurred one, 95 % intervals (Wilson)"));
  if (panel.maps.some(({ claimed }) => !claimed)) which.append(buildMore(argue, panel));
  const chart = textElement("div", "ba-intervals", "");
  chart.append(...[...(room ? [room] : []), ...panel.chances].map(buildInterval), buildTicks());
  const notes = textElement("div", "ba-read", "");
  notes.append(...panel.lines.map((line) => textElement("p", "", line)));
  box.append(which, chart, notes);
  return box;
}

function buildMore(argue, panel) {
  const button = textElement("button", "bd-btn", argue.allMaps ? "These three" : `All ${panel.maps.length} measures`);
  button.type = "button";
  button.dataset.focus = "all-maps";
  button.onclick = () => { argue.allMaps = !argue.allMaps; argue.rebuild("flips"); };
  return button;
}

function buildInterval({ name, family, blurred, n, low, high }) {
  const line = textElement("div", "ba-interval", "");
  line.dataset.family = family;
  const track = textElement("span", "ba-track", "");
  const known = typeof low === "number";
  if (known) {
    const bar = textElement("i", "", "");
    bar.style.left = `${100 * low}%`;
    bar.style.right = `${100 * (1 - high)}%`;
    const mark = textElement("u", "", "");
    mark.style.left = `${(100 * blurred) / n}%`;
    track.append(bar, mark);
  }
  const said = textElement("span", "ba-said", "");
  said.append(textElement("b", "", `${blurred} of ${n}`), known ? `, ${Math.round(100 * low)}–${Math.round(100 * high)} %` : "");
  line.append(textElement("b", "", name), track, said);
  return line;
}

function buildTicks() {
  const line = textElement("div", "ba-interval ba-ticks", "");
  const track = textElement("span", "ba-track", "");
  for (const share of [0, 25, 50, 75, 100]) {
    const tick = textElement("small", "", `${share} %`);
    tick.style.left = `${share}%`;
    track.append(tick);
  }
  line.append(textElement("span", "", ""), track, textElement("span", "", ""));
  return line;
}

/** The room among the measures, on the very pair that it voted on; null elsewhere. */
function roomOn(vote, shift, degree, swapped) {
  if (!vote?.revealed || !vote.total || !vote.on) return null;
  const { x, y, degree: at, rotation = 0, scale = 1, gain = 1, noise = 0 } = vote.on;
  const plain = rotation === 0 && scale === 1 && gain === 1 && noise === 0;
  if (!plain || Math.hypot(x, y) !== shift || at !== degree) return null;
  const blurred = vote.counts[swapped ? 0 : 1];
  const [low, high] = wilson(blurred, vote.total);
  return { name: "The room", family: "room", blurred, n: vote.total, low, high };
}

/** The Wilson interval of a share. */
function wilson(count, n) {
  const [share, square] = [count / n, Z_OF_95 ** 2];
  const centre = share + square / (2 * n);
  const spread = Z_OF_95 * Math.sqrt((share * (1 - share)) / n + square / (4 * n * n));
  return [centre - spread, centre + spread].map((end) => Math.min(1, Math.max(0, end / (1 + square / n))));
}
