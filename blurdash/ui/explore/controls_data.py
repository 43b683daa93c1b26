"""What the controls component is told: tiles, values, verdict, curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from blurdash.argument import BlurEquivalent
from blurdash.blur import Change
from blurdash.clean import CROPS, Readout
from blurdash.distance import DISTANCES, EMBEDDING, spans_reached
from blurdash.embed import Threshold
from blurdash.errors import TableError
from blurdash.kernel import KERNELS, audit_kernel
from blurdash.measures import CLAIM, MEASURES
from blurdash.quality import METRICS
from blurdash.sentences import PIXEL_CLAIM
from blurdash.sentences_explore import Seen, explore_sentence
from blurdash.sentences_others import closer_says, closer_short, closer_text, strangers_say
from blurdash.table import Span
from blurdash.ui.components.rows import POINTS_OF_A_CURVE, TILES, tile_id
from blurdash.ui.components.sent import rests_at
from blurdash.ui.components.sliders import EXPLORE_SLIDERS
from blurdash.ui.visitor.readings import equivalent_of
from blurdash.ui.visitor.view import View

if TYPE_CHECKING:
    from blurdash.embed import EmbedderRow
    from blurdash.reference import Reference
    from blurdash.summary import Band
    from blurdash.ui.server.known_face import Curve

__all__ = [
    "closer_data",
    "controls_data",
    "curve_data",
    "equivalents",
    "others_data",
    "readings_of",
    "recogniser_data",
    "sentence_data",
]

# Of fewer faces hardly a pair could be told from any other.
FEWEST_STRANGERS = 3
# From so many degrees on a curve says what blur a value is like.
BAND_STEP = 5  # degrees between the points of a band as it is drawn
NO_EQUIVALENT: dict[str, Any] = {"text": "", "ranges": [], "side": ""}


def controls_data(
    view: View,
    readout: Readout | None,
    *,
    ack: int,
    rested: str,
    key: str,
    start: int,
    eye_distance: float,
    source: float | None,
    doubt: str,
    recogniser: Mapping[str, Any],
    same: tuple[EmbedderRow | None, Reference | None],
    ready: bool,
    message: str,
    readings: Mapping[str, BlurEquivalent],
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
        source: Width of what the canvas was cut from, px of the photo; None if taken whole.
        doubt: Why the face is doubtful, as a sentence; empty where it is not.
        recogniser: Which one the numbers are of, as ``recogniser_data`` makes it.
        same: The recogniser and its reference, by which "same person?" is asked; None and None
            where it is not.
        ready: Whether there is a recogniser; without one the numbers are those of the pixels.
        message: What else is to be said; may be empty.
        readings: As ``readings_of`` returns them.
    """
    # A hand that has not moved rests, too; a receipt goes along then.
    at_rest = not rested or rests_at(rested, view.position())
    return {
        "ack": ack,
        "rested": rested,
        "pos": view.position(),
        "key": key,
        "start": start,
        "kernel": view.kernel,
        "eye_distance": round(eye_distance, 2),
        "source": None if source is None else round(source),
        "doubt": doubt,
        "mode": view.mode,
        "defaults": dict(zip(EXPLORE_SLIDERS, View().position(), strict=True)),
        "values": _values(readout.values) if readout else None,
        "equivalents": equivalents(view, readout.values, readings) if readout else [],
        "same_person": _same_person(readout, *same) if readout else None,
        "recogniser": dict(recogniser),
        "closer": closer_data(readout, *same) if readout else None,
        "ready": ready,
        "receipt": readout.as_dict() if readout and at_rest else None,
        "message": message,
        "audit": _audit(view.change()),
    }


def _audit(change: Change) -> dict[str, float | None] | None:
    """What a kernel really does, where the browser cannot make it and tell; NaN is None."""
    if KERNELS[change.kernel].drawn_in_browser:
        return None
    known = audit_kernel(change.taps())._asdict()
    return {name: None if math.isnan(value) else value for name, value in known.items()}


def recogniser_data(
    row: EmbedderRow | None,
    view: View,
    *,
    note: str = "",
    remark: str = "",
    shipped: bool = False,
    reference: Reference | None = None,
) -> dict[str, Any]:
    """Returns what stands beside every number, for the controls' script.

    Args:
        row: The recogniser; None while there is none.
        view: The protocol and the crop.
        note: Why this recogniser and how to get the other; may be empty.
        remark: What its weights are called where they are not the published ones.
        shipped: Whether the numbers are the shipped ones, until the recogniser is there.
        reference: What is known of other faces under it; None where nothing is.
    """
    return {
        "name": row.name if row else "",
        "label": remark or (row.label if row else ""),
        "dim": row.dim if row else 0,
        "protocol": view.protocol,
        "crop": view.crop,
        "crop_says": CROPS[view.crop],
        "note": note,
        "remark": remark,
        "shipped": shipped,
        "person": _person(row, reference) if row else None,
        "spans": _spans(_spans_known(reference)) if reference else {},
    }


