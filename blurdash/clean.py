"""The clean side of a pair, and every number of what it is compared with."""

from __future__ import annotations

import collections
import functools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from blurdash.blur import Change
from blurdash.canvas import Picture, checked_canvas, digest_of
from blurdash.distance import DISTANCES
from blurdash.embed import EMBEDDERS, Embedder
from blurdash.embed.base import check_embeddings
from blurdash.errors import NoFaceError
from blurdash.face import Face, locate_face
from blurdash.quality import METRICS
from blurdash.receipt import Geometry, Receipt, checksum
from blurdash.table import look_up
from blurdash.values import for_json

__all__ = ["CROPS", "CleanSide", "Readout", "Verdict", "verdict_of"]

CROPS = {
    "fixed": "taken from the clean picture",
    "redetect": "found anew in the changed picture",
}

REDETECT = "redetect"
NO_RECOGNISER = "there is no recogniser yet"
EMBEDDINGS_KEPT = 64
Embedding = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Verdict:
    """What a recogniser's published threshold says of a pair.

    Attributes:
        same_person: True if the pair counts as the same person.
        measure: The distance the threshold is about.
        threshold: Its value.
        source: Who published it.
    """

    same_person: bool
    measure: str
    threshold: float
    source: str


@dataclass(frozen=True)
class Readout:
    """Every number of one pair.

    Attributes:
        values: A value for each key of ``MEASURES``; NaN for those of the embeddings where there is
            ``failure``.
        receipt: How the numbers came about.
        verdict: What the recogniser's published threshold says; None where there is none, and for
            a doubtful face, of which that is not asked.
        failure: Why there is no embedding of the changed picture; empty where there is one.
    """

    values: dict[str, float]
    receipt: Receipt
    verdict: Verdict | None
    failure: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as JSON can hold it.

        An infinite value is the string ``"inf"``; a number that there is not is None, and the
        receipt's ``failure`` says why.
        """
        numbers = {name: for_json(value) for name, value in self.values.items()}
        verdict = None
        if self.verdict is not None:
            verdict = {
                "same_person": self.verdict.same_person,
                "measure": self.verdict.measure,
                "threshold": self.verdict.threshold,
                "source": self.verdict.source,
            }
        whole = {**numbers, "verdict": verdict, "receipt": self.receipt.as_dict()}
        return {**whole, "checksum": checksum(whole)}


def verdict_of(values: dict[str, float], embedder_name: str) -> Verdict | None:
    """Returns what the recogniser's published threshold says, or None where there is none.

    Args:
        values: At least the threshold's measure.
        embedder_name: A key of ``EMBEDDERS``.

    Example:
        >>> verdict_of({"l2": 0.5}, "dlib").same_person
        True
    """
    row = EMBEDDERS.get(embedder_name)
    if row is None or row.threshold is None:
        return None
    threshold = row.threshold
    value = values[threshold.measure]
    closer_is_higher = DISTANCES[threshold.measure].higher_is_closer
    same = value >= threshold.value if closer_is_higher else value <= threshold.value
    return Verdict(same, threshold.measure, threshold.value, threshold.source)


class CleanSide:
    """The clean side of a pair, computed once: embedding, halves of the metrics, receipt.

    Conventions:
        A crop that was embedded before is not embedded again, whichever picture it is of.

    Args:
        reference: What pictures are compared with, uint8 RGB ``(1024, 1024, 3)``.
        face: The geometry of the clean face.
        embedder: A loaded recogniser; None for the numbers that need none.
        crop: A key of ``CROPS``.
        canvas: What the reference was made from, for the receipt; None if it is the same.
        blur: A key of ``BLURS``, for the receipt.
        locate: Finds the face in a changed picture, where the crop is ``redetect``.

    Attributes:
        metrics: For each key of ``METRICS`` what computes it for a changed picture.
        embedding: Of the reference, float32 ``(D,)``; None without a recogniser.

    Raises:
        SettingError: There is no such crop.
        PictureError: The reference is not such a picture.
        EmbeddingError: The recogniser gave values that are not finite.
    """

    def __init__(
        self,
        reference: Picture,
        face: Face,
        embedder: Embedder | None,
        crop: str,
        *,
        canvas: Picture | None = None,
        blur: str | None = None,
        locate: Callable[[Picture], Face] = locate_face,
    ) -> None:
        look_up(CROPS, crop, "crop")
        self.reference, self.face = reference, face
        self.embedder, self.crop = embedder, crop
        self._locate, self._blur = locate, blur
        self._canvas = reference if canvas is None else canvas
        self._embedded: collections.OrderedDict[str, Embedding] = collections.OrderedDict()
        self._lock = threading.Lock()
        self.embedding: Embedding | None = None
        if embedder is not None:
            shown = embedder.crop(checked_canvas(reference), face)
            self.embedding = self._embedding_of(embedder, shown)
        self.metrics = {name: row.against(reference) for name, row in METRICS.items()}

    @functools.cached_property
    def receipt(self) -> Receipt:
        """How numbers of this side come about, before anything is changed."""
        return Receipt.of(self.face, self._canvas, self.embedder, crop=self.crop, blur=self._blur)

    def readout(self, test: Picture, change: Change | None) -> Readout:
        """Returns every number for a picture, and how it came about.

        Args:
            test: uint8 RGB ``(1024, 1024, 3)``.
            change: What was done, for the receipt; None if it was no ``Change``.
        """
        values, failure, geometry = dict.fromkeys(DISTANCES, math.nan), "", None
        if self.embedder is None:
            failure = NO_RECOGNISER
        else:
            try:
                values, geometry = self._distances(self.embedder, test, self.crop)
            except NoFaceError as error:
                failure = str(error)
        values |= {name: against(test) for name, against in self.metrics.items()}
        receipt = self.receipt.after(change, redetected=geometry, failure=failure)
        # Whether it is the same person is not asked of what may be no face.
        verdict = None
        if self.embedder is not None and not failure and not self.face.doubt:
            verdict = verdict_of(values, self.embedder.name)
        return Readout(values, receipt, verdict, failure)

    def distances(self, test: Picture, *, crop: str | None = None) -> dict[str, float]:
        """Returns those of the embeddings; NaN where there is no recogniser, or no face.

        Args:
            test: uint8 RGB ``(1024, 1024, 3)``.
            crop: A key of ``CROPS``; None for this side's own.

        Raises:
            SettingError: There is no such crop.
        """
        crop = self.crop if crop is None else crop
        look_up(CROPS, crop, "crop")
        try:
            if self.embedder is not None:
                return self._distances(self.embedder, test, crop)[0]
        except NoFaceError:
            pass
        return dict.fromkeys(DISTANCES, math.nan)

    def _distances(
        self, embedder: Embedder, test: Picture, crop: str
    ) -> tuple[dict[str, float], Geometry | None]:
        again = crop == REDETECT
        face = self._locate(test) if again else self.face
        changed = self._embedding_of(embedder, embedder.crop(checked_canvas(test), face))
        values = {name: row.compute(self.embedding, changed) for name, row in DISTANCES.items()}
        return values, Geometry.of(face, embedder) if again else None

    def _embedding_of(self, embedder: Embedder, shown: Picture) -> Embedding:
        key = digest_of(shown)
        with self._lock:
            known = self._embedded.get(key)
        if known is None:
            known = check_embeddings(embedder.embed_crops(shown[None]), embedder.name)[0]
            with self._lock:
                self._embedded[key] = known
                while len(self._embedded) > EMBEDDINGS_KEPT:
                    self._embedded.popitem(last=False)
        return known
