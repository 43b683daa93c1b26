"""What a browser needs to read out a face itself: where the network is, and how a crop is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from blurdash import defaults
from blurdash.embed.crops import CROP_KINDS
from blurdash.ui.server.networks import networks
from blurdash.ui.visitor.view import settings_key

if TYPE_CHECKING:
    from blurdash.embed import Embedder
    from blurdash.embed.crops import CropPlan
    from blurdash.face import Face
    from blurdash.ui.visitor.view import View

__all__ = ["plan_for_browser", "reader_data"]


def reader_data(chosen: View, face: Face, embedder: Embedder | None) -> dict[str, Any] | None:
    """Returns what the browser's scripts read; None where the server reads out.

    It does where the face is looked for anew in each picture, and where it is not known how to
    write the recogniser down.

    Args:
        chosen: What is looked at.
        face: It is to have been read out before, so that its geometry is known.
        embedder: A loaded recogniser; None while there is none.
    """
    if embedder is None or chosen.crop != defaults.CROP:
        return None
    plan = embedder.crop_plan(face)
    key = networks.offer(embedder) if plan else ""
    if plan is None or not key:
        return None
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return {
        "key": settings_key(chosen),
        "network": f"{'/' if base else ''}{base}/network/{key}",
        "plan": plan_for_browser(plan),
    }


def plan_for_browser(plan: CropPlan) -> dict[str, Any]:
    """Returns how a crop is cut, as the page's core is told.

    Args:
        plan: As ``Embedder.crop_plan`` gives it.
    """
    return {
        "kind": CROP_KINDS.index(plan.kind),
        "box": plan.box,
        "side": plan.side,
        "levels": plan.levels,
        "grid": plan.grid or [0] * 6,
    }
