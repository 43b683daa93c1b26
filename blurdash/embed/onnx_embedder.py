"""A recogniser of one's own: an ONNX file, run by ONNX Runtime as the TOML file beside it says."""

from __future__ import annotations

import hashlib
import importlib
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blurdash.canvas import Picture
from blurdash.embed.base import Embedder, EmbedderRow, Embeddings, LoadOptions
from blurdash.embed.onnx_description import Description, description_file, description_of
from blurdash.errors import EmbeddingError, SettingError, WeightsError
from blurdash.face import Face
from blurdash.pictures import checked_stack
from blurdash.words import one_line, quoted

__all__ = ["OnnxEmbedder", "OnnxNetwork", "OwnRecogniser", "row_of_file"]

BATCH = 32
MOST_AT_ONCE = 256
PROBES = 3
EXTERNAL = "session.model_external_initializers_file_folder_path"
NOWHERE = str(Path(__file__).parent / "no folder")
MOST_DIM = 1 << 16
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
Dtype = type[np.floating[Any]]
TYPES: dict[str, Dtype] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Input(NamedTuple):
    """How a network takes its pictures.

    Attributes:
        name: Of the input.
        dtype: Of its values.
        channels_last: Whether it is ``(N, H, W, 3)`` and not ``(N, 3, H, W)``.
        batch: How many pictures it takes at once; None where that is free.
    """

    name: str
    dtype: Dtype
    channels_last: bool
    batch: int | None


