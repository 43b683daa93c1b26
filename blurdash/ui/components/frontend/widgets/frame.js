// @module frame: a graph's frame as SVG: its scales, its round ticks, lines with gaps, and bands.

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing, with a class, attributes and a text; never markup. */
export function shape(tag, className, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, tag);
  if (className) element.setAttribute("class", className);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

/** Round numbers between two ends, at most so many, and the digits that their labels need. */
export function roundTicks(low, high, most) {
  const reach = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(reach) - 1);
  const step = [1, 2, 2.5, 5, 10, 20, 25, 50, 100].map((factor) => factor * power).find((one) => reach / one <= most - 1) ?? reach;
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  const ticks = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
  const digits = [0, 1, 2, 3, 4].find((one) => Math.abs(step * 10 ** one - Math.round(step * 10 ** one)) < 1e-6) ?? 4;
  return { ticks, digits, step };
}

/** Where a graph's numbers lie on its drawing. */
export class Frame {
  /**
   * @param {SVGElement} svg as large as it is on screen
   * @param {object} edges left, right, top and bottom, in design pixels
   * @param {number[]} x what lies at its left and right end
   * @param {number[]} y what lies at its foot and top
   */
  constructor(svg, edges, x, y) {
    this.svg = svg;
    this.unit = parseFloat(getComputedStyle(svg).getPropertyValue("--bd-u")) || 1;
    const { width, height } = svg.getBoundingClientRect();
    Object.assign(this, { x, y, width, height });
    this.left = edges.left * this.unit;
    this.right = Math.max(this.left + 1, width - edges.right * this.unit);
    this.top = edges.top * this.unit;
    this.foot = Math.max(this.top + 1, height - edges.bottom * this.unit);
    this.font = 11 * this.unit;
  }

  across(value) {
    const [low, high] = this.x;
    return this.left + ((value - low) / (high - low || 1)) * (this.right - this.left);
  }

  up(value) {
    const [low, high] = this.y;
    const share = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    return this.foot - share * (this.foot - this.top);
  }

  /** What lies under a place on screen. */
  under(clientX) {
    const { left } = this.svg.getBoundingClientRect();
    const share = (clientX - left - this.left) / (this.right - this.left);
    return this.x[0] + Math.min(1, Math.max(0, share)) * (this.x[1] - this.x[0]);
  }

  /** Lines across with their labels. */
  levels(ticks, said) {
    return ticks.flatMap((value) => {
      const y = this.up(value);
      return [
        shape("path", "sw-grid", { d: `M${this.left} ${y}H${this.right}` }),
        this.text(this.left - 7 * this.unit, y + 0.36 * this.font, said(value), "end"),
      ];
    });
  }

  /** Labels along the foot, and what they count. */
  places(ticks, said, counts) {
    const y = this.foot + 1.45 * this.font;
    const labels = ticks.map((value) => {
      const anchor = value === this.x[1] ? "end" : "middle";
      return this.text(this.across(value), y, said(value), anchor);
    });
    if (!counts) return labels;
    return [...labels, this.text((this.left + this.right) / 2, this.height - 4 * this.unit, counts, "middle")];
  }

  text(x, y, words, anchor = "start", className = "") {
    return shape("text", `sw-text ${className}`, { x, y, "font-size": this.font, "text-anchor": anchor }, words);
  }

  /** A line through what is known; where nothing is, it has a gap. */
  line(xs, ys, className) {
    let path = "", pen = "M";
    xs.forEach((x, i) => {
      if (typeof ys[i] !== "number") { pen = "M"; return; }
      path += `${pen}${this.across(x).toFixed(1)} ${this.up(ys[i]).toFixed(1)}`;
      pen = "L";
    });
    return shape("path", className, { d: path || "M0 0" });
  }

  /** What lies between two lines. */
  band(xs, low, high, className) {
    const known = xs.map((_, i) => i).filter((i) => typeof low[i] === "number" && typeof high[i] === "number");
    const there = known.map((i) => `${this.across(xs[i]).toFixed(1)} ${this.up(high[i]).toFixed(1)}`);
    const back = known.reverse().map((i) => `${this.across(xs[i]).toFixed(1)} ${this.up(low[i]).toFixed(1)}`);
    return shape("path", className, { d: known.length ? `M${[...there, ...back].join("L")}Z` : "M0 0" });
  }

  /** A zone between two heights over the whole width. */
  zone(low, high, className) {
    const [top, foot] = [this.up(Math.max(low, high)), this.up(Math.min(low, high))];
    return shape("rect", className, { x: this.left, y: top, width: this.right - this.left, height: Math.max(0, foot - top) });
  }

  level(value, className) {
    return shape("path", className, { d: `M${this.left} ${this.up(value)}H${this.right}` });
  }
}
