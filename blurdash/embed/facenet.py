"""FaceNet: facenet-pytorch's InceptionResnetV1 and its two files of weights.

Conventions:
    Only the network and what it does to grey levels is here; where a face is cropped is not.
    Two protocols, never mixed: ``embed_chips`` (native, as the network was published) and
    ``embed_study`` (whole canvas, BGR, raw 0 to 255, as the study does).

References:
    Schroff, Kalenichenko, Philbin: FaceNet, CVPR 2015. Szegedy et al.: Inception-v4, AAAI 2017.
    Network and weights: facenet-pytorch (timesler), converted from facenet (davidsandberg).
"""

from __future__ import annotations

import copy
import functools
import math
import pickle
import struct
import threading
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from blurdash.embed.exported import program_of
from blurdash.embed.facenet_folded import folded
from blurdash.embed.facenet_weights import CASIA_WEBFACE, VGGFACE2
from blurdash.embed.program import Program, Shown
from blurdash.errors import WeightsError
from blurdash.facenet_library import facenet_library
from blurdash.pictures import checked_stack
from blurdash.weights import Progress, WeightsFile, fetch, sha256

__all__ = [
    "CASIA_WEBFACE",
    "VGGFACE2",
    "FaceNetNetwork",
    "check_structure",
    "load_network",
    "random_network",
]

_CLASSES = {VGGFACE2.name: 8631, CASIA_WEBFACE.name: 10575}

CHIP = 160
"""Side of a native face crop in pixels."""

DIM = 512
"""Length of an embedding."""

_SMALLEST = 75  # below that the strides leave no pixel for the last layers
_PIXELS_AT_ONCE = 32 * CHIP * CHIP  # bounds the memory: 32 chips, or one canvas

_State = dict[str, torch.Tensor]