class OnnxNetwork:
    """An ONNX file that is ready to be run, checked against its description.

    Conventions:
        Each call runs on the thread that makes it, as blurdash has torch do; several may at once.

    Args:
        model: The file's content.
        file_name: Its name, for messages.
        described: How it is fed.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        WeightsError: It is no such network, or contradicts the description.
        SettingError: ONNX Runtime or the device is not there.
    """

    def __init__(
        self, model: bytes, file_name: str, described: Description, device: str = "cpu"
    ) -> None:
        self._file_name, self._described = file_name, described
        runtime = _runtime(described.name)
        self._errors = _errors_of(runtime)
        self.runtime_version = str(runtime.__version__)
        try:
            self._session = runtime.InferenceSession(
                model, _options(runtime), providers=[PROVIDERS[device]]
            )
        except self._errors as error:
            raise self._wrong(f"cannot be run ({_reason(error)})", EXPORT) from error
        self.is_there = PROVIDERS[device] in self._session.get_providers()
        self._input = self._checked_input()
        self._output = self._checked_output()
        self.dim = self._dim()

    def __call__(self, crops: Picture) -> Embeddings:
        """Returns the embeddings of crops, as the network gives them.

        Args:
            crops: uint8 RGB ``(N, size, size, 3)``, N ≥ 1.

        Returns:
            float32 ``(N, dim)``.
        """
        step = self._input.batch or BATCH
        parts = [self._forward(crops[i : i + step]) for i in range(0, len(crops), step)]
        return np.concatenate(parts)

    def _forward(self, crops: Picture) -> Embeddings:
        count = len(crops)
        if self._input.batch and count < self._input.batch:  # filled up with the last
            crops = np.concatenate([crops, np.repeat(crops[-1:], self._input.batch - count, 0)])
        shown = self._described.shown(crops)
        if not self._input.channels_last:
            shown = shown.transpose(0, 3, 1, 2)
        fed = np.ascontiguousarray(shown, self._input.dtype)
        try:
            (found,) = self._session.run([self._output], {self._input.name: fed})
        except self._errors as error:
            raise EmbeddingError(
                f"{quoted(self._file_name)} cannot be run on {len(crops)} pictures of "
                f"{self._described.size} px ({_reason(error)})",
                hint=EXPORT,
            ) from error
        if np.shape(found)[:1] != (len(crops),):
            raise self._wrong(f"gives {_shape(list(np.shape(found)))} for {len(crops)} pictures")
        with np.errstate(over="ignore"):  # what is infinite then is refused by embed
            return np.asarray(found, np.float32).reshape(len(crops), -1)[:count]

    def _checked_input(self) -> Input:
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise self._wrong(f"has {len(inputs)} inputs, wanted one, of pictures")
        (only,) = inputs
        if only.type not in TYPES:
            raise self._wrong(f"takes {only.type}, wanted float or float16")
        if len(only.shape) != 4:
            raise self._wrong(f"takes {_shape(only.shape)}, wanted pictures of three channels")
        size = self._described.size
        for last in (False, True):
            fits = zip(only.shape[1:], (size, size, 3) if last else (3, size, size), strict=True)
            if all(not isinstance(there, int) or there == wanted for there, wanted in fits):
                batch = only.shape[0] if isinstance(only.shape[0], int) else None
                if batch is not None and not 0 < batch <= MOST_AT_ONCE:
                    raise self._wrong(
                        f"takes {batch:,} pictures at once, wanted 1 to {MOST_AT_ONCE}"
                    )
                return Input(only.name, TYPES[only.type], last, batch)
        raise self._wrong(
            f"takes {_shape(only.shape)}, and its description says {size} × {size} pixels",
            f"correct size in {quoted(Path(self._file_name).with_suffix('.toml').name)}",
        )

    def _checked_output(self) -> str:
        kinds = {one.name: one.type for one in self._session.get_outputs()}
        names, wanted = list(kinds), self._described.output
        if not wanted and len(names) == 1:
            wanted = names[0]
        if wanted in kinds:
            if kinds[wanted] not in (*TYPES, "tensor(double)"):
                raise self._wrong(f"gives {kinds[wanted]}, wanted numbers", "name another output")
            return wanted
        listed = ", ".join(names)
        if wanted:
            raise self._wrong(f"has no output {quoted(wanted)}", f"its outputs: {listed}")
        raise self._wrong(
            f"has {len(names)} outputs", f"say which is the embedding, output = one of {listed}"
        )

    def _dim(self) -> int:
        """How many numbers an embedding has; a picture among others gives what it gives alone."""
        side = self._described.size
        probes = np.random.default_rng(0).integers(0, 256, (PROBES, side, side, 3), np.uint8)
        try:
            alone = np.concatenate([self._forward(one[None]) for one in probes])
            together = self(probes)
        except EmbeddingError as error:
            raise WeightsError(error.message, error.hint) from error
        if not 2 <= alone.shape[1] <= MOST_DIM:
            raise self._wrong(
                f"gives {alone.shape[1]:,} numbers a picture, wanted 2 to {MOST_DIM:,}",
                "name another output, or cut the network where its embedding is",
            )
        if not np.allclose(alone, together, 1e-3, 1e-3 * np.abs(alone).max(), equal_nan=True):
            raise self._wrong(
                "gives a picture another embedding among others than alone",
                "export it as it is used and not as it is trained (eval mode)",
            )
        return int(alone.shape[1])

    def _wrong(self, what: str, hint: str = "give a network that takes pictures") -> WeightsError:
        return WeightsError(f"{quoted(self._file_name)} {what}", hint=hint)


EXPORT = "export it anew, all of it in one file, with an opset that ONNX Runtime knows"


def _reason(error: Exception) -> str:
    return one_line(str(error).split(" : ")[-1])[:160].rstrip(". ")


def _shape(shape: list[Any]) -> str:
    sides = " × ".join(str(side) if isinstance(side, int) else "any" for side in shape)
    return sides or "a single number"


def _runtime(name: str) -> Any:
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise SettingError(
            f"the recogniser {name} needs ONNX Runtime, which is not installed",
            hint='install it with pip install "blurdash[onnx]"',
        ) from error


