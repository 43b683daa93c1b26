"""What stands beside the pictures of the Argument page: tables, maps, bars, in plain data.

Each function returns dicts that ``frontend/pages/argument_panels.js`` draws; all text in them is
drawn as text.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from blurdash.argument import SCEPTIC_NAMES, ScepticRow
from blurdash.kernel import KERNELS
from blurdash.measures import ARGUMENT_MEASURES, QUICK
from blurdash.register import REGISTRATIONS
from blurdash.sentences import ShownRow, shown_row
from blurdash.ui.visitor.readings import blur_text
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.kernel import KernelAudit
    from blurdash.search import AngleFlip

__all__ = [
    "PIXEL_FORMULAS",
    "angle_note",
    "audit_table",
    "error_maps",
    "measure_table",
    "occlusion_maps",
    "sceptic_panel",
]

Map = npt.NDArray[np.floating]

MAP_SIDE = 224
# Where a map is brightest: an error of that many grey levels; that much SSIM lost.
ERROR_FULL, SSIM_FULL = 64.0, 1.0
PIXEL_FORMULAS = (
    "PSNR = 10 log₁₀(255² / MSE), MSE = mean of (clean − changed)² over every value.",
    "SSIM = mean of (2μₓμᵧ + c₁)(2σₓᵧ + c₂) / (μₓ² + μᵧ² + c₁)(σₓ² + σᵧ² + c₂) over windows: "
    "Gaussian, σ 1.5 px, on luma.",
)


def measure_table(
    left: Mapping[str, float] | None,
    right: Mapping[str, float] | None,
    *,
    names: Sequence[str] = QUICK,
    heads: Sequence[str] = ("A", "B"),
    curve: Mapping[int, Mapping[str, float]] | None = None,
    alike: str = "",
) -> dict[str, Any]:
    """Returns every number of two pictures, and which of them each measure prefers.

    It is drawn beneath the pictures, each value under its own.

    Args:
        left: Values of the left picture; None while they are computed.
        right: Of the right one.
        names: Keys of ``ARGUMENT_MEASURES``.
        heads: What the pictures are called.
        curve: The face's own numbers at degrees, to say what blur the left
            picture's value is taken for.
        alike: The measure whose twins the pictures are; it prefers neither.
    """
    rows = []
    for name in names:
        row = ARGUMENT_MEASURES[name]
        pair = (left[name], right[name]) if left is not None and right is not None else None
        shown = shown_row(name, *pair, alike=name == alike) if pair else None
        side = shown.side if shown else None
        values = [row.shown(value, with_unit=True) for value in pair] if pair else ["···"] * 2
        cells = [row.label, *values, _prefers(shown, heads)]
        if curve is not None:
            cells.append(blur_text(pair[0], curve, name) if pair else "")
        rows.append(
            {
                "cells": cells,
                "name": row.short_label,
                "family": row.family,
                "wins": None if side is None else side + 1,
                "test": f"argue-{name}",
                "hint": f"{row.direction}. {row.source}",
            }
        )
    head = ["", *heads, "prefers"]
    if curve is not None:
        head.append(f"{heads[0]} is like a blur of")
    return {"kind": "verdict", "head": head, "rows": rows}


def _prefers(row: ShownRow | None, heads: Sequence[str]) -> str:
    """What stands in a row's last column; empty while it is computed."""
    if row is None:
        return ""
    if row.side is None:
        return "alike" if row.alike else "neither"
    return heads[row.side]


def error_maps(errors: Sequence[Map], similarities: Sequence[Map] | None) -> list[dict[str, Any]]:
    """Returns the squared-error maps, and the SSIM maps where they are given, as rows of pictures.

    Args:
        errors: Of the left and the right picture, squared grey levels.
        similarities: Of both, in [−1, 1].
    """
    rows = [
        {
            "title": "Squared error",
            "note": f"none … {ERROR_FULL:.0f} grey levels",
            "family": "pixels",
            "pictures": [
                {"url": _inked(np.sqrt(one) / ERROR_FULL), "text": f"MSE {one.mean():.0f}"}
                for one in errors
            ],
        }
    ]
    if similarities is not None:
        rows.append(
            {
                "title": "SSIM",
                "note": "kept … lost structure",
                "family": "pixels",
                "pictures": [
                    {"url": _inked((1 - one) / SSIM_FULL), "text": f"mean {one.mean():.3f}"}
                    for one in similarities
                ],
            }
        )
    return rows


