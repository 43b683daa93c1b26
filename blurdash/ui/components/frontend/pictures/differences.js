// @module differences: where two pictures of one size differ, in the ink of the pixel measures.

export const DIFFERS_MOST = 80; // grey levels: whatever differs by so much or more has the whole ink

/**
 * Draws how far each pixel of one canvas is from that of another, the mean of the three channels.
 * @param {HTMLCanvasElement} target takes the size of the others
 * @param {HTMLCanvasElement} one
 * @param {HTMLCanvasElement} other as large as `one`
 */
export function drawDifferences(target, one, other) {
  const size = one.width;
  if (target.width !== size) target.width = target.height = size;
  const [a, b] = [one, other].map((canvas) => bytesOf(canvas, size));
  const image = new ImageData(size, size);
  const ink = inkOf(target);
  for (let i = 0; i < a.length; i += 4) {
    const apart = Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2]);
    image.data[i] = ink[0];
    image.data[i + 1] = ink[1];
    image.data[i + 2] = ink[2];
    image.data[i + 3] = (255 * apart) / (3 * DIFFERS_MOST); // no more than 255, by the array
  }
  target.getContext("2d").putImageData(image, 0, 0);
}

function bytesOf(canvas, size) {
  return canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, size, size).data;
}

/** Red, green and blue of the colour that an element has. */
function inkOf(element) {
  const one = new OffscreenCanvas(1, 1).getContext("2d");
  one.fillStyle = getComputedStyle(element).color;
  one.fillRect(0, 0, 1, 1);
  return one.getImageData(0, 0, 1, 1).data;
}
