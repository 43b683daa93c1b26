// @module address: what is looked at, in the page's address, so that a link opens it.

import { bus } from "../bus.js";

const PORTRAIT = "portrait"; // the built-in face, and what stands for one of a visitor's own
const OWN_PHOTO = "photo";
const PAGES_OF_THEIR_OWN = ["argument", "sweeps"];

/** Writes what is looked at into the address, in place of what stood there. */
export function keepAddress(query, page) {
  const here = PAGES_OF_THEIR_OWN.find((name) => location.pathname.endsWith(`/${name}`)) ?? "explore";
  if (!query || here !== page) return; // another page by now
  const wanted = new URLSearchParams(query);
  for (const [name, value] of new URLSearchParams(location.search)) if (name.startsWith("embed")) wanted.append(name, value);
  if (`?${wanted}` === location.search) return;
  history.replaceState(history.state, "", `${location.pathname}?${wanted}${location.hash}`);
}

/** The address of a place of Explore that a hand may just have come to, before the page's own follows. */
export function linkTo({ degree, angle, shift_x: right, shift_y: down }, kernel) {
  const wanted = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries({ face: showsOwnPhoto() ? OWN_PHOTO : PORTRAIT, degree, angle, kernel })) wanted.set(name, value);
  if (right || down) wanted.set("shift", `${right},${down}`);
  else wanted.delete("shift");
  return `${location.origin}${location.pathname}?${wanted}`;
}

/** Whether the face is a visitor's own: nothing of it is in any address. */
export function showsOwnPhoto() {
  return Boolean(bus.shown) && bus.shown !== PORTRAIT;
}
