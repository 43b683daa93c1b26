"""The Method page's figures, drawn from the running code in the page's own colours.

Each is an SVG in a text; what it shows stands beside it in words or in a table.
"""

from __future__ import annotations

import base64
import functools
import html
import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from blurdash.canvas import CANVAS_SIZE, Picture
from blurdash.embed import DEFAULT_EMBEDDER, EMBEDDERS, FALLBACK_EMBEDDER
from blurdash.embed.crops import chip_plan, crop_corners, dlib_chip, native_crop
from blurdash.kernel import KERNELS, KernelAudit, audit_kernel
from blurdash.portrait import portrait_face

__all__ = ["crops_figure", "geometry_figure", "kernels_figure", "ways_figure"]

KERNELS_DRAWN = ("study", "line")
DRAWN_DEGREE = 15  # px: small enough that single taps are seen
DRAWN_ANGLES = (0, 30, 45, 90)
GEOMETRY_DEGREE = 50
ANGLE_STEP = 5
READ_FROM = 600  # px: narrower, it is pushed sideways and not made smaller
CELL, REACH = 7, 12  # px to a tap; taps on either side of the middle
COLOURS = {"study": "var(--bd-pixels)", "line": "var(--bd-embedding)"}
DASHES = {"study": "none", "line": "6 4"}


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    least = min(width, READ_FROM)
    look = f"display:block;width:100%;min-width:{least:g}px;max-width:{width:g}px;height:auto"
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{html.escape(label)}" '
        f'style="{look}" font-family="inherit" fill="var(--bd-ink)">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, *, size: int = 13, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" {more}>{html.escape(text)}</text>'


def _path(points: Sequence[tuple[float, float]], more: str) -> str:
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{line}" fill="none" {more}/>'


# ---- both kernels -------------------------------------------------------------------------------


@functools.cache
def kernels_figure() -> str:
    """Returns the taps of both kernels at a few angles, each with what an audit finds.

    Conventions:
        Dashed: the direction that the angle would mean, counter-clockwise from horizontal.
    """
    side = (2 * REACH + 1) * CELL
    wide, high = side + 18, side + 78
    parts = []
    for row, name in enumerate(KERNELS_DRAWN):
        top = row * (high + 30)
        parts.append(_text(0, top + 16, KERNELS[name].label, size=15, more='font-weight="650"'))
        for column, angle in enumerate(DRAWN_ANGLES):
            left = column * wide
            taps = np.asarray(KERNELS[name].make(DRAWN_DEGREE, angle), np.float64)
            parts.append(_kernel(taps, left, top + 24, angle))
            audit = audit_kernel(taps)
            said = (
                f"set {angle}°: runs at {_whole(audit.direction)}°",
                f"{audit.length:.1f} px long, keeps {100 * audit.mass:.0f} %",
                f"moves the picture by {audit.offset:.2f} px",
            )
            parts += [
                _text(left, top + 24 + side + 16 + 15 * i, line, size=12)
                for i, line in enumerate(said)
            ]
    width, height = wide * len(DRAWN_ANGLES) - 18, len(KERNELS_DRAWN) * (high + 30) - 20
    label = f"Taps of both kernels, degree {DRAWN_DEGREE}, at {len(DRAWN_ANGLES)} angles"
    return _svg(width, height, label, parts)


def _whole(angle: float) -> str:
    return "–" if math.isnan(angle) else f"{angle:.0f}"


def _kernel(taps: np.ndarray, left: float, top: float, angle: float) -> str:
    side = (2 * REACH + 1) * CELL
    middle = taps.shape[0] // 2, taps.shape[1] // 2
    heaviest = float(taps.max())
    parts = [
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" rx="3" fill="var(--bd-well)"/>'
    ]
    for y, x in np.argwhere(taps > 0):
        across, down = x - middle[1] + REACH, y - middle[0] + REACH
        if not (0 <= across <= 2 * REACH and 0 <= down <= 2 * REACH):
            continue
        parts.append(
            f'<rect x="{left + across * CELL}" y="{top + down * CELL}" width="{CELL}" '
            f'height="{CELL}" opacity="{taps[y, x] / heaviest:.2f}"/>'
        )
    x0, y0 = left + side / 2, top + side / 2
    dx, dy = (REACH * CELL * f(math.radians(angle)) for f in (math.cos, math.sin))
    ends = [(x0 - dx, y0 + dy), (x0 + dx, y0 - dy)]
    parts.append(_path(ends, 'stroke="var(--bd-embedding)" stroke-dasharray="4 4"'))
    return "".join(parts)


# ---- what the study's angle does ----------------------------------------------------------------


