// @module marks: a value on an axis, and where an axis has it.

/** A mark in a family's own shape: told apart without colour. */
export function mark(family, x, y, radius, unit) {
  const look = `fill="var(--bd-${family})" stroke="var(--bd-panel)" stroke-width="${1.5 * unit}"`;
  return family === "pixels"
    ? `<rect class="bd-marked" x="${x - radius}" y="${y - radius}" width="${2 * radius}" height="${2 * radius}" ${look}/>`
    : `<circle class="bd-marked" cx="${x}" cy="${y}" r="${radius + 0.5}" ${look}/>`;
}

/** Where on an axis the blurs lie that a measure takes a picture for: the middle of each range. */
export function placesOf({ ranges, side }, x, beyond) {
  if (side) return [side === "beyond" ? beyond : x(0)];
  return ranges.map(([low, high]) => x((low + high) / 2));
}
