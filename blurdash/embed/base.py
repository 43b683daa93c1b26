"""What every recogniser offers: crops of canvases in, embeddings out."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from blurdash import defaults
from blurdash.canvas import Picture, checked_canvas
from blurdash.errors import EmbeddingError, PictureError, SettingError
from blurdash.face import Face
from blurdash.weights import WeightsFile
from blurdash.words import quoted

if TYPE_CHECKING:
    from blurdash.embed.crops import CropPlan
    from blurdash.embed.program import Program

__all__ = ["PROTOCOLS", "Embedder", "EmbedderRow", "LoadOptions", "OneAtATime", "Threshold"]

Embeddings = npt.NDArray[np.float32]

PROTOCOLS = {
    "native": "the face crop that the recogniser was published with",
    "study": "the whole canvas, BGR, values 0 to 255, as the study fed it",
}


@dataclass(frozen=True)
class Threshold:
    """A published decision threshold.

    Attributes:
        measure: Name of a row of ``DISTANCES``.
        value: Where "same person" ends.
        source: Who published it.
        elsewhere: What share of strangers it takes for one person on photos, as a clause; empty
            where that was not measured.
    """

    measure: str
    value: float
    source: str
    elsewhere: str = ""


@dataclass(frozen=True)
class LoadOptions:
    """How a recogniser is to be loaded.

    Attributes:
        protocol: A key of ``PROTOCOLS``.
        weights: File or directory with the weights, or None for the usual places.
        device: A torch device name; ``auto`` takes a GPU where there is one.
        progress: Called with (bytes done, bytes in all or None) while weights are downloaded.
        retry: Whether to try again a download that failed earlier in this process.
    """

    protocol: str = defaults.PROTOCOL
    weights: str | None = None
    device: str = "auto"
    progress: Callable[[int, int | None], None] | None = field(default=None, compare=False)
    retry: bool = False

    def torch_device(self) -> str:
        """The name of the torch device to use.

        Raises:
            SettingError: torch cannot use that device here.
        """
        import torch

        if self.device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.zeros(1, device=self.device).cpu()
        except (RuntimeError, AssertionError) as error:  # unknown, absent, or torch built without
            raise SettingError(
                f"the device {quoted(self.device)} cannot be used here",
                hint="use auto, cpu or cuda",
            ) from error
        return self.device


@dataclass(frozen=True)
class EmbedderRow:
    """A row of the ``EMBEDDERS`` table.

    Attributes:
        name: Key in the table and on the command line.
        label: What a person reads.
        dim: Numbers in an embedding.
        normalised: Whether embeddings have unit length.
        protocols: Keys of ``PROTOCOLS`` that it can follow.
        threshold: Its published threshold, or None.
        download_mb: Megabytes fetched at first use; 0 if the weights are installed.
        licence: Licence of the weights.
        origin: Where the weights come from.
        files: The files that are looked for, and fetched if need be; none where they are installed.
        load: Makes the ``Embedder``.
        several_threads: Whether it may be called from several threads at once. Where it may not,
            or where nobody has said so, one call waits for the other's end.
        stirred: How many times as far as the measure's row says its distances are moved by what
            should not matter (sums in another order, single grey levels); where it is not once.
        file: Path of the ONNX file that it is read from; None where blurdash brings it.
        weights_sha256: Of its weights, where that is known before it is loaded.
    """

    name: str
    label: str
    dim: int
    normalised: bool
    protocols: tuple[str, ...]
    threshold: Threshold | None
    download_mb: int
    licence: str
    origin: str
    load: Callable[[LoadOptions], Embedder]
    files: tuple[WeightsFile, ...] = ()
    several_threads: bool = False
    stirred: Mapping[str, float] = field(default_factory=dict)
    file: str | None = None
    weights_sha256: str | None = None


class Embedder(ABC):
    """A loaded recogniser that follows one protocol.

    Conventions:
        ``load_embedder`` gives one that several threads may call at once, each with the result
        that it would get alone: a row that does not say so of its own is called one at a time.

    Attributes:
        name: Key of its row in ``EMBEDDERS``.
        dim: Numbers in an embedding.
        normalised: Whether embeddings have unit length.
        uses_chip_points: Whether its crop is cut by dlib's landmarks, ``Face.chip_points``.
        uses_mtcnn_box: Whether its crop is cut by facenet-pytorch's own box, ``Face.mtcnn_box``.
        protocol: The protocol it follows.
        weights_sha256: Hex digest of the weights file.
        note: Why this one was chosen in place of another, and how to get that; may be empty.
        remark: What these very weights are called where they are not the published ones.
        device: The torch device that the network runs on.
        libraries: Name and version of each library that it needs and others do not.
    """

    name: ClassVar[str]
    dim: ClassVar[int]
    normalised: ClassVar[bool]
    uses_chip_points: ClassVar[bool] = False
    uses_mtcnn_box: bool = False
    libraries: tuple[tuple[str, str], ...] = ()

    def __init__(self, protocol: str, weights_sha256: str) -> None:
        self.protocol = protocol
        self.weights_sha256 = weights_sha256
        self.note = ""
        self.remark = ""
        self.device = "cpu"

    @property
    def said(self) -> str:
        """All that a user must know of it; may be empty."""
        return "; ".join(text for text in (self.remark, self.note) if text)

    @abstractmethod
    def crop(self, canvas: Picture, face: Face) -> Picture:
        """Returns what the network is shown of a canvas.

        Args:
            canvas: uint8 RGB ``(1024, 1024, 3)``, clean or changed.
            face: The geometry to cut with.

        Returns:
            uint8 RGB; the same shape for every canvas.
        """

    @abstractmethod
    def embed_crops(self, crops: Picture) -> Embeddings:
        """Returns the embeddings of crops.

        Args:
            crops: uint8 RGB ``(N, h, w, 3)``, as ``crop`` makes them.

        Returns:
            float32 ``(N, dim)``.
        """

    def crop_plan(self, face: Face) -> CropPlan | None:  # noqa: ARG002 - for those that can
        """Returns what ``crop`` does with a face, as numbers that a browser follows.

        Args:
            face: The geometry to cut with.

        Returns:
            None where only ``crop`` can do it.
        """
        return None

    def program(self) -> Program | None:
        """Returns the network as a program that a browser runs.

        Returns:
            None where it is not known how to write it down: then the server embeds.
        """
        return None

    def embed(
        self, canvases: Picture | Sequence[Picture], faces: Face | Sequence[Face]
    ) -> Embeddings:
        """Returns the embeddings of canvases.

        Args:
            canvases: uint8 RGB ``(N, 1024, 1024, 3)``, a sequence of such pictures, or one.
            faces: The geometry to cut each with: one for all, or as many as canvases.

        Returns:
            float32 ``(N, dim)``.

        Raises:
            PictureError: A canvas is not such a picture, or there are not as many faces.
            EmbeddingError: The network gave values that are not finite.
        """
        pictures = _as_canvases(canvases)
        geometry = [faces] * len(pictures) if isinstance(faces, Face) else list(faces)
        if len(geometry) != len(pictures):
            raise PictureError(
                f"{len(pictures)} canvases came with {len(geometry)} faces",
                hint="give one face for all canvases, or one for each",
            )
        if not pictures:
            return np.empty((0, self.dim), np.float32)
        crops = np.stack(
            [self.crop(one, face) for one, face in zip(pictures, geometry, strict=True)]
        )
        return check_embeddings(self.embed_crops(crops), self.name)


class OneAtATime(Embedder):
    """A recogniser that cannot be called from several threads at once: calls wait for each other.

    Args:
        embedder: The recogniser itself.
    """

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder.protocol, embedder.weights_sha256)
        self.__dict__ |= {
            "name": embedder.name,
            "dim": embedder.dim,
            "normalised": embedder.normalised,
            "uses_chip_points": embedder.uses_chip_points,
            "uses_mtcnn_box": embedder.uses_mtcnn_box,
            "note": embedder.note,
            "remark": embedder.remark,
            "device": embedder.device,
            "libraries": embedder.libraries,
        }
        self._embedder = embedder
        self._lock = threading.Lock()

    def crop(self, canvas: Picture, face: Face) -> Picture:
        """Returns what the network is shown of a canvas; see ``Embedder.crop``."""
        with self._lock:
            return self._embedder.crop(canvas, face)

    def embed_crops(self, crops: Picture) -> Embeddings:
        """Returns the embeddings of crops; see ``Embedder.embed_crops``."""
        with self._lock:
            return self._embedder.embed_crops(crops)

    def crop_plan(self, face: Face) -> CropPlan | None:
        """Returns how its crop is cut; see ``Embedder.crop_plan``."""
        return self._embedder.crop_plan(face)

    def program(self) -> Program | None:
        """Returns the network for a browser; see ``Embedder.program``."""
        with self._lock:
            return self._embedder.program()


def check_embeddings(embeddings: Embeddings, name: str) -> Embeddings:
    """Returns ``embeddings`` if all are finite.

    Args:
        embeddings: float32 ``(N, D)``.
        name: The recogniser, for the message.

    Raises:
        EmbeddingError: A value is NaN or infinite.
    """
    if not np.isfinite(embeddings).all():
        raise EmbeddingError(
            f"{name} gave an embedding that is not finite",
            hint="its weights may be damaged: supply them again with --weights",
        )
    return embeddings


def _as_canvases(canvases: Any) -> list[Picture]:
    single = isinstance(canvases, np.ndarray) and canvases.ndim == 3
    return [checked_canvas(picture) for picture in ([canvases] if single else canvases)]
