"""Makes ONNX files with numbers that mean nothing, and the descriptions that go with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.graph_models import plain_numbers

__all__ = ["DESCRIBED", "depending_on_the_batch", "described", "small_network", "write_own"]

DESCRIBED: dict[str, Any] = {
    "label": "Made up",
    "size": 48,
    "channels": "rgb",
    "mean": 127.5,
    "scale": 0.0078125,
    "crop": "mtcnn",
    "licence": "CC0",
}


def small_network(
    shape: tuple[Any, ...] = ("n", 3, 48, 48),
    *,
    dim: int = 16,
    seed: int = 1,
    dtype: int = TensorProto.FLOAT,
    second: bool = False,
) -> onnx.ModelProto:
    """A convolution, a mean over the picture: as little as gives numbers that tell faces apart.

    Args:
        shape: Of the input; channels last where its last side is 3.
        dim: Numbers of an embedding.
        seed: Of what they are made.
        dtype: Of input and output.
        second: Whether there is another output, of the mean over the channels.
    """
    nodes, start, given = [], "pictures", dtype
    if dtype == TensorProto.DOUBLE:  # convolved in single precision, as ONNX Runtime can
        dtype = TensorProto.FLOAT
        nodes.append(helper.make_node("Cast", [start], ["single"], to=dtype))
        start = "single"
    if shape[-1] == 3:
        nodes.append(helper.make_node("Transpose", [start], ["first"], perm=(0, 3, 1, 2)))
        start = "first"
    kernel = plain_numbers(seed, (dim, 3, 8, 8), 0.2)
    kernel = kernel.astype(helper.tensor_dtype_to_np_dtype(dtype))
    nodes += [
        helper.make_node("Conv", [start, "kernel"], ["spread"], strides=(4, 4)),
        helper.make_node("Abs", ["spread"], ["bent"]),
        helper.make_node("GlobalAveragePool", ["bent"], ["numbers"]),
        helper.make_node("Flatten", ["numbers"], ["embedding"]),
    ]
    outputs = [helper.make_tensor_value_info("embedding", dtype, (shape[0], dim))]
    if second:
        nodes.append(helper.make_node("Identity", ["embedding"], ["other"]))
        outputs.append(helper.make_tensor_value_info("other", dtype, (shape[0], dim)))
    graph = helper.make_graph(
        nodes,
        "made up",
        [helper.make_tensor_value_info("pictures", given, shape)],
        outputs,
        [numpy_helper.from_array(kernel, "kernel")],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def depending_on_the_batch(kind: str) -> onnx.ModelProto:
    """A network that is wrong with more than one picture.

    Args:
        kind: ``"mean"``: one embedding for all; ``"minus the mean"`` of the batch, as in training;
            ``"of two"``: traced with two pictures.
    """
    model = small_network()
    graph = model.graph
    graph.node[-1].output[0] = "plain"
    floats = TensorProto.FLOAT
    if kind == "of two":
        graph.initializer.append(numpy_helper.from_array(np.array([2, 16]), "shape"))
        graph.node.append(helper.make_node("Reshape", ["plain", "shape"], ["embedding"]))
    else:
        whole = "embedding" if kind == "mean" else "middle"
        graph.initializer.append(numpy_helper.from_array(np.array([0]), "axis"))
        graph.node.append(helper.make_node("ReduceMean", ["plain", "axis"], [whole]))
        if kind != "mean":
            graph.node.append(helper.make_node("Sub", ["plain", "middle"], ["embedding"]))
    rows = "m" if kind == "mean" else "n"
    graph.output[0].CopyFrom(helper.make_tensor_value_info("embedding", floats, (rows, 16)))
    model.opset_import[0].version = 18  # axes as an input
    return model


def described(**changed: Any) -> str:
    """A description as TOML; a key whose value is None is left out."""
    lines, tables = [], []
    for key, value in {**DESCRIBED, **changed}.items():
        if isinstance(value, dict):
            tables.append(f"[{key}]\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in value.items()))
        elif value is not None:
            lines.append(f"{key} = {_toml(value)}\n")
    return "".join((*lines, *tables))


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def write_own(
    folder: Path, name: str = "made-up", model: onnx.ModelProto | None = None, **changed: Any
) -> Path:
    """Writes an ONNX file with its description, and returns its path."""
    path = folder / f"{name}.onnx"
    path.write_bytes((model or small_network()).SerializeToString())
    path.with_suffix(".toml").write_text(described(**changed), encoding="utf-8")
    return path