def _errors_of(runtime: Any) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: a dozen classes that have nothing but Exception in common."""
    state = importlib.import_module(f"{runtime.__name__}.capi.onnxruntime_pybind11_state")
    kinds = (one for one in vars(state).values() if isinstance(one, type))
    return (RuntimeError, ValueError, *(one for one in kinds if issubclass(one, Exception)))


def _options(runtime: Any) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is raised, too
    # Numbers in files beside it would be covered by no hash: they are looked for where none is.
    options.add_session_config_entry(EXTERNAL, NOWHERE)
    return options


class OnnxEmbedder(Embedder):
    """A recogniser of one's own.

    Args:
        network: The network.
        described: How it is fed, and what it is shown.
        weights_sha256: Of both files, one after the other.
        device: Where it runs.
    """

    def __init__(
        self, network: OnnxNetwork, described: Description, weights_sha256: str, device: str
    ) -> None:
        super().__init__("native", weights_sha256)
        self.__dict__ |= {
            "name": described.name,
            "dim": network.dim,
            "normalised": described.normalise,
            "uses_chip_points": described.uses_chip_points,
            "uses_mtcnn_box": described.uses_mtcnn_box,
            "device": device,
            "libraries": (("onnxruntime", network.runtime_version),),
        }
        self._network, self._described = network, described

    def crop(self, canvas: Picture, face: Face) -> Picture:
        """Returns the crop that its description names; see ``Embedder.crop``."""
        return self._described.cut(canvas, face)

    def embed_crops(self, crops: Picture) -> Embeddings:
        """Returns the embeddings of crops; see ``Embedder.embed_crops``."""
        crops = checked_stack(crops, self._described.size)
        if not len(crops):
            return np.empty((0, self.dim), np.float32)
        found = self._network(crops)
        if self.normalised:
            lengths = np.linalg.norm(found.astype(np.float64), axis=1, keepdims=True)
            with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 is refused by embed
                found = (found / lengths).astype(np.float32)
        return found


class OwnRecogniser:
    """An ONNX file with its description, both read once; loaded once for each device.

    Args:
        path: The ONNX file; its description lies beside it.

    Raises:
        WeightsError: One of both is missing or broken, or they contradict each other.
        SettingError: ONNX Runtime is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        description = description_file(path)
        self.described = description_of(path, description)
        try:
            model = path.read_bytes()
        except OSError as error:
            raise WeightsError(
                f"{quoted(path.name)} cannot be read ({error.strerror})",
                hint="give onnx: and the path of an ONNX file",
            ) from error
        digest = hashlib.sha256(model)
        digest.update(description)
        self.sha256 = digest.hexdigest()
        self._networks = {"cpu": OnnxNetwork(model, path.name, self.described)}
        self._model = model if len(_devices()) > 1 else b""
        self._lock = threading.Lock()

    def load(self, options: LoadOptions) -> OnnxEmbedder:
        """Returns it on a device; see ``blurdash.embed.load_embedder``."""
        built_for = _devices()
        for device in reversed(built_for) if options.device == "auto" else [options.device]:
            # A library that was built for what the machine has not runs on the processor instead.
            if device in built_for and self._network(device).is_there:
                return OnnxEmbedder(self._network(device), self.described, self.sha256, device)
        raise SettingError(
            f"the device {quoted(options.device)} cannot be used by ONNX Runtime here",
            hint="use auto, " + " or ".join(one for one in built_for if one != options.device),
        )

    def _network(self, device: str) -> OnnxNetwork:
        with self._lock:
            if device not in self._networks:
                network = OnnxNetwork(self._model, self.path.name, self.described, device)
                self._networks[device] = network
            return self._networks[device]

    @property
    def row(self) -> EmbedderRow:
        """Its row of ``EMBEDDERS``."""
        described = self.described
        return EmbedderRow(
            name=described.name,
            label=described.label,
            dim=self._networks["cpu"].dim,
            normalised=described.normalise,
            protocols=("native",),
            threshold=described.threshold,
            download_mb=0,
            licence=described.licence,
            origin=described.origin,
            load=self.load,
            several_threads=True,
            # As HSE FaceRes', the only other one whose embeddings are of that length.
            stirred={} if described.normalise else {"l1": 80, "l2": 40} | COSINES,
            file=str(self.path),
            weights_sha256=self.sha256,
        )


COSINES = {"cosine_similarity": 5, "cosine_distance": 5}


def _devices() -> list[str]:
    there = importlib.import_module("onnxruntime").get_available_providers()
    return [name for name, provider in PROVIDERS.items() if provider in there]


def row_of_file(path: Path) -> EmbedderRow:
    """Returns the row of the recogniser in an ONNX file.

    Args:
        path: The file.

    Raises:
        WeightsError: As ``OwnRecogniser``.
        SettingError: As ``OwnRecogniser``.
    """
    return OwnRecogniser(path).row
