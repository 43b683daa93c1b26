// @module argument panels: what stands beside the pictures of the Argument page.

import { ROWS } from "../rows.js";
import { textElement } from "../widgets/texts.js";

const PANEL_BUILDERS = {
  table: buildTable,
  maps: buildMaps,
  notes: buildNotes,
  buttons: buildAskButtons,
  vote: buildVote,
  phones: buildPhones,
  verdict: buildVerdict,
  choices: buildChoices,
  flips: buildFlips,
};

/** Builds one panel from what the server says of it. */
export function buildPanel(argue, panel) {
  // Maps of the last rest stay while a hand moves: the server sends them anew when it rests.
  const kept = panel.keep && argue.parts.right.querySelector(`.ba-${panel.kind}`);
  const element = kept || PANEL_BUILDERS[panel.kind](argue, panel);
  element.classList.add("ba-panel", `ba-${panel.kind}`);
  element.classList.toggle("ba-stale", Boolean(panel.keep));
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

/** Pairs of pictures, such as error maps; pressed, they lie on the two pictures themselves. */
function buildMaps(argue, panel) {
  const box = document.createElement("div");
  for (const row of panel.rows) {
    const group = document.createElement("button");
    group.type = "button";
    group.className = "ba-map-row";
    group.dataset.title = row.title;
    group.title = "Press to see them on the pictures";
    group.dataset.focus = `map-${row.title}`;
    group.onclick = () => argue.showMap(row.title);
    const name = document.createElement("span");
    name.className = "ba-map-name";
    name.append(textElement("b", "", row.title), textElement("small", "", row.note));
    group.append(name, ...row.pictures.map((picture, i) => buildMap(row, picture, i)));
    box.append(group);
  }
  return box;
}

function buildMap(row, picture, i) {
  const figure = document.createElement("span");
  figure.className = "ba-map";
  if (picture) {
    const image = document.createElement("img");
    image.src = picture.url;
    image.alt = `${row.title}, ${i === 0 ? "left" : "right"} picture`;
    figure.append(image);
  } else figure.append(textElement("span", "ba-waiting", "computing …"));
  figure.append(textElement("small", "", picture?.text ?? ""));
  return figure;
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

/** The vote while it is open: two large answers, how many have voted, and the way to end it. */
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
  const total = textElement("span", "", panel.total);
  total.dataset.testid = "votes-total";
  const end = document.createElement("div");
  end.className = "ba-end";
  const reveal = askButton(argue, panel.reveal);
  reveal.classList.add("bd-main");
  end.append(total, reveal);
  box.append(answers, end);
  return box;
}

/** The code that phones are pointed at. */
function buildPhones(argue, panel) {
  const box = document.createElement("div");
  box.hidden = !panel.link;
  if (panel.qr) {
    const image = document.createElement("img");
    image.src = panel.qr;
    image.alt = "QR code of the page for phones";
    box.append(image);
  }
  box.append(textElement("p", "", panel.link));
  return box;
}

/** What each measure says of the two pictures: the preferred side is filled and says so. */
function buildVerdict(argue, panel) {
  const box = document.createElement("div");
  box.setAttribute("role", "table");
  box.setAttribute("aria-label", "Which picture each measure prefers");
  for (const row of panel.rows) box.append(buildVerdictRow(panel, row));
  return box;
}

function buildVerdictRow(panel, row) {
  const line = document.createElement("div");
  line.className = `ba-verdict-row ba-${row.family}`;
  line.setAttribute("role", "row");
  line.title = row.hint ?? "";
  line.dataset.testid = row.test;
  const [, left, right, prefers, like] = row.cells;
  const sides = [left, right].map((value, i) => {
    const wins = row.wins === i + 1;
    const cell = textElement("span", wins ? "ba-side-cell ba-wins" : "ba-side-cell", "");
    cell.setAttribute("role", "cell");
    const number = textElement("b", "", value);
    if (row.family === "room") number.dataset.testid = `votes-${i}`;
    cell.append(number);
    if (row.total) cell.append(textElement("i", "", `of ${row.total}`));
    const heads = panel.head.slice(1, 3);
    const words = textElement("small", "", wins ? `prefers ${heads[i].length > 1 ? `the ${heads[i]} one` : heads[i]}` : "");
    if (row.wins === null && i === 0) words.textContent = prefers;
    if (like && i === 0) {
      const blur = /^(below|over)/.test(like) ? like : `of ${like}`;
      words.append(textElement("span", "ba-like", `${words.textContent ? " · " : ""}like a blur ${blur}`));
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

/** Maps of how many faces prefer the sharp picture, over shift and blur: where there is no chart to draw them. */
function buildFlips(argue, panel) {
  const box = document.createElement("div");
  for (const { name, family, shares } of panel.maps) {
    const map = document.createElement("figure");
    const table = document.createElement("table");
    shares.forEach((row, i) => {
      const line = table.insertRow();
      line.append(textElement("th", "", String(panel.shifts[i])));
      row.forEach((share, j) => line.append(flipCell(share, i === panel.place[0] && j === panel.place[1],
        `${name}: ${panel.shifts[i]} px off against a blur of ${panel.degrees[j]} px`)));
    });
    const foot = table.insertRow();
    foot.append(textElement("th", "", ""), ...panel.degrees.map((degree, j) => textElement("th", "", j % 2 ? "" : String(degree))));
    map.append(textElement("figcaption", `ba-${family}`, name), table);
    box.append(map);
  }
  box.append(textElement("p", "", `Down: px off. Across: px of blur. Blue: more of ${panel.faces} faces prefer the sharp picture; orange: the blurred one.`));
  return box;
}

function flipCell(share, here, what) {
  const cell = textElement("td", here ? "ba-here" : "", "");
  const known = typeof share === "number";
  cell.title = known ? `${what}: ${Math.round(100 * share)} % prefer the sharp one` : what;
  if (!known) return cell;
  const colour = share >= 0.5 ? "--bd-embedding" : "--bd-pixels";
  cell.style.background = `color-mix(in srgb, var(${colour}) ${Math.round(200 * Math.abs(share - 0.5))}%, var(--bd-well))`;
  return cell;
}
