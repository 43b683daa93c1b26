"""Makes TensorFlow.js graph models: HSE FaceRes' structure with numbers that mean nothing."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FACERES_BLOCKS", "GraphModel", "faceres_like"]

# Stride and channels of each depthwise separable block of MobileNet.
FACERES_BLOCKS = (
    (1, 64),
    *((2, 128), (1, 128), (2, 256), (1, 256), (2, 512)),
    *((1, 512),) * 5,
    *((2, 1024), (1, 1024)),
)


def plain_numbers(seed: int, shape: tuple[int, ...], spread: float) -> npt.NDArray[np.float64]:
    """Numbers in ±spread that depend on no library's random generator."""
    count = int(np.prod(shape))
    state = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 7919 + 1)) * np.uint64(2654435761)
    return ((state % np.uint64(65521)) / 65521 * 2 - 1).reshape(shape) * spread


class GraphModel:
    """A model under construction: a chain of nodes, and the tensors they work with."""

    def __init__(self, side: int) -> None:
        sizes = [{"size": str(size)} for size in (-1, side, side, 3)]
        shape = {"shape": {"shape": {"dim": sizes}}}
        self.nodes: list[dict[str, Any]] = [{"name": "input", "op": "Placeholder", "attr": shape}]
        self.weights: list[dict[str, Any]] = []
        self.blob = b""
        self.last = "input"

    def tensor(self, name: str, values: Any, stored: str = "float16") -> str:
        array = np.asarray(values, {"float16": "<f2", "float32": "<f4", "int32": "<i4"}[stored])
        kind = "int32" if stored == "int32" else "float32"
        spec: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": kind}
        if stored == "float16":
            spec["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
        self.weights.append(spec)
        self.nodes.append({"name": name, "op": "Const", "attr": {"dtype": {"type": DTYPES[kind]}}})
        self.blob += array.tobytes()
        return name

    def node(self, op: str, *tensors: str, name: str | None = None, **attr: Any) -> None:
        name = name or f"{op}_{len(self.nodes)}"
        self.nodes.append({"name": name, "op": op, "input": [self.last, *tensors], "attr": attr})
        self.last = name

    def convolution(self, kernel: Any, stride: int = 1, *, depthwise: bool = False) -> None:
        tensor = self.tensor(f"kernel_{len(self.nodes)}", kernel)
        text = {key: {"s": base64.b64encode(value).decode()} for key, value in PLAIN.items()}
        numbers = {
            "strides": {"list": {"i": ["1", str(stride), str(stride), "1"]}},
            "dilations": {"list": {"i": ["1"] * 4}},
        }
        self.node("DepthwiseConv2dNative" if depthwise else "Conv2D", tensor, **numbers, **text)

    def per_channel(self, op: str, values: Any) -> None:
        self.node(op, self.tensor(f"{op}_of_{len(self.nodes)}", values))

    def relu6(self) -> None:
        self.node("Relu")
        for op, bound in (("Minimum", 6), ("Maximum", 0)):
            self.per_channel(op, bound)

    def mean(self, name: str = "global_pooling/Mean") -> None:
        self.node("Mean", self.tensor("axes", [1, 2], "int32"), name=name)

    def write(self, folder: Path, name: str = "faceres") -> Path:
        manifest = [{"paths": [f"{name}.bin"], "weights": self.weights}]
        whole = {
            "format": "graph-model",
            "modelTopology": {"node": self.nodes, "versions": {}},
            "weightsManifest": manifest,
        }
        (folder / f"{name}.json").write_text(json.dumps(whole))
        (folder / f"{name}.bin").write_bytes(self.blob)
        return folder / f"{name}.json"


DTYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32"}
PLAIN = {"padding": b"SAME", "data_format": b"NHWC"}


def faceres_like(
    blocks: tuple[tuple[int, int], ...] = FACERES_BLOCKS, side: int = 224
) -> GraphModel:
    """FaceRes' chain: a convolution, separable blocks, the mean, and a head that is not read."""
    model, before = GraphModel(side), 32
    model.convolution(plain_numbers(1, (3, 3, 3, before), 0.03), 2)
    model.per_channel("Add", plain_numbers(2, (before,), 0.5))
    model.relu6()
    for number, (stride, channels) in enumerate(blocks, 3):
        model.convolution(plain_numbers(number, (3, 3, before, 1), 1.0), stride, depthwise=True)
        model.per_channel("Mul", plain_numbers(number + 20, (before,), 1.0))
        model.per_channel("Add", plain_numbers(number + 40, (before,), 1.0))
        model.relu6()
        spread = 9 / np.sqrt(before)
        model.convolution(plain_numbers(number + 60, (1, 1, before, channels), spread))
        model.per_channel("Add", plain_numbers(number + 80, (channels,), 1.0))
        model.relu6()
        before = channels
    model.mean()
    model.node("_FusedMatMul", model.tensor("head", plain_numbers(9, (before, 4), 1.0)))
    return model