def occlusion_maps(maps: Sequence[Map]) -> dict[str, Any]:
    """Returns the occlusion maps as a row of pictures; both have one scale."""
    top = max(float(max(one.max() for one in maps)), 1e-6)
    return {
        "title": "Occlusion",
        "note": "unseen … looked at most",
        "family": "embedding",
        "pictures": [
            {"url": _inked(one / top, smooth=False), "text": f"at most {one.max():.3f}"}
            for one in maps
        ],
    }


def _inked(values: Map, *, smooth: bool = True) -> str:
    """A map in 0..1 as a small PNG in a data URL: ink of no colour, as dense as the map is high."""
    way = cv2.INTER_AREA if smooth else cv2.INTER_NEAREST
    small = cv2.resize(np.asarray(values, np.float32), (MAP_SIDE, MAP_SIDE), interpolation=way)
    levels = np.asarray(np.clip(small, 0, 1) * 255, np.uint8)
    ink = np.zeros((MAP_SIDE, MAP_SIDE, 4), np.uint8)
    ink[..., 3] = levels
    _, data = cv2.imencode(".png", ink)
    return "data:image/png;base64," + base64.b64encode(data.tobytes()).decode()


def audit_table(kernel: str, audits: Sequence[KernelAudit]) -> dict[str, Any]:
    """Returns what the kernels of two blurs really do.

    Args:
        kernel: A key of ``KERNELS``.
        audits: Of the left and the right picture's.
    """
    lines = (
        ("Mass (1 keeps the light)", [f"{one.mass:.2f}" for one in audits]),
        ("True length", [f"{one.length:.1f} px" for one in audits]),
        (
            "True direction",
            ["none" if math.isnan(one.direction) else f"{one.direction:.0f}°" for one in audits],
        ),
        ("Drift of the picture", [f"{one.offset:.2f} px" for one in audits]),
    )
    return {
        "kind": "table",
        "title": f"What the {KERNELS[kernel].label} kernel really does",
        "head": ["", "A", "B"],
        "rows": [{"cells": [name, *values]} for name, values in lines],
    }


def angle_note(flip: AngleFlip) -> list[str]:
    """Returns what the search for an angle flip found, and whose doing it is."""
    if not flip.found:
        return [sentence(flip.note)]
    longer, shorter = flip.longer, flip.shorter
    lines = [
        f"Found for this face: {longer.degree} px at {longer.angle:g}° keeps {longer.value:.4f}, "
        f"{shorter.degree} px at {shorter.angle:g}° only {shorter.value:.4f}."
    ]
    exact = f"{longer.line_value:.4f} against {shorter.line_value:.4f}"
    lines.append(
        f"It is the recipe's geometry: exact lines of these lengths and directions give {exact}."
        if flip.by_geometry
        else f"It is the face: exact lines of these lengths and directions give {exact} as well."
    )
    return lines


def sceptic_panel(rows: Sequence[ScepticRow], chosen: tuple[str, str, str]) -> dict[str, Any]:
    """Returns every number of the pair under every switch.

    Args:
        rows: As ``sceptic_table`` returns them.
        chosen: Kernel, registration and crop of the row that is looked at.
    """
    measures = [ARGUMENT_MEASURES[name] for name in SCEPTIC_NAMES]
    labels = [f"{row.label}, {row.unit}" if row.unit else row.label for row in measures]
    lines = []
    for row in rows:
        cells: list[Any] = [_sceptic_name(row)]
        for measure in measures:
            shown = shown_row(measure.name, row.sharp[measure.name], row.blurred[measure.name])
            mark = "" if shown.side is None else ("sharp", "blurred")[shown.side]
            cells.append({"text": " | ".join(shown.texts), "mark": mark})
        lines.append(
            {
                "cells": cells,
                "chosen": (row.kernel, row.registration, row.crop) == chosen,
                "hint": row.note,
                "test": f"sceptic-{row.kernel}-{row.registration}-{row.crop}",
            }
        )
    return {"kind": "table", "head": ["sharp | blurred", *labels], "rows": lines}


def _sceptic_name(row: ScepticRow) -> str:
    how = {"none": "as is", "phase": "registered", "ecc": "registered, ECC"}
    registration = how.get(row.registration, REGISTRATIONS.get(row.registration, ""))
    return f"{row.kernel} kernel · {registration} · {row.crop} crop"
