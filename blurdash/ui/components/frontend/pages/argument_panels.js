// @module argument panels: what stands beside the pictures of the Argument page.

import { ROWS } from "../rows.js";
import { blurOf } from "../widgets/readouts.js";
import { textElement } from "../widgets/texts.js";
import { buildFlips } from "./argument_flips.js";
import { buildCarry, buildHome } from "./argument_home.js";

const PANEL_BUILDERS = {
  table: buildTable,
  notes: buildNotes,
  buttons: buildAskButtons,
  vote: buildVote,
  ways: buildWays,
  verdict: buildVerdict,
  choices: buildChoices,
  flips: buildFlips,
  four: buildFour,
  whole: buildWhole,
  home: buildHome,
  carry: buildCarry,
};

/** Builds one panel from what the server says of it. */
export function buildPanel(argue, panel) {
  const element = PANEL_BUILDERS[panel.kind](argue, panel);
  element.classList.add("ba-panel", `ba-${panel.kind}`);
  return element;
}

/** Numbers in rows; a cell with a mark is coloured by the picture that is preferred there. */
function buildTable(argue, panel) {
  const table = document.createElement("table");
  const head = document.createElement("thead");
  const heading = document.createElement("tr");
  for (const text of panel.head) heading.append(textElement("th", "", text || panel.title));
  head.append(heading);
  const body = document.createElement("tbody");
  for (const row of panel.rows) {
    const line = document.createElement("tr");
    line.classList.toggle("ba-chosen", Boolean(row.chosen));
    row.cells.forEach((given, i) => {
      const { text, mark } = typeof given === "string" ? { text: given } : given;
      const cell = textElement(i === 0 ? "th" : "td", mark ? `ba-prefers-${mark}` : "", text);
      if (i === 0) cell.scope = "row";
      if (i === 0 && row.hint) cell.title = row.hint;
      line.append(cell);
    });
    if (row.test) line.dataset.testid = row.test;
    body.append(line);
  }
  table.append(head, body);
  return table;
}

/** Text, with a title where it has one; where the claim fails it has a strong edge. */
function buildNotes(argue, panel) {
  const box = document.createElement("div");
  box.classList.toggle("ba-fails", Boolean(panel.fails));
  box.classList.toggle("ba-small", Boolean(panel.small));
  if (panel.title) box.append(textElement("h3", "", panel.title));
  for (const text of panel.lines) box.append(textElement("p", "", text));
  return box;
}

/** Buttons that ask the server for something, and a limit that belongs to them. */
function buildAskButtons(argue, panel) {
  const box = document.createElement("div");
  for (const one of panel.buttons) box.append(askButton(argue, one));
  if (panel.limit !== undefined) box.append(buildLimit(argue, panel));
  return box;
}

function askButton(argue, one) {
  const button = textElement("button", "bd-btn", one.label);
  button.type = "button";
  button.title = one.hint ?? "";
  button.disabled = Boolean(one.busy);
  button.dataset.focus = one.act;
  button.onclick = () => argue.act(one.act, one.argument ?? null);
  return button;
}

function buildLimit(argue, panel) {
  const label = textElement("label", "", "shift ≤ ");
  const field = document.createElement("input");
  field.type = "number";
  [field.min, field.max] = ROWS.argument.limits;
  field.step = "1";
  field.value = panel.limit;
  field.dataset.focus = "limit";
  field.title = "The largest shift that you still call slight";
  field.onchange = () => argue.act("limit", Number(field.value));
  label.append(field, " px");
  return label;
}

/** Groups of choices of which one each is on. */
function buildChoices(argue, panel) {
  const box = document.createElement("div");
  for (const group of panel.groups) {
    const line = document.createElement("div");
    line.setAttribute("role", "radiogroup");
    line.setAttribute("aria-label", group.label);
    line.append(textElement("span", "ba-choice-name", group.label));
    for (const option of group.options) {
      const button = textElement("button", "bd-btn", option.label);
      button.type = "button";
      button.setAttribute("role", "radio");
      button.setAttribute("aria-checked", String(option.value === group.value));
      button.dataset.focus = `${group.name}-${option.value}`;
      button.onclick = () => argue.act("choose", [group.name, option.value]);
      line.append(button);
    }
    box.append(line);
  }
  return box;
}

