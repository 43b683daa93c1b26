"""What the controls component is told: tiles, values, verdict, curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from blurdash import defaults
from blurdash.argument import blur_equivalent
from blurdash.blur import Change
from blurdash.distance import DISTANCES
from blurdash.quality import METRICS
from blurdash.readout import MEASURES, Readout, Verdict

if TYPE_CHECKING:
    from blurdash.table import Measure
    from blurdash.ui.live import Curve
    from blurdash.ui.view import View

__all__ = ["TILES", "blur_text", "controls_data", "curve_data", "family_of", "number_text"]

# From so many degrees on a curve says what blur a value is like.
POINTS_OF_A_CURVE = 11

# Measure, the tile's test id, which accent it wears.
TILES = (
    ("cosine_similarity", "cosine", "embedding"),
    ("l1", "l1", "embedding"),
    ("l2", "l2", "embedding"),
    ("psnr", "psnr", "pixels"),
    ("ssim", "ssim", "pixels"),
)


def controls_data(
    view: View,
    readout: Readout | None,
    *,
    ack: int,
    rested: str,
    key: str,
    start: int,
    eye_distance: float,
    circumstances: str,
    message: str,
    alert: bool,
    curve: Mapping[int, Mapping[str, float]] | None = None,
) -> dict[str, Any]:
    """Returns what the controls' script reads; small, for it is sent with every answer.

    Args:
        view: Where everything is.
        readout: The numbers of this very view, or None.
        ack: Number of the request that is answered.
        rested: The place of rest that the server has seen to.
        key: What the numbers belong to besides the position.
        start: A number that is another when the sliders are to jump to the view.
        eye_distance: px.
        circumstances: Recogniser, protocol, crop and kernel, in words.
        message: What else to say beneath the tiles.
        alert: Whether the message is about something that went wrong.
        curve: What is known of the face's own curve at this angle.
    """
    return {
        "ack": ack,
        "rested": rested,
        "pos": view.position(),
        "key": key,
        "start": start,
        "kernel": view.kernel,
        "degree_one_angle": Change(1, 0.0, view.kernel).used_angle,
        "eye_distance": round(eye_distance, 2),
        "mode": view.mode,
        "height": view.window_height,
        "defaults": {
            "degree": defaults.DEGREE,
            "angle": defaults.ANGLE,
            "shift_x": 0,
            "shift_y": 0,
        },
        "tiles": [_tile(name, test_id, family) for name, test_id, family in TILES],
        "values": _values(readout.values) if readout else None,
        "equivalents": _equivalents(readout.values, curve or {}) if readout else [],
        "verdict": _verdict(readout.values, readout.verdict) if readout else "",
        "circumstances": circumstances,
        "message": message,
        "alert": alert,
    }


def curve_data(
    curve: Curve,
    shown: Mapping[int, Mapping[str, float]],
    key: str,
    *,
    look_again: float | None = None,
) -> dict[str, Any]:
    """Returns a curve's values as the controls' script reads them.

    Args:
        curve: The curve.
        shown: The part of it that is drawn.
        key: What it belongs to, as in ``controls_data``.
        look_again: Seconds until there may be more of it; None where there will not.
    """
    degrees = sorted(degree for degree in shown if shown[degree])
    return {
        "key": key,
        "angle": curve.angle,
        "degrees": degrees,
        "values": [_values(shown[degree]) for degree in degrees],
        "look_again": look_again,
    }


def blur_text(value: float, curve: Mapping[int, Mapping[str, float]], name: str) -> str:
    """Returns the blur that a measure takes a value for, short; empty where it cannot be said.

    Args:
        value: Of a changed picture.
        curve: For each known degree the face's own values.
        name: A key of ``ARGUMENT_MEASURES``.

    Example:
        >>> blur_text(0.6, {0: {"ssim": 1.0}, 50: {"ssim": 0.7}, 100: {"ssim": 0.5}}, "ssim")
        '75 px'
    """
    points = {degree: values[name] for degree, values in curve.items() if name in values}
    if math.isnan(value) or sum(not math.isnan(one) for one in points.values()) < 2:
        return ""
    found = blur_equivalent(value, points, name)
    if found.side == "below":
        return f"< {found.first:g} px" if found.first else "none"
    if found.degree is None:
        return f"> {found.last:g} px"
    return f"{found.degree:.{1 if 0 < found.degree < 9.95 else 0}f} px"


def _equivalents(
    values: Mapping[str, float], curve: Mapping[int, Mapping[str, float]]
) -> list[str]:
    """For each tile the blur that it takes this picture for; none from a curve too coarse."""
    if len(curve) < POINTS_OF_A_CURVE:
        return []
    return [blur_text(values[name], curve, name) for name, _, _ in TILES]


def family_of(name: str) -> str:
    """Returns whose accent a measure wears: ``embedding``, ``pixels`` or ``plain``."""
    if name in DISTANCES:
        return "embedding"
    return "pixels" if name in METRICS else "plain"


def number_text(row: Measure, value: float, *, with_unit: bool = True) -> str:
    """Returns a measure's value as a person reads it.

    Example:
        >>> number_text(MEASURES["psnr"], math.inf)
        '∞ dB'
    """
    if math.isnan(value):
        return "–"
    unit = f" {row.unit}" if row.unit and with_unit else ""
    return ("∞" if math.isinf(value) else f"{value:.{row.decimals}f}") + unit


def _tile(name: str, test_id: str, family: str) -> dict[str, Any]:
    row = MEASURES[name]
    return {
        "id": test_id,
        "label": row.label,
        "unit": row.unit,
        "decimals": row.decimals,
        "direction": row.direction,
        "source": row.source,
        "family": family,
    }


def _values(values: Mapping[str, float]) -> list[float | str]:
    shown: list[float | str] = []
    for name, _, _ in TILES:
        value = values[name]
        shown.append("inf" if math.isinf(value) else round(value, MEASURES[name].decimals + 2))
    return shown


def _verdict(values: Mapping[str, float], verdict: Verdict | None) -> str:
    if verdict is None:
        return "Same person? This recogniser has no published threshold of its own."
    row = MEASURES[verdict.measure]
    sign = "≤" if verdict.same_person else ">"
    if row.higher_is_closer:
        sign = "≥" if verdict.same_person else "<"
    answer = "Yes" if verdict.same_person else "No"
    return (
        f"Still the same person? {answer}: {row.label} "
        f"{values[verdict.measure]:.{row.decimals}f} {sign} {verdict.threshold} ({verdict.source})."
    )
