"""Which reference the page speaks of: of the recogniser in use, by the name that was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blurdash.circumstances import Circumstances
from blurdash.ui.server.references import references_at_hand
from blurdash.ui.visitor.session import session_faces

if TYPE_CHECKING:
    from blurdash.embed import Embedder
    from blurdash.reference import Reference
    from blurdash.ui.visitor.view import View

__all__ = ["any_of_kernel", "measured_by", "reference_in_use", "references_for"]


def measured_by(chosen: View, embedder: Embedder, angle: float | None = None) -> Circumstances:
    """Returns what numbers depend on under what is chosen.

    Args:
        chosen: Kernel and crop.
        embedder: A loaded recogniser.
        angle: Degrees; None where it does not matter.
    """
    return Circumstances(
        embedder.name,
        embedder.protocol,
        chosen.crop,
        chosen.kernel,
        angle,
        embedder.weights_sha256,
    )


def references_for(chosen: View, embedder: Embedder) -> list[Reference]:
    """Returns the references that hold for what is chosen; the visitor's own come first.

    Args:
        chosen: Kernel and crop.
        embedder: A loaded recogniser.
    """
    under = measured_by(chosen, embedder)
    there = (*session_faces().references(), *references_at_hand().found)
    return [one for one in there if one.fits(under)]


def reference_in_use(chosen: View, embedder: Embedder | None) -> Reference | None:
    """Returns the reference that the page speaks of; None where there is none for this recogniser.

    Args:
        chosen: Kernel, crop, and the name of a reference if one was chosen.
        embedder: A loaded recogniser; None while there is none.
    """
    if embedder is None:
        return None
    there = references_for(chosen, embedder)
    named = [one for one in there if one.name == chosen.reference]
    return next(iter([*named, *there]), None)


def any_of_kernel(chosen: View) -> Reference | None:
    """Returns a reference for what needs no recogniser: of this kernel, whatever embedded it."""
    return next(
        (one for one in references_at_hand().found if one.under.kernel == chosen.kernel), None
    )