/** The vote while it is open: two large answers, and how many have voted. */
function buildVote(argue, panel) {
  const box = document.createElement("div");
  const answers = document.createElement("div");
  answers.className = "ba-answers";
  panel.answers.forEach((text, i) => {
    const button = askButton(argue, { label: text, act: "vote", argument: i });
    button.dataset.focus = `vote-${i}`;
    button.setAttribute("aria-pressed", String(argue.data.vote.mine === i));
    answers.append(button);
  });
  answers.insertBefore(textElement("span", "", "or"), answers.lastChild);
  const total = textElement("b", "", panel.total);
  total.dataset.testid = "votes-total";
  const end = document.createElement("p");
  end.className = "ba-end";
  end.append(total, textElement("span", "", "who chose what comes with the next press"));
  box.append(answers, end);
  return box;
}

/** How to vote: by phone, by hands that somebody counts, or here. */
function buildWays(argue, panel) {
  const box = document.createElement("div");
  box.append(textElement("h3", "", panel.phones ? "Three ways to vote" : "Two ways to vote"));
  if (panel.phones) box.append(buildByPhone(argue, panel));
  box.append(buildHands(argue), way("Here", ": press a picture, or the button beneath it"));
  return box;
}

function way(name, says, ...more) {
  const line = document.createElement("div");
  const text = document.createElement("p");
  text.append(textElement("b", "", name), says);
  line.append(text, ...more);
  return line;
}

function buildByPhone(argue, panel) {
  if (!panel.link) return way("By phone", ", all at once", askButton(argue, panel.phones));
  if (!panel.qr) return way("By phone", `: ${panel.link}`);
  const image = Object.assign(document.createElement("img"), { src: panel.qr, alt: "QR code of the page for phones" });
  const open = textElement("button", "bd-btn", "Full-screen code");
  open.type = "button";
  open.title = "The code and both pictures, as large as the screen (key Q)";
  open.onclick = () => argue.code.open();
  const line = way("By phone", ", all at once", open);
  const code = document.createElement("div");
  code.className = "ba-phones";
  code.append(image, textElement("p", "", panel.link));
  line.append(code);
  return line;
}

/** A show of hands, typed in; counted again it takes the place of the one before. */
function buildHands(argue) {
  const form = document.createElement("form");
  const fields = ["A", "B"].map((letter) => {
    const label = textElement("label", "", `${letter} `);
    const field = Object.assign(document.createElement("input"), { type: "number", min: 0, max: 9999, step: 1, required: true });
    field.setAttribute("aria-label", `Hands for ${letter}`);
    field.dataset.focus = `hands-${letter}`;
    label.append(field);
    return [label, field];
  });
  const count = Object.assign(textElement("button", "bd-btn", "Count"), { type: "submit", title: "Counts these hands, in place of those counted before" });
  form.append(...fields.map(([label]) => label), count);
  form.onsubmit = (event) => {
    event.preventDefault();
    argue.act("hands", fields.map(([, field]) => Number(field.value)));
  };
  return way("Show of hands", ", typed in", form);
}

/** What each measure says of the two pictures: the preferred side is filled and says so. */
function buildVerdict(argue, panel) {
  const box = document.createElement("div");
  box.setAttribute("role", "table");
  box.setAttribute("aria-label", "Which picture each measure prefers");
  renewVerdict(box, panel);
  return box;
}

/** Gives a table other numbers: it stays, and only a row that was not there comes in slowly. */
export function renewVerdict(box, panel) {
  const old = [...box.children];
  const lines = panel.rows.map((row) => {
    const text = JSON.stringify([row, panel.head]);
    const before = old.find(({ dataset }) => dataset.testid === row.test);
    if (before?.bdText === text) return before;
    const line = buildVerdictRow(panel, row);
    line.bdText = text;
    line.classList.toggle("ba-new", !before);
    return line;
  });
  old.forEach((line) => { if (!lines.includes(line)) line.remove(); });
  lines.forEach((line, i) => { if (box.children[i] !== line) box.insertBefore(line, box.children[i] ?? null); });
  box.style.setProperty("--ba-places", panel.places);
}

