// @module clipboard: copies a text, and says so where it was asked for.

import { setText } from "./texts.js";

const COPIED_MS = 1600; // as long as a button says that it was done

/** Copies a text and says in an element whether that was done; then it says what is to be said `after`. */
export async function copyFrom(element, text, after) {
  const done = await copyText(text, element.closest("div, footer"));
  sayFor(element, done ? "Copied" : "The browser refused", after);
  return done;
}

/** Says something in an element for a moment. */
export function sayFor(element, text, after) {
  setText(element, text);
  setTimeout(() => setText(element, after), COPIED_MS);
}

/** Copies a text; by the old way where the page has no right to the clipboard (plain http). */
async function copyText(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    near.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