def _spans_known(reference: Reference) -> Mapping[str, Span]:
    try:
        return reference.spans()
    except TableError:
        return {}


def _person(row: EmbedderRow, reference: Reference | None) -> dict[str, Any] | None:
    """By what "same person?" is answered: a published threshold, strangers, or both.

    None where there is neither.
    """
    if row.threshold is None and reference is None:
        return None
    measure = row.threshold.measure if row.threshold else EMBEDDING
    about, limit = MEASURES[measure], _limit(row, reference)
    text = "no published threshold"
    if limit:
        sign = "≥" if about.higher_is_closer else "≤"
        text = f"{about.short_label} {sign} {round(limit.value, 3):g}, {limit.source}"
    return {
        "tile": TILES.index(measure),
        "identical": about.identical,
        "limit": round(limit.value, 3) if limit else None,
        "published": row.threshold is not None,
        "text": text,
        "strangers": _strangers(reference, measure, row.threshold) if reference else None,
    }


def _limit(row: EmbedderRow, reference: Reference | None) -> Threshold | None:
    """Where "same person" ends: as published, else at a rate that the strangers are enough for."""
    if row.threshold is not None or reference is None:
        return row.threshold
    try:
        found = reference.pairs().threshold(EMBEDDING)
    except TableError:
        return None
    if found is None:
        return None
    source = f"at {found.rate:.0%} false matches of {reference.who}"
    return Threshold(EMBEDDING, found.value, source)


def _same_person(
    readout: Readout, row: EmbedderRow | None, reference: Reference | None
) -> bool | None:
    """Whether the pair counts as one person; None where that is not asked, or cannot be said."""
    if readout.verdict is not None or row is None or row.threshold is not None:
        return readout.verdict.same_person if readout.verdict else None
    limit = _limit(row, reference)
    value = readout.values[EMBEDDING]
    if limit is None or math.isnan(value):
        return None
    return not MEASURES[EMBEDDING].prefers(limit.value, value)


def _strangers(
    reference: Reference, measure: str, threshold: Threshold | None
) -> dict[str, Any] | None:
    """Where different people lie, and who these are; None where they cannot be read."""
    try:
        pairs = reference.pairs()
        if pairs.faces < FEWEST_STRANGERS:
            return None
        low, _, high = pairs.band(measure)
        says = f"The middle 95 % of {pairs.pairs:,} pairs of {reference.who}, both clean."
        if threshold:
            says += f" {strangers_say(reference, threshold)}"
    except TableError:
        return None
    text = f"band: {pairs.pairs:,} pairs of {reference.who}"
    return {"low": low, "high": high, "text": text, "says": says}


def closer_data(
    readout: Readout, row: EmbedderRow | None, reference: Reference | None
) -> dict[str, str] | None:
    """Returns how many pairs of strangers are as close as what is shown; None where unknown.

    Args:
        readout: The numbers.
        row: The recogniser they are of.
        reference: Of that recogniser.
    """
    if row is None or reference is None:
        return None
    measure = row.threshold.measure if row.threshold else EMBEDDING
    value = readout.values[measure]
    try:
        if math.isnan(value) or reference.pairs().faces < FEWEST_STRANGERS:
            return None
        closer = reference.pairs().closer(measure, value)
    except TableError:
        return None
    return {
        "text": closer_text(closer),
        "short": closer_short(closer),
        "says": f"{closer_text(closer)}. {closer_says(closer, reference)}",
    }


def curve_data(
    curve: Curve,
    shown: Mapping[int, Mapping[str, float]],
    key: str,
    *,
    look_again: float | None = None,
    bands: Mapping[str, Band] | None = None,
    whose: str = "",
) -> dict[str, Any]:
    """Returns a curve's values as the controls' script reads them.

    Args:
        curve: The curve.
        shown: The part of it that is drawn.
        key: What it belongs to, as in ``controls_data``.
        look_again: Seconds until there may be more of it; None where there will not.
        bands: Where the reference faces lie: for each measure degrees, lower and upper end.
        whose: Faces the bands are of.
    """
    degrees = sorted(degree for degree in shown if shown[degree])
    return {
        "key": key,
        "angle": curve.angle,
        "degrees": degrees,
        "values": [_values(shown[degree]) for degree in degrees],
        "bands": [_band(bands[name]) if bands and name in bands else None for name in TILES],
        "whose": whose,
        "spans": _spans(_reached(shown)),
        "look_again": look_again,
    }


