"""Files of weights that want to do harm: damaged ones, and named attacks."""

from __future__ import annotations

import contextlib
import functools
import io
import pickle
import random
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1

from benchmarks.hostile.mutate import MUTATIONS, mutated
from benchmarks.hostile.payload import payload
from blurdash.face import model_file

__all__ = ["ATTACKS", "Attack", "Weights", "seeds", "weights"]

DLIB_FILE = "dlib_face_recognition_resnet_model_v1.dat"


class Weights(NamedTuple):
    """One input: the recogniser that is to read it, what was done to it, and the file."""

    kind: str
    how: str
    data: bytes


class Attack(NamedTuple):
    """A file made for one purpose, and what comes of it: ``read`` or ``refused``."""

    outcome: str
    make: Callable[[], bytes]


def weights(seed: int, index: int) -> Weights:
    """Returns the input of this number; the same every time."""
    rng = random.Random(f"weights {seed} {index}")
    how = rng.choice((*MUTATIONS, "none"))
    if rng.random() < 0.1:
        return Weights("dlib", how, _dlib(rng, how))
    label = rng.choice(list(seeds()))
    data = seeds()[label]
    if how != "none":
        data = mutated(rng, how, data, "", list(seeds().values()))
    return Weights(f"FaceNet {label}", how, data)


@functools.cache
def seeds() -> dict[str, bytes]:
    """Returns a small valid file in each of torch's formats; its numbers are all the same one."""
    with torch.device("meta"):
        network = InceptionResnetV1(pretrained=None, classify=False)
    state = {
        name: torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
        for name, tensor in network.state_dict().items()
    }
    return {"archive": _saved(state), "old format": _saved(state, zipped=False)}


def _saved(content: object, *, zipped: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def _dlib(rng: random.Random, how: str) -> bytes:
    """dlib's own file, which has 22 MB, with damage near its layers' heads."""
    data = _dlib_file()
    if how == "none":
        return data
    heads = range(0, len(data), len(data) // 200)
    at = rng.choice((0, data.index(b"con_4"), data.rindex(b"fc_2"), *heads))
    piece = mutated(rng, how, data[at : at + 4000], "", [data[:4000]])[:1_000_000]
    return data[:at] + piece + data[at + 4000 :]


@functools.cache
def _dlib_file() -> bytes:
    return Path(model_file(DLIB_FILE)).read_bytes()


# --- attacks --------------------------------------------------------------------------------------


def _repacked(
    changes: dict[str, bytes | int], packing: int = zipfile.ZIP_STORED, times: int = 1
) -> bytes:
    """The valid archive with other records; a number stands for that many MB of nonsense."""
    whole, out = zipfile.ZipFile(io.BytesIO(seeds()["archive"])), io.BytesIO()
    with zipfile.ZipFile(out, "w", packing, compresslevel=1) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        for record in whole.infolist():
            content = changes.get(record.filename.split("/", 1)[1], whole.read(record))
            for _ in range(times):
                if isinstance(content, bytes):
                    archive.writestr(record.filename, content)
                    continue
                with archive.open(record.filename, "w", force_zip64=True) as file:
                    for _ in range(content):
                        file.write(b"]" * (1 << 20))
    return out.getvalue()


class _Stored:
    def __init__(self, numbers: int) -> None:
        self.numbers = numbers


class _Tensor:
    """A tensor of a shape and a storage that need not fit."""

    def __init__(self, numbers: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.parts = (_Stored(numbers), 0, shape, stride, False, {})

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, self.parts


def _claiming(numbers: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """An archive whose one tensor claims this storage and shape."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: object) -> Any:
            if isinstance(value, _Stored):
                return ("storage", torch.FloatStorage, "0", "cpu", value.numbers)
            return None

    file = io.BytesIO()
    Pickler(file, 2).dump({"last_bn.bias": _Tensor(numbers, shape, stride)})
    return _repacked({"data.pkl": file.getvalue()})


def _old(operations: bytes) -> bytes:
    """Torch's older format, with these operations where the weights should be."""
    head = [torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {}]
    return b"".join(pickle.dumps(part, 2) for part in head) + b"\x80\x02" + operations


def _tar() -> bytes:
    """Torch's oldest format."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            entry = tarfile.TarInfo(name)
            entry.size = len(payload())
            archive.addfile(entry, io.BytesIO(payload()))
    return file.getvalue()


def _script() -> bytes:
    """A program of TorchScript, which torch would run."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.ReLU()).save(f"{folder}/script.pt")
        return Path(f"{folder}/script.pt").read_bytes()


def _array() -> bytes:
    """A NumPy file of objects."""
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    head = file.getvalue()[:128]
    return head + payload()


def _sparse() -> bytes:
    with contextlib.suppress(AttributeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place, value = torch.tensor([[0]]), torch.tensor([1.0])
        return _saved({"a": torch.sparse_coo_tensor(place, value, (10**12,))})
    return b""


ATTACKS: dict[str, Attack] = {
    "0 bytes": Attack("refused", bytes),
    "a pickle": Attack("refused", payload),
    "a pickle of protocol 4": Attack("refused", lambda: payload(4)),
    "a pickle in an archive": Attack("refused", lambda: _repacked({"data.pkl": payload()})),
    "a pickle in the old format": Attack("refused", lambda: _old(payload()[2:])),
    "pickles in a tar": Attack("refused", _tar),
    "a pickle in a NumPy file": Attack("refused", _array),
    "a program": Attack("refused", _script),
    "archive, 300 MB of numbers in little": Attack(
        "refused", lambda: _repacked({"data/0": 300}, zipfile.ZIP_DEFLATED)
    ),
    "archive, version of 300 MB": Attack(
        "refused", lambda: _repacked({"version": 300}, zipfile.ZIP_DEFLATED)
    ),
    "archive, 300 million operations": Attack(
        "refused", lambda: _repacked({"data.pkl": 300}, zipfile.ZIP_DEFLATED)
    ),
    "archive, 50 million operations": Attack("refused", lambda: _repacked({"data.pkl": 50})),
    "archive of 60000 records": Attack("refused", lambda: _repacked({}, times=50)),
    "archive, compressed": Attack("refused", lambda: _repacked({}, zipfile.ZIP_DEFLATED)),
    "100 million operations": Attack("refused", lambda: b"\x80\x02" + b"]" * 100_000_000),
    "old format, 100 million operations": Attack("refused", lambda: _old(b"]" * 100_000_000)),
    "old format, tuple of 50 million": Attack(
        "refused", lambda: _old(b"(" + b"K\1" * 50_000_000 + b"t.")
    ),
    "old format, a million levels": Attack(
        "refused", lambda: _old(b"K\1" + b"\x85" * 1_000_000 + b".")
    ),
    "old format, a text of 1 EB": Attack("refused", lambda: _old(b"\x8e" + b"\0" * 7 + b"\x10")),
    "storage of 4 TB": Attack("refused", lambda: _claiming(10**12, (512,), (1,))),
    "storage of −5": Attack("refused", lambda: _claiming(-5, (1,), (1,))),
    "tensor of 4 TB from one number": Attack("refused", lambda: _claiming(1, (10**12,), (0,))),
    "tensor beyond its storage": Attack("refused", lambda: _claiming(1, (512,), (1,))),
    "sparse tensor of 4 TB": Attack("refused", _sparse),
    "HTML": Attack("refused", lambda: b"<!doctype html><title>Sign in</title>" * 50),
}
"""Label of each attack and what comes of it."""
