// @module argue panels: what stands beside the pictures of the Argument page.

const PANEL_BUILDERS = {
  table: buildTable,
  maps: buildMaps,
  notes: buildNotes,
  buttons: buildAskButtons,
  vote: buildVote,
  bars: buildBars,
  choices: buildChoices,
};

/** Builds one panel from what the server says of it. */
function buildPanel(argue, panel) {
  // Maps of the last rest stay while a hand moves: the server sends them anew when it rests.
  const kept = panel.keep && argue.parts.right.querySelector(`.ba-${panel.kind}`);
  const element = kept || PANEL_BUILDERS[panel.kind](argue, panel);
  element.classList.add("ba-panel", `ba-${panel.kind}`);
  element.classList.toggle("ba-stale", Boolean(panel.keep));
  return element;
}

/** An element with a class and a text; never markup. */
function textElement(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text ?? "";
  return element;
}

/** Numbers: a row for each measure; `wins` marks the cell that the measure prefers. */
function buildTable(argue, panel) {
  const table = document.createElement("table");
  if (panel.title) table.append(textElement("caption", "", panel.title));
  const head = document.createElement("thead");
  const heading = document.createElement("tr");
  for (const text of panel.head) heading.append(textElement("th", "", text));
  head.append(heading);
  const body = document.createElement("tbody");
  for (const row of panel.rows) {
    const line = document.createElement("tr");
    line.className = `ba-${row.family ?? "plain"}${row.chosen ? " ba-chosen" : ""}`;
    row.cells.forEach((given, i) => {
      const { text, mark } = typeof given === "string" ? { text: given } : given;
      const look = mark ? `ba-prefers-${mark}` : i === row.wins ? "ba-wins" : "";
      const cell = textElement(i === 0 ? "th" : "td", look, text);
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

/** Pairs of pictures, such as error maps, with a name and what their colours mean. */
function buildMaps(argue, panel) {
  const box = document.createElement("div");
  for (const row of panel.rows) {
    const group = document.createElement("div");
    group.className = "ba-map-row";
    const name = document.createElement("div");
    name.className = "ba-map-name";
    name.append(textElement("b", "", row.title), textElement("span", "", row.note));
    group.append(name, ...row.pictures.map((picture, i) => buildMap(row, picture, i)));
    box.append(group);
  }
  return box;
}

function buildMap(row, picture, i) {
  const figure = document.createElement("figure");
  if (picture) {
    const image = document.createElement("img");
    image.src = picture.url;
    image.alt = `${row.title}, ${i === 0 ? "left" : "right"} picture`;
    figure.append(image);
  } else figure.append(textElement("div", "ba-waiting", "computing …"));
  figure.append(textElement("figcaption", "", picture?.text ?? ""));
  return figure;
}

function buildNotes(argue, panel) {
  const box = document.createElement("div");
  for (const text of panel.lines) box.append(textElement("p", "", text));
  return box;
}

/** Buttons that ask the server for something, and a limit that belongs to them. */
function buildAskButtons(argue, panel) {
  const box = document.createElement("div");
  for (const one of panel.buttons) {
    const button = textElement("button", "", one.label);
    button.type = "button";
    button.title = one.hint ?? "";
    button.disabled = Boolean(one.busy);
    button.dataset.focus = one.act;
    button.onclick = () => argue.act(one.act, one.argument ?? null);
    box.append(button);
  }
  if (panel.limit !== undefined) box.append(buildLimit(argue, panel));
  return box;
}

function buildLimit(argue, panel) {
  const label = textElement("label", "", "shift ≤ ");
  const field = document.createElement("input");
  field.type = "number";
  field.min = "1";
  field.max = "64";
  field.step = "1";
  field.value = panel.limit;
  field.dataset.focus = "limit";
  field.title = "The largest shift that you still call slight";
  field.onchange = () => argue.act("limit", Number(field.value));
  label.append(field, " px");
  return label;
}

/** Values as bars from 0 to 1, one for each picture. */
function buildBars(argue, panel) {
  const box = document.createElement("div");
  for (const bar of panel.bars) {
    const line = document.createElement("div");
    line.className = `ba-bar ba-${bar.family}`;
    line.append(textElement("span", "ba-bar-name", bar.name));
    const track = document.createElement("span");
    track.className = "ba-bar-track";
    const fill = document.createElement("span");
    fill.style.width = `${Math.max(0, Math.min(100, 100 * bar.share))}%`;
    track.append(fill);
    line.append(track, textElement("b", "", bar.text));
    box.append(line);
  }
  return box;
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
      const button = textElement("button", "", option.label);
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

/** The question, the buttons of the host, the code for phones, and after the reveal the counts. */
function buildVote(argue, panel) {
  const box = document.createElement("div");
  const { vote } = argue.data;
  box.append(textElement("p", "ba-question", panel.question));
  const counts = document.createElement("div");
  counts.className = "ba-counts";
  ["A", "B"].forEach((name, i) => {
    const count = document.createElement("div");
    count.className = vote.revealed && vote.counts[i] > vote.counts[1 - i] ? "ba-ahead" : "";
    count.append(textElement("span", "", `Picture ${name}`));
    const number = textElement("b", "", vote.revealed ? String(vote.counts[i]) : "?");
    number.dataset.testid = `votes-${i}`;
    count.append(number);
    counts.append(count);
  });
  const total = textElement("p", "ba-total", panel.total);
  total.dataset.testid = "votes-total";
  box.append(counts, total);
  if (panel.qr) {
    const phones = document.createElement("div");
    phones.className = "ba-phones";
    const image = document.createElement("img");
    image.src = panel.qr;
    image.alt = "QR code of the page for phones";
    phones.append(image, textElement("p", "", panel.link));
    box.append(phones);
  }
  return box;
}
