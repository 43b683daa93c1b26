// @module address: what is looked at, in the page's address, so that a link opens it.

/** Writes what is looked at into the address, in place of what stood there. */
export function keepAddress(query, page) {
  if (!query || location.pathname.endsWith("/argument") !== (page === "argument")) return; // another page by now
  const wanted = new URLSearchParams(query);
  for (const [name, value] of new URLSearchParams(location.search)) if (name.startsWith("embed")) wanted.append(name, value);
  if (`?${wanted}` === location.search) return;
  history.replaceState(history.state, "", `${location.pathname}?${wanted}${location.hash}`);
}
