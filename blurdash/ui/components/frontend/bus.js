// @module bus: what the components of a page say to one another, and know together.

/** The page's own; parts of other components may have made it before. */
export const bus = (window.__blurdash ??= new EventTarget());
