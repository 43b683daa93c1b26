// @module strip: removes from a photo what is neither pixels nor colour nor orientation, without
// touching the rest: a place, a date, a name, a thumbnail of what was cut away. The picture that the
// server reads is the same to the last bit. What cannot be followed is left as it is: the server
// strips every photo again.

const STRIP_MOST_PARTS = 100_000; // as in photo.py
const JPEG_NEEDED = { 0xe0: "JFIF", 0xe2: "ICC_PROFILE\0", 0xee: "Adobe" };
const PNG_NEEDED = new Set(["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "gAMA", "cHRM", "sRGB", "iCCP",
  "sBIT", "cICP", "acTL", "fcTL", "fdAT"]);
const WEBP_NEEDED = new Set(["VP8X", "VP8 ", "VP8L", "ALPH", "ICCP", "ANIM", "ANMF"]);
const WEBP_EXIF = 0x08, WEBP_XMP = 0x04; // flags in VP8X

/** A photo without what is not picture: parts of the file as they lie there, and a few bytes of ours. */
export async function strippedPhoto(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const parts = strippedParts(bytes);
  if (!parts) return file;
  return new Blob(parts.map((part) => (Array.isArray(part) ? file.slice(part[0], part[1]) : part)));
}

/** Ranges of a file that stay and bytes that stand in for others; null where it stays as it is. */
function strippedParts(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (place, text) => [...text].every((sign, i) => bytes[place + i] === sign.charCodeAt(0));
  try {
    if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return jpegParts(bytes, view, at);
    if (at(0, "\x89PNG\r\n\x1a\n")) return pngParts(bytes, view, at);
    if (at(0, "RIFF") && at(8, "WEBP")) return webpParts(bytes, view, at);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends where more was promised
  }
  return null;
}

/** The first picture of a JPEG, to its end; see _plain_jpeg in photo.py. */
function jpegParts(bytes, view, at) {
  const parts = [[0, 2]];
  let place = 2, scans = 0, turned = false;
  for (let part = 0; part < STRIP_MOST_PARTS; part++) {
    const start = nextMarker(bytes, place);
    if (scans) parts.push([place, start]); // pixels; before the first scan it is padding
    if (start >= bytes.length || bytes[start + 1] === 0xd9) {
      parts.push([start, Math.min(bytes.length, start + 2)]);
      return parts;
    }
    const code = bytes[start + 1];
    const end = start + 2 + Math.max(2, view.getUint16(start + 2));
    if (code === 0xda) scans += 1;
    if (code === 0xe1 && at(start + 4, "Exif\0\0") && !turned) {
      turned = true; // the first one counts
      const exif = exifWith(orientationIn(bytes.subarray(start + 4, end)));
      if (exif) parts.push(new Uint8Array([0xff, 0xe1, 0, exif.length + 8, ...ascii("Exif\0\0"), ...exif]));
    }
    const extra = (code >= 0xe0 && code <= 0xef) || code === 0xfe;
    if (!extra || (JPEG_NEEDED[code] && at(start + 4, JPEG_NEEDED[code]))) parts.push([start, Math.min(end, bytes.length)]);
    place = end;
  }
  return null;
}

/** Where the next marker is that has a length or ends the picture. */
function nextMarker(bytes, place) {
  for (let i = bytes.indexOf(0xff, place); i >= 0 && i + 1 < bytes.length; i = bytes.indexOf(0xff, i + 1)) {
    const code = bytes[i + 1];
    if (code > 0x01 && code !== 0xff && !(code >= 0xd0 && code <= 0xd8)) return i;
  }
  return bytes.length;
}

function pngParts(bytes, view, at) {
  const parts = [[0, 8]];
  let place = 8;
  for (let part = 0; part < STRIP_MOST_PARTS; part++) {
    const end = place + 12 + view.getUint32(place);
    const name = String.fromCharCode(...bytes.subarray(place + 4, place + 8));
    if (PNG_NEEDED.has(name)) parts.push([place, Math.min(end, bytes.length)]);
    else if (name === "eXIf") {
      // Where there are several, the last one counts: each stays, if only to say "upright".
      const content = [...ascii("eXIf"), ...(exifWith(orientationIn(bytes.subarray(place + 8, end - 4))) ?? exifOf(1))];
      parts.push(new Uint8Array([...bigEndian(content.length - 4), ...content, ...bigEndian(crc32(content))]));
    }
    place = end;
    if (name === "IEND" || place >= bytes.length) return parts;
  }
  return null;
}

function webpParts(bytes, view, at) {
  const parts = [];
  let place = 12, size = 4, exif = null, seen = false, header = -1;
  const last = 8 + view.getUint32(4, true);
  if (last > bytes.length) return null;
  while (place + 8 <= last) {
    if (parts.length > STRIP_MOST_PARTS) return null;
    const end = place + 8 + view.getUint32(place + 4, true);
    if (end > last) return null; // it says more than there is: the server judges it
    const padded = Math.min(last, end + (end - place) % 2);
    const name = String.fromCharCode(...bytes.subarray(place, place + 4));
    if (WEBP_NEEDED.has(name)) {
      if (name === "VP8X" && header < 0) header = parts.length;
      parts.push([place, padded]);
      size += padded - place;
    } else if (name === "EXIF" && !seen) {
      seen = true; // the first one counts
      exif = exifWith(orientationIn(bytes.subarray(place + 8, end)));
    }
    place = padded;
  }
  if (header >= 0) {
    const [from, to] = parts[header];
    const flags = bytes.slice(from, to);
    if (!(flags[8] & WEBP_EXIF)) exif = null; // what the header does not announce, nobody reads
    flags[8] = (flags[8] & ~(WEBP_XMP | WEBP_EXIF)) | (exif ? WEBP_EXIF : 0);
    parts[header] = flags;
  } else exif = null; // without that header there is none
  if (exif) {
    parts.push(new Uint8Array([...ascii("EXIF"), ...littleEndian(exif.length), ...exif]));
    size += 8 + exif.length;
  }
  return [new Uint8Array([...ascii("RIFF"), ...littleEndian(size), ...ascii("WEBP")]), ...parts];
}

/** The orientation in the first directory of an EXIF block; 1, upright, if there is none. */
function orientationIn(block) {
  const tiff = String.fromCharCode(...block.subarray(0, 6)) === "Exif\0\0" ? block.subarray(6) : block;
  const little = tiff[0] === 0x49 && tiff[1] === 0x49;
  if (!little && !(tiff[0] === 0x4d && tiff[1] === 0x4d)) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  try {
    const at = view.getUint32(4, little);
    const count = view.getUint16(at, little);
    for (let i = 0, entry = at + 2; i < count; i++, entry += 12) {
      if (view.getUint16(entry, little) !== 0x0112) continue;
      return view.getUint16(entry + 2, little) === 4 ? view.getUint32(entry + 8, little) : view.getUint16(entry + 8, little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}

/** An EXIF block that holds an orientation and nothing else; null where it would say nothing. */
function exifWith(orientation) {
  return orientation >= 2 && orientation <= 8 ? exifOf(orientation) : null;
}

function exifOf(orientation) {
  return new Uint8Array([...ascii("MM\0*"), 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
}

function ascii(text) {
  return [...text].map((sign) => sign.charCodeAt(0));
}

function bigEndian(value) {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function littleEndian(value) {
  return bigEndian(value).reverse();
}

/** The checksum of a PNG's chunk: CRC-32 of its name and content. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
