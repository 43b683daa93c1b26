// @module texts: numbers as they are read, and words in elements.

/** A number with so many decimals; "–" for none. */
export function formatted(value, decimals) {
  if (value === "inf") return "∞";
  return typeof value === "number" ? fixed(value, decimals).replace(/^-(0\.?0*)$/, "$1") : "–";
}

const FURTHER_DIGITS = 40; // that tell a number in the middle between two texts from one beside it

/** A number with so many decimals as Python writes it: one in the middle goes to the even side. */
export function fixed(value, decimals) {
  const text = value.toFixed(decimals);
  if (!Number.isFinite(value) || decimals + FURTHER_DIGITS > 100) return text;
  const exact = value.toFixed(decimals + FURTHER_DIGITS);
  const cut = exact.length - FURTHER_DIGITS;
  if (!/^50*$/.test(exact.slice(cut))) return text;
  const below = exact.slice(0, cut).replace(/\.$/, "");
  return Number(below.at(-1)) % 2 ? text : below;
}

/** A number in so many digits that count, without noughts behind. */
export function significant(value, digits) {
  const before = Math.floor(Math.log10(Math.abs(value) || 1)) + 1;
  return String(Number(before > digits ? value.toPrecision(digits) : fixed(value, digits - before)));
}

/** A number as Python sends it. */
export function asSent(value) {
  return value === Infinity ? "inf" : value;
}

/** A number as it is, with a real minus. */
export function shown(value) {
  return String(value).replace("-", "−");
}

/** Words as a list in a sentence. */
export function listed(words) {
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** A text as it stands between tags and in attributes: names come from whoever made a file. */
export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Writes a text where it is another one. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An element with a class and a text; never markup. */
export function textElement(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text ?? "";
  return element;
}

/** A button of ours. */
export function button(text, title, does) {
  return Object.assign(document.createElement("button"), { type: "button", className: "bd-btn", textContent: text, title, onclick: does });
}