@functools.cache
def geometry_figure() -> str:
    """Returns true length, true direction and light kept over the angle, for both kernels."""
    angles = list(range(-180, 181, ANGLE_STEP))
    audits = {
        name: [audit_kernel(KERNELS[name].make(GEOMETRY_DEGREE, angle)) for angle in angles]
        for name in KERNELS_DRAWN
    }
    panels: list[tuple[str, Callable[[KernelAudit], float], tuple[float, ...]]] = [
        ("True length, px", lambda one: one.length, (40, 50, 60, 70, 80)),
        ("True direction, °", lambda one: one.direction, (0, 45, 90, 135, 180)),
        ("Light kept, %", lambda one: 100 * one.mass, (60, 80, 100)),
    ]
    width, left, high = 760, 52, 118
    parts = []
    for i, (title, value, ticks) in enumerate(panels):
        top = 26 + i * (high + 48)
        parts.append(_text(left, top - 8, title, size=13, more='font-weight="650"'))
        parts.append(_grid(left, top, width - left - 8, high, angles, ticks))
        for name in KERNELS_DRAWN:
            values = [value(one) for one in audits[name]]
            parts.append(_curve(values, angles, ticks, (left, top, width - left - 8, high), name))
    foot = 20 + len(panels) * (high + 48)
    parts.append(_text(left, foot - 4, f"Angle as it is set, °; degree {GEOMETRY_DEGREE} px"))
    for i, name in enumerate(KERNELS_DRAWN):
        x = width - 250 + i * 125
        look = f'stroke="{COLOURS[name]}" stroke-width="2" stroke-dasharray="{DASHES[name]}"'
        parts.append(_path([(x, foot - 9), (x + 26, foot - 9)], look))
        parts.append(_text(x + 32, foot - 4, KERNELS[name].label, size=12))
    return _svg(width, foot + 4, "What both kernels really do over the angle", parts)


def _grid(
    left: float, top: float, wide: float, high: float, angles: list[int], ticks: Sequence[float]
) -> str:
    low, most = ticks[0], ticks[-1]
    line = 'stroke="var(--bd-line)"'
    parts = []
    for tick in ticks:
        y = top + high * (most - tick) / (most - low)
        parts.append(_path([(left, y), (left + wide, y)], line))
        parts.append(_text(left - 6, y + 4, f"{tick:g}", size=11, more='text-anchor="end"'))
    for angle in range(-180, 181, 45):
        x = left + wide * (angle - angles[0]) / (angles[-1] - angles[0])
        parts.append(_path([(x, top), (x, top + high)], line))
        anchor = {-180: "start", 180: "end"}.get(angle, "middle")
        text = f"{angle}".replace("-", "−")
        parts.append(_text(x, top + high + 14, text, size=11, more=f'text-anchor="{anchor}"'))
    return "".join(parts)


def _curve(
    values: Sequence[float],
    angles: Sequence[int],
    ticks: Sequence[float],
    place: tuple[float, float, float, float],
    name: str,
) -> str:
    """A line that is broken where the value jumps, as a direction does at 180°."""
    left, top, wide, high = place
    low, most = ticks[0], ticks[-1]
    runs: list[list[tuple[float, float]]] = [[]]
    before = math.nan
    for angle, value in zip(angles, values, strict=True):
        if math.isnan(value) or abs(value - before) > (most - low) / 2:
            runs.append([])
        if not math.isnan(value):
            x = left + wide * (angle - angles[0]) / (angles[-1] - angles[0])
            runs[-1].append((x, top + high * (most - value) / (most - low)))
        before = value
    look = f'stroke="{COLOURS[name]}" stroke-width="2" stroke-dasharray="{DASHES[name]}"'
    return "".join(_path(run, look) for run in runs if len(run) > 1)


# ---- crop and chip ------------------------------------------------------------------------------

SHOWN = 340  # px: side of the canvas in the figure


