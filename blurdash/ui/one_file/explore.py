"""Explore in one file: what its controls, its curve and its reader are told once and for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blurdash.blur import Change
from blurdash.embed import EMBEDDERS
from blurdash.errors import SettingError
from blurdash.face import SMALLEST_SOURCE
from blurdash.ui.explore.controls_data import (
    controls_data,
    curve_data,
    others_data,
    readings_of,
    recogniser_data,
    sentence_data,
)
from blurdash.ui.one_file.subject import NETWORK
from blurdash.ui.server.known_face import COARSE_FIRST, Curve
from blurdash.ui.visitor.reader import plan_for_browser
from blurdash.words import sentence

if TYPE_CHECKING:
    from blurdash.ui.one_file.subject import Subject

__all__ = ["explore_part", "reader_part"]


def explore_part(subject: Subject) -> dict[str, Any]:
    """Returns what Explore reads: ``controls`` and ``curve``.

    Args:
        subject: Whose; it takes a few seconds, as the face's whole curve is measured.
    """
    view, face = subject.view, subject.face
    curve = _curve(subject, view.angle)
    readout = subject.known.prepared.readout(view.change())
    readings = readings_of(view, readout.values, curve.values)
    reference = subject.reference
    row = EMBEDDERS[subject.embedder.name]
    recogniser = recogniser_data(row, view, remark=subject.embedder.remark, reference=reference)
    asked = (None, None) if face.doubt else (row, reference)
    source = face.source if face.source < SMALLEST_SOURCE else None
    controls = controls_data(
        view,
        readout,
        ack=0,
        rested="",
        key=subject.key,
        start=0,
        eye_distance=face.eye_distance,
        source=face.frame.side if face.frame else None,
        doubt=sentence(face.doubt) if face.doubt else "",
        recogniser=recogniser,
        same=asked,
        ready=True,
        message="",
        readings=readings,
    )
    controls |= {
        "sentence": sentence_data(view, readout, readings, recogniser="ok", source=source),
        "small_source": source,
        "reader": reader_part(subject),
        "address": None,
        "alone": True,
    }
    others = others_data(reference, subject.any_reference, view.angle)
    curve_part = curve_data(curve, curve.values, subject.key, **others)
    return {"controls": controls, "curve": curve_part}


def reader_part(subject: Subject) -> dict[str, Any]:
    """Returns what the page's scripts read this face out with.

    Raises:
        SettingError: The recogniser cannot be written down.
    """
    plan = subject.embedder.crop_plan(subject.face)
    if plan is None:
        raise SettingError(
            f"{EMBEDDERS[subject.embedder.name].label} runs on a server only, not in a file",
            hint="choose another with --embedder",
        )
    return {"key": subject.key, "network": NETWORK, "plan": plan_for_browser(plan)}


def _curve(subject: Subject, angle: float) -> Curve:
    curve, prepared = Curve(angle), subject.known.prepared
    for degree in sorted(COARSE_FIRST):
        changed = Change(degree, angle, subject.kernel)
        curve.values[degree] = dict(prepared.readout(changed).values)
    return curve
