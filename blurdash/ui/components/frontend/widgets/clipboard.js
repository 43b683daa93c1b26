// @module clipboard: copies a text.

export const COPIED_MS = 1600; // as long as a button says that it was done

/** Copies a text; by the old way where the page has no right to the clipboard (plain http). */
export async function copyText(text, near) {
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