def others_data(
    reference: Reference | None, of_kernel: Reference | None, angle: float
) -> dict[str, Any]:
    """Returns where other faces lie and whose they are, as ``curve_data`` takes it.

    What needs no recogniser is drawn of any reference of this kernel.

    Args:
        reference: Under this very recogniser; None where there is none.
        of_kernel: Under any; None where there is none.
        angle: Of the blur, degrees.
    """
    names = list(MEASURES) if reference else list(METRICS)
    shown = reference or of_kernel
    try:
        bands = shown.bands(angle) if shown else {}
    except TableError:
        return {}
    known = {name: bands[name] for name in names if name in bands}
    return {"bands": known, "whose": shown.who if shown and known else ""}


def _spans(known: Mapping[str, Span]) -> dict[str, dict[str, Any]]:
    """What is to be drawn of each distance, by the names that scripts use."""
    return {tile_id(name): span._asdict() for name, span in known.items() if name in TILES}


def _reached(shown: Mapping[int, Mapping[str, float]]) -> dict[str, Span]:
    """How far a curve reaches; empty while there are too few points to tell."""
    if len(shown) < POINTS_OF_A_CURVE:
        return {}
    points = shown.values()
    return spans_reached(
        {name: [point[name] for point in points if name in point] for name in DISTANCES}
    )


def _band(band: Band) -> list[list[float]]:
    """Degree, lower and upper end at every fifth degree, where both are numbers."""
    points = [[float(part) for part in point] for point in zip(*band, strict=True)]
    return [
        [round(part, 4) for part in point]
        for point in points
        if point[0] % BAND_STEP == 0 and all(math.isfinite(part) for part in point)
    ]


def readings_of(
    view: View, values: Mapping[str, float], curve: Mapping[int, Mapping[str, float]]
) -> dict[str, BlurEquivalent]:
    """Returns the blur that each tile's measure takes a moved picture for, where it can be said.

    None from a coarse curve; and none for a picture that is not moved, which is its own equivalent,
    by definition.

    Args:
        view: Where the sliders are.
        values: The numbers there.
        curve: For each known degree the face's own values at this angle.
    """
    if not (view.shift_x or view.shift_y) or len(curve) < POINTS_OF_A_CURVE:
        return {}
    found = {name: equivalent_of(values[name], curve, name) for name in TILES}
    return {name: one for name, one in found.items() if one is not None}


def equivalents(
    view: View, values: Mapping[str, float], readings: Mapping[str, BlurEquivalent]
) -> list[dict[str, Any]]:
    """Returns for each tile the blur that it takes this picture for; empty while none is known.

    Args:
        view: Where the sliders are.
        values: The numbers there.
        readings: As ``readings_of`` returns them.
    """
    if not (view.shift_x or view.shift_y):
        itself = {"text": f"{view.degree} px", "ranges": [[view.degree] * 2], "side": ""}
        return [itself if not math.isnan(values[name]) else dict(NO_EQUIVALENT) for name in TILES]
    return [_equivalent(readings.get(name)) for name in TILES] if readings else []


def _equivalent(found: BlurEquivalent | None) -> dict[str, Any]:
    if found is None:
        return dict(NO_EQUIVALENT)
    ranges = [[round(end, 1) for end in one] for one in found.ranges]
    return {"text": found.short, "ranges": ranges, "side": found.side}


def sentence_data(
    view: View,
    readout: Readout,
    readings: Mapping[str, BlurEquivalent],
    *,
    recogniser: str,
    source: float | None,
) -> dict[str, Any]:
    """Returns the sentence on top of the page, for the controls' script.

    Args:
        view: Where the sliders are.
        readout: The numbers there.
        readings: As ``readings_of`` returns them.
        recogniser: A key of ``RECOGNISER_STATES``.
        source: Width of the face in its photo where that is too small to say much, px.
    """
    if recogniser == "ok" and math.isnan(readout.values[EMBEDDING]):
        recogniser = "gone"
    asked = CLAIM if recogniser == "ok" else PIXEL_CLAIM
    known = {name: readings[name] for name in asked if name in readings}
    change = view.change()
    said = explore_sentence(
        Seen(
            view.degree,
            view.shift_x,
            view.shift_y,
            known if len(known) == len(asked) else {},
            recogniser=recogniser,
            same_person=readout.verdict.same_person if readout.verdict else None,
            drawn_angle=change.used_angle != change.angle,
            source=source,
        )
    )
    return {"case": said.case, "kind": said.kind, "truth": said.truth, "parts": said.parts()}


def _values(values: Mapping[str, float]) -> list[float | str]:
    return [_for_browser(values[name], MEASURES[name].decimals) for name in TILES]


def _for_browser(value: float, decimals: int) -> float | str:
    if math.isfinite(value):
        return round(value, decimals + 2)
    return "none" if math.isnan(value) else "inf"
