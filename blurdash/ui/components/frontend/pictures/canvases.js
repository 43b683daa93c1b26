// @module canvases: square pictures from one canvas to another.

/** Canvas of a size with a 2-D context that is read back often. */
export function scratchCanvas(size) {
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  return canvas;
}

/** Draws a square picture into a whole square context, smoothly. */
export function drawSquare(context, source) {
  const size = context.canvas.width;
  context.imageSmoothingEnabled = source.width !== size;
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, size, size);
}

/** RGBA bytes of a square picture at a size. */
export function pixelsOf(source, size) {
  const context = scratchCanvas(size).getContext("2d", { willReadFrequently: true });
  drawSquare(context, source);
  return context.getImageData(0, 0, size, size).data;
}