class FaceNetNetwork:
    """facenet-pytorch's own InceptionResnetV1 in eval mode: pictures in, unit embeddings out.

    Conventions:
        Batch norm is folded into the convolutions, what follows one is done with it, and pictures
        lie channels-last: the embedding stays within 1e-5 of the plain network's. Safe to use from
        several threads.

    Args:
        network: An ``InceptionResnetV1``; it is copied and left as it is.
        device: Where it runs: ``"cpu"``, ``"cuda"``, ...

    Known limits:
        On CUDA, torch's own default of TF32 convolutions costs about three digits.
    """

    def __init__(self, network: nn.Module, *, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        quick = folded(copy.deepcopy(network).eval())
        self._network = quick.to(self.device).to(memory_format=torch.channels_last)

    def embed_chips(self, chips: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Returns embeddings of native face crops: protocol ``native``.

        Conventions:
            The network sees RGB scaled by (x − 127.5) / 128, as in its training.

        Args:
            chips: uint8 RGB, shape (N, 160, 160, 3), N ≥ 0.

        Returns:
            float32, shape (N, 512), of length 1.

        Raises:
            PictureError: Another shape or type.
        """
        checked_stack(chips, CHIP)
        return self._embed(chips, lambda batch: (batch - np.float32(127.5)) / np.float32(128))

    def embed_study(self, canvases: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Returns embeddings of whole pictures as the study makes them: protocol ``study``.

        Conventions:
            The network sees BGR in raw grey levels 0 to 255, which it was not trained on.

        Args:
            canvases: uint8 RGB, shape (N, H, W, 3), N ≥ 0, H and W ≥ 75; the study's are 1024.

        Returns:
            float32, shape (N, 512), of length 1.

        Raises:
            PictureError: Another shape or type.

        Known limits:
            Memory grows with H · W; a canvas of 1024×1024 takes about 0.3 GB.
        """
        checked_stack(canvases, smallest=_SMALLEST)
        return self._embed(canvases, lambda batch: batch[..., ::-1])

    def program(self) -> Program:
        """Returns the network for a browser that shows it native face crops."""
        return program_of(self._network, Shown(CHIP, minus=(127.5,) * 3, divided_by=128.0))

    def _embed(
        self,
        pictures: npt.NDArray[np.uint8],
        prepare: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
    ) -> npt.NDArray[np.float32]:
        count, height, width, _ = pictures.shape
        size = max(1, _PIXELS_AT_ONCE // (height * width))
        embeddings = np.empty((count, DIM), np.float32)
        for start in range(0, count, size):
            batch = prepare(pictures[start : start + size].astype(np.float32))
            embeddings[start : start + size] = self._forward(np.ascontiguousarray(batch))
        return embeddings

    def _forward(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            # (N, H, W, 3) in memory is channels-last already: the permutation copies nothing.
            pictures = torch.from_numpy(batch).permute(0, 3, 1, 2).to(self.device)
            embeddings: npt.NDArray[np.float32] = self._network(pictures).cpu().numpy()
        return embeddings


def load_network(
    row: WeightsFile,
    *,
    weights: str | Path | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
    retry: bool = False,
) -> tuple[FaceNetNetwork, str]:
    """Returns the trained network and the SHA-256 of its weights.

    Args:
        row: ``VGGFACE2`` or ``CASIA_WEBFACE``.
        weights: File or directory with the weights; by default the sources of `blurdash.weights`.
        device: Where the network runs.
        progress: Called during a download, as in `blurdash.weights.fetch`.
        retry: Try a download that failed before in this process again.

    Returns:
        The network, and 64 hexadecimal digits that name the weights in a receipt.

    Raises:
        WeightsError: The weights are missing, damaged or of another network.
    """
    path = fetch(
        row,
        path=weights,
        progress=progress,
        check=functools.partial(check_structure, row=row),
        retry=retry,
    )
    return FaceNetNetwork(_network_of(_read_state(path, row)), device=device), sha256(path)


def random_network(seed: int = 0, device: str | torch.device = "cpu") -> FaceNetNetwork:
    """Returns a network with random weights, for timing and tests only.

    It knows nothing about faces: never show it, or a number from it, as a recogniser's.

    Args:
        seed: The same seed gives the same weights; torch's global random state is not touched.
        device: Where the network runs.

    Returns:
        The network.
    """
    return FaceNetNetwork(_network_of(_random_state(seed)), device=device)


def check_structure(path: str | Path, row: WeightsFile | None = None) -> None:
    """Raises unless a file holds weights of InceptionResnetV1; returns nothing.

    Conventions:
        Read by ``torch.load(weights_only=True)``: code in the file is refused, never run. Wanted
        are exactly the names and shapes of the network, with finite values. The classes it was
        trained on (``logits``) and the batch counters, which no embedding uses, may be missing.

    Args:
        path: The file.
        row: The file it should be: fixes the number of classes. None: either of the two.

    Raises:
        WeightsError: What differs first.
    """
    _read_state(Path(path), row)


# --- reading a file ------------------------------------------------------------------------------


def _read_state(path: Path, row: WeightsFile | None) -> _State:
    """Returns the checked weights, without logits."""
    try:
        # On odd files torch warns before it refuses: one error is enough. The filters belong to the
        # whole process, hence the lock: two threads would restore each other's.
        with _loading, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read: {error.strerror or type(error).__name__}",
            hint="check the file, or give another with --weights",
        ) from error
    except _UNREADABLE as error:
        # torch's own message advises to switch the safe reading off: it is not passed on.
        raise _damaged(path, "it is not a file of weights that torch reads safely") from error
    if not isinstance(state, dict):
        raise _damaged(path, f"it holds a {type(state).__name__}, wanted names with tensors")
    _check_names(path, state)
    for name, wanted in _wanted().items():
        if name in state:
            shape, floating = tuple(wanted.shape), wanted.is_floating_point()
            _check_tensor(path, name, state[name], shape, floating=floating)
    _check_logits(path, state, row)
    return {name: state[name] for name in _wanted() if name in state}


# All that torch.load has been seen to raise on damaged bytes, and what its unpickler can.
_UNREADABLE = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
_loading = threading.Lock()


def _check_names(path: Path, state: dict[object, object]) -> None:
    wanted = _wanted()
    missing = [name for name in wanted if name not in state and not _is_counter(name)]
    if missing:
        raise _damaged(path, f"{_some(missing)} missing")
    extra = [name for name in state if name not in wanted and name not in _LOGITS]
    if extra:
        raise _damaged(path, f"{_some(extra)} unknown to InceptionResnetV1")


def _check_logits(path: Path, state: _State, row: WeightsFile | None) -> None:
    if not any(name in state for name in _LOGITS):
        return
    known = sorted(_CLASSES.values())
    if row is not None and row.name in _CLASSES:
        known = [_CLASSES[row.name]]
    shapes = [_shape(state.get(name)) for name in _LOGITS]
    if shapes not in [[(classes, DIM), (classes,)] for classes in known]:
        wanted = " or ".join(str(classes) for classes in known)
        raise _damaged(path, f"logits have the shapes {shapes}, wanted {wanted} classes")
    for name in _LOGITS:
        _check_tensor(path, name, state[name], tuple(state[name].shape), floating=True)


def _check_tensor(
    path: Path, name: str, tensor: torch.Tensor, shape: tuple[int, ...], *, floating: bool
) -> None:
    if _shape(tensor) != shape:
        raise _damaged(path, f"{name} has shape {_shape(tensor)}, wanted {shape}")
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
    kind = "float32" if floating else "int64"
    if not plain or tensor.is_complex() or tensor.is_floating_point() is not floating:
        raise _damaged(path, f"{name} is a {tensor.dtype} tensor, wanted a dense {kind}")
    if floating and not bool(torch.isfinite(tensor).all()):
        raise _damaged(path, f"{name} has values that are not finite")


def _shape(value: object) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, torch.Tensor) else None


_LOGITS = ("logits.weight", "logits.bias")


def _is_counter(name: str) -> bool:
    return name.endswith(".num_batches_tracked")


def _some(names: Iterable[object]) -> str:
    listed = [str(name)[:60] for name in names]
    more = f" and {len(listed) - 1} more are" if len(listed) > 1 else " is"
    return f"{listed[0]}{more}"


def _damaged(path: Path, what: str) -> WeightsError:
    return WeightsError(
        f"{path} does not hold the weights of FaceNet: {' '.join(what.split())}",
        hint="move it away, and it is downloaded anew, or give another file with --weights",
    )


# --- building the network ------------------------------------------------------------------------


def _blank_network() -> nn.Module:
    """Returns the network's structure on the meta device: no memory, no random numbers drawn."""
    structure = facenet_library().InceptionResnetV1
    with torch.device("meta"):
        network: nn.Module = structure(pretrained=None, classify=False)
    return network.eval()


@functools.cache
def _wanted() -> _State:
    return dict(_blank_network().state_dict())


def _network_of(state: _State) -> nn.Module:
    """Returns the plain network with the given weights; missing counters are set to zero."""
    network = _blank_network()
    full = {
        name: state[name].to(wanted.dtype)
        if name in state
        else torch.zeros(wanted.shape, dtype=wanted.dtype)
        for name, wanted in _wanted().items()
    }
    network.load_state_dict(full, assign=True)
    return network


def _random_state(seed: int) -> _State:
    """Returns weights that keep the signal's size from layer to layer, as trained ones do."""
    source = torch.Generator().manual_seed(seed)
    return {name: _random_tensor(name, wanted, source) for name, wanted in _wanted().items()}


def _random_tensor(name: str, wanted: torch.Tensor, source: torch.Generator) -> torch.Tensor:
    if _is_counter(name):
        return torch.zeros(wanted.shape, dtype=wanted.dtype)
    if wanted.ndim > 1:
        fan_in = wanted[0].numel()
        return torch.randn(wanted.shape, generator=source) * math.sqrt(2 / fan_in)
    if name.endswith("running_var") or ("bn." in name and name.endswith("weight")):
        return torch.rand(wanted.shape, generator=source) + 0.5
    return torch.randn(wanted.shape, generator=source) * 0.1