@functools.cache
def crops_figure() -> str:
    """Returns the built-in portrait's canvas with what each recogniser cuts out of it."""
    face = portrait_face()
    # The box by which the canvas was found; facenet-pytorch's own is looked for at another size.
    box, points = face.box, face.chip_points
    plan = chip_plan(points)
    scale = SHOWN / CANVAS_SIZE
    left, top, right, bottom = (one * scale for one in box)
    chip = [(x * scale, y * scale + 22) for x, y in crop_corners(plan)]
    names = [EMBEDDERS[name].label for name in (DEFAULT_EMBEDDER, FALLBACK_EMBEDDER)]
    native, aligned = native_crop(face.canvas, box), dlib_chip(face.canvas, points)
    wide = 165
    parts = [
        _text(0, 14, f"Canvas, {CANVAS_SIZE} × {CANVAS_SIZE} px", more='font-weight="650"'),
        _picture(face.canvas, 0, 22, SHOWN),
        f'<rect x="{left:.1f}" y="{top + 22:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" fill="none" stroke="#fff" stroke-width="3"/>',
        f'<rect x="{left:.1f}" y="{top + 22:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" fill="none" stroke="#0b57a8" stroke-width="2" '
        'stroke-dasharray="6 4"/>',
        _path([*chip, chip[0]], 'stroke="#fff" stroke-width="3"'),
        _path([*chip, chip[0]], 'stroke="#994700" stroke-width="2"'),
    ]
    for i, (picture, name, how) in enumerate(
        ((native, names[0], "dashed: MTCNN's box"), (aligned, names[1], "line: by five landmarks"))
    ):
        x = SHOWN + 24 + i * (wide + 20)
        size = f"{picture.shape[1]} × {picture.shape[0]} px"
        parts += [
            _text(x, 14, name, more='font-weight="650"'),
            _picture(picture, x, 22, wide),
            _text(x, 22 + wide + 17, size, size=12),
            _text(x, 22 + wide + 33, how, size=12),
        ]
    label = "What each recogniser cuts out of the built-in portrait"
    return _svg(SHOWN + 24 + 2 * wide + 20, SHOWN + 24, label, parts)


def _picture(picture: Picture, x: float, y: float, side: float) -> str:
    small = cv2.resize(picture, (round(1.5 * side),) * 2, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    url = f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
    return f'<image href="{url}" x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}"/>'


# ---- from a photo to a number -------------------------------------------------------------------

BOX_WIDE, BOX_HIGH, GAP = 124, 54, 30


@functools.cache
def ways_figure() -> str:
    """Returns the two ways from a photo to a number, as a diagram."""
    label = EMBEDDERS[DEFAULT_EMBEDDER].label
    step = BOX_WIDE + GAP
    middle, above, below = 70.0, 12.0, 128.0
    boxes = [
        (0, middle, "Photo", "yours, in memory", ""),
        (1, middle, "Canvas", f"{CANVAS_SIZE} px, upright", ""),
        (2, middle, "Changed", "blurred, moved", ""),
        (3, above, "Pixels", "side by side, in place", "pixels"),
        (4, above, "PSNR, SSIM", "dB · 0 to 1", "pixels"),
        (3, below, "Crop", "of the face", "embedding"),
        (4, below, "Network", label, "embedding"),
        (5, below, "Embeddings", "cosine, L1, L2", "embedding"),
    ]
    parts = [_box(column * step, y, *texts) for column, y, *texts in boxes]
    arrows = [((0, middle), (1, middle)), ((1, middle), (2, middle))]
    arrows += [((2, middle), (3, above)), ((2, middle), (3, below)), ((3, above), (4, above))]
    arrows += [((3, below), (4, below)), ((4, below), (5, below))]
    for (column, y), (other, there) in arrows:
        start = (column * step + BOX_WIDE, y + BOX_HIGH / 2)
        end = (other * step - 3, there + BOX_HIGH / 2)
        parts.append(_path([start, end], 'stroke="var(--bd-muted)" stroke-width="1.5"'))
        parts.append(f'<circle cx="{end[0]:g}" cy="{end[1]:g}" r="3" fill="var(--bd-muted)"/>')
    # The clean canvas is the other side of both comparisons.
    clean = [(step + BOX_WIDE / 2, middle + BOX_HIGH), (step + BOX_WIDE / 2, below + BOX_HIGH + 14)]
    clean.append((3 * step + BOX_WIDE / 2, below + BOX_HIGH + 14))
    clean.append((3 * step + BOX_WIDE / 2, below + BOX_HIGH))
    dashed = 'stroke="var(--bd-muted)" stroke-dasharray="4 4"'
    parts.append(_path(clean, dashed))
    over = [(step + BOX_WIDE / 2, middle), (step + BOX_WIDE / 2, above + BOX_HIGH / 2)]
    over.append((3 * step, above + BOX_HIGH / 2))
    parts.append(_path(over, dashed))
    parts.append(
        _text(step + BOX_WIDE / 2 + 6, below + BOX_HIGH + 30, "dashed: the clean one", size=12)
    )
    label = "From a photo to a number: by pixels, and by the embedding of a face"
    return _svg(6 * step - GAP, below + BOX_HIGH + 38, label, parts)


def _box(x: float, y: float, title: str, says: str, family: str) -> str:
    colour = f"var(--bd-{family})" if family else "var(--bd-edge)"
    return (
        f'<rect x="{x + 1:g}" y="{y:g}" width="{BOX_WIDE - 2}" height="{BOX_HIGH}" rx="4" '
        f'fill="var(--bd-panel)" stroke="{colour}" stroke-width="1.5"/>'
        + _text(x + 10, y + 23, title, size=14, more='font-weight="650"')
        + _text(x + 10, y + 41, says, size=11)
    )