function buildVerdictRow(panel, row) {
  const line = document.createElement("div");
  line.className = `ba-verdict-row ba-${row.family}`;
  line.setAttribute("role", "row");
  line.title = row.hint ?? "";
  line.dataset.testid = row.test;
  const [, left, right, prefers] = row.cells;
  line.classList.toggle("ba-silent", Boolean(row.silent));
  const sides = [left, right].map((value, i) => {
    const wins = row.wins === i + 1;
    const cell = textElement("span", wins ? "ba-side-cell ba-wins" : "ba-side-cell", "");
    cell.setAttribute("role", "cell");
    const number = textElement("b", "", value);
    if (row.family === "room") number.dataset.testid = `votes-${i}`;
    cell.append(number);
    if (row.total && !row.silent) cell.append(textElement("i", "", `of ${row.total}`));
    const heads = panel.head.slice(1, 3);
    const words = textElement("small", "", wins ? `prefers ${heads[i].length > 1 ? `the ${heads[i]} one` : heads[i]}` : "");
    if (row.wins === null && i === 0) words.textContent = prefers;
    const like = row.likes?.[i];
    if (like) {
      words.append(textElement("span", "ba-like", `${words.textContent ? " · " : ""}like a ${blurOf({ text: like })}`));
    }
    cell.append(words);
    return cell;
  });
  const head = textElement("span", "ba-verdict-name", "");
  head.setAttribute("role", "rowheader");
  head.append(textElement("i", "", row.wins === 1 ? "◀" : ""), textElement("b", "", row.name), textElement("i", "", row.wins === 2 ? "▶" : ""));
  line.classList.toggle("ba-tie", row.wins === null && Boolean(prefers));
  line.append(sides[0], head, sides[1]);
  return line;
}

/** Four ways to measure the same pair; each press brings the next, and each can be gone back to. */
function buildFour(argue, panel) {
  const box = document.createElement("div");
  box.append(textElement("h3", "", "Four ways to measure the same pair"));
  const grid = textElement("div", "ba-four-grid", "");
  grid.append(textElement("span", "", ""), textElement("span", "", "as it is"), textElement("span", "", "registered"));
  panel.ways.forEach((way, i) => {
    if (i % 2 === 0) grid.append(textElement("span", "", i ? "detected again" : "fixed crop"));
    grid.append(buildWay(argue, way, i, panel.at));
  });
  box.append(grid);
  return box;
}

function buildWay(argue, way, i, at) {
  const button = textElement("button", "", "");
  button.type = "button";
  button.disabled = i > at;
  button.dataset.focus = `way-${i}`;
  button.setAttribute("aria-pressed", String(i === at));
  button.onclick = () => argue.setStep(i);
  for (const [name, family] of [["Pixels", "pixels"], ["Embedding", "embedding"]]) {
    const line = textElement("span", "", "");
    const [side, which] = i > at ? ["", ""] : sideSaid(argue, way, family);
    const said = textElement("i", "", side);
    said.append(textElement("span", "ba-done-to", which ? ` ${which}` : "")); // of a projector the letter is enough
    line.append(textElement("b", `ba-of-${family}`, name), said);
    button.append(line);
  }
  return button;
}

/** Which picture a family chose, where its measures agree: its letter, and what was done to it. */
function sideSaid(argue, way, family) {
  if (!way.known) return ["···", ""];
  const wins = new Set(way.rows.filter((row) => row.family === family).map((row) => row.wins));
  if (!wins.size) return ["–", ""];
  if (wins.size > 1) return ["split", ""];
  const [side] = wins;
  return side === null ? ["alike", ""] : [argue.letterOf(side - 1), way.head[side]];
}

/** Every number under every switch, in a dialog of its own. */
function buildWhole(argue, panel) {
  const box = document.createElement("div");
  const open = textElement("button", "bd-btn", "Whole table");
  open.type = "button";
  open.dataset.focus = "whole";
  const dialog = Object.assign(document.createElement("dialog"), { className: "ba-whole-dialog" });
  dialog.setAttribute("aria-label", "Every number under every switch");
  const head = document.createElement("header");
  const close = textElement("button", "bd-btn", "Close");
  close.type = "button";
  close.onclick = () => dialog.close();
  head.append(textElement("h2", "", panel.see), close);
  dialog.append(head, ...panel.panels.map((one) => buildPanel(argue, one)));
  dialog.onclose = () => { argue.wholeOpen = false; };
  open.onclick = () => { argue.wholeOpen = true; dialog.showModal(); };
  box.append(textElement("p", "", "More: another kernel, another recogniser, another registration, CW-SSIM."), open, dialog);
  if (argue.wholeOpen) queueMicrotask(() => { if (dialog.isConnected && !dialog.open) dialog.showModal(); }); // it was built anew while it was read
  return box;
}
