"""Recognisers as programs for the browser: crops and networks by the page's core, against torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from blurdash.blur import Change
from blurdash.embed.crops import (
    chip_plan,
    dlib_chip,
    native_crop,
    native_plan,
    widened_crop,
    widened_plan,
)
from blurdash.embed.exported import program_of
from blurdash.embed.facenet import random_network
from blurdash.embed.program import Layer, Program, Shown, as_bytes
from blurdash.errors import SettingError
from blurdash.face import Face
from tests.core import Core, Network

Picture = npt.NDArray[np.uint8]
Weights = npt.NDArray[np.float32]


# ---- crops ----


@pytest.fixture(scope="module")
def pictures(portrait_face: Face) -> tuple[Core, list[tuple[Change, Picture]]]:
    core = Core(portrait_face.canvas)
    changes = [Change(0), Change(30, 20, "line"), Change(80, 45, "line", 7, -3)]
    return core, [(change, core.change(change)) for change in changes]


POINTS = [
    [(662, 452), (582, 462), (358, 452), (440, 462), (510, 640)],
    [(700, 300), (560, 340), (280, 500), (390, 520), (560, 600)],  # turned
    [(360, 200), (340, 205), (280, 200), (300, 205), (320, 250)],  # small: cut without halving
    [(1020, 400), (900, 410), (600, 380), (700, 390), (810, 620)],  # beyond the edge
]
BOXES = [
    (250.3, 180.9, 771.2, 902.0),
    (-40.0, 10.5, 500.0, 1030.0),
    (10.0, 60.0, 1000.0, 700.0),  # wide
    (100.0, 100.0, 420.0, 420.0),  # as large as two crops of 160
    (10.0, 10.0, 120.0, 90.0),  # made larger
    (300.0, 300.0, 620.0, 620.0),  # with 40 % more, 448: just two pixels for one of 224
    (200.0, 200.0, 680.0, 680.0),  # and 672: three
]


@pytest.mark.parametrize("points", POINTS)
def test_dlibs_chip_is_cut_to_the_last_bit(pictures: Any, points: Any):
    core, changed = pictures
    for change, picture in changed:
        core.change(change)
        found = core.crop(chip_plan(points))
        assert np.array_equal(found, dlib_chip(picture, points)), change


@pytest.mark.parametrize("box", BOXES)
def test_facenets_and_faceres_crops_are_cut_to_the_last_bit(pictures: Any, box: Any):
    core, changed = pictures
    for change, picture in changed:
        core.change(change)
        assert np.array_equal(core.crop(native_plan(box)), native_crop(picture, box)), change
        plan = widened_plan(box, 0.4, 224)
        if min(plan.box[2:]) >= 224:
            assert np.array_equal(core.crop(plan), widened_crop(picture, box, 0.4, 224)), change
        else:
            assert core.crop(plan) is None  # OpenCV makes larger another way


def test_the_reference_is_cut_as_well(portrait_face: Face):
    core = Core(portrait_face.canvas)
    reference = core.reference("study")
    core.change(Change(50, 20))
    plan = native_plan(portrait_face.mtcnn_box)
    found = core.crop(plan, of_reference=True)
    assert np.array_equal(found, native_crop(reference, portrait_face.mtcnn_box))
    assert not np.array_equal(found, core.crop(plan))


def test_a_box_that_is_none_is_refused(pictures: Any):
    core, _ = pictures
    plan = native_plan((100.0, 100.0, 200.0, 200.0))
    for box in ((-1, 0, 9, 9), (0, 0, 0, 9), (1000, 0, 30, 9), (0, 1000, 9, 30)):
        assert core.crop(plan._replace(box=box)) is None
    assert core.crop(plan._replace(side=300)) is None


# ---- networks ----


def in_torch(program: Program, crop: Picture) -> Weights:
    """Runs a program in float64 by torch: another implementation of what its layers say."""
    known: dict[int, Tensor] = {
        -1: torch.from_numpy(crop.astype(np.float64)).permute(2, 0, 1)[None]
    }
    for layer in program.layers:
        known[layer.target] = layer_in_torch(layer, known)
    return known[program.layers[-1].target].ravel().numpy()


def layer_in_torch(layer: Layer, known: dict[int, Tensor]) -> Tensor:
    x = known[layer.source]
    if layer.kind == "input":
        x = x.flip(1) if layer.channel else x
        offset, factor = torch.from_numpy(numbers(layer.biases)).view(2, 1, 3, 1, 1)
        return (x - offset) * factor
    if layer.kind == "convolve":
        weight = torch.from_numpy(numbers(layer.weights)).permute(3, 2, 0, 1)
        groups = layer.channels_in if layer.alone else 1
        bias = torch.from_numpy(numbers(layer.biases))
        y = F.conv2d(x, weight, bias, layer.step, layer.zeros, groups=groups)
        return (y + known[layer.plus] if layer.plus >= 0 else y).clamp(*layer.clip)
    if layer.kind == "add":
        return (x + known[layer.plus]).clamp(*layer.clip)
    if layer.kind == "max pool":
        return F.max_pool2d(x, layer.window, layer.step)
    if layer.kind == "mean pool":
        return F.avg_pool2d(x, layer.window, layer.step)
    if layer.kind == "copy":
        side, channels = layer.side_out, layer.channels_out
        to = known[layer.target].clone() if layer.channel else x.new_zeros(1, channels, side, side)
        to[:, layer.channel : layer.channel + x.shape[1], : x.shape[2], : x.shape[3]] = x
        return to
    if layer.kind == "dense":
        y = x.reshape(1, -1) @ torch.from_numpy(numbers(layer.weights))
        return y if layer.biases is None else y + torch.from_numpy(numbers(layer.biases))
    return F.normalize(x.reshape(1, -1))


def numbers(values: Weights | None) -> npt.NDArray[np.float64]:
    assert values is not None
    return values.astype(np.float64)


def as_halves(weights: Weights) -> Weights:
    return weights.astype(np.float16).astype(np.float32)


def smooth(side: int, seed: int) -> Picture:
    """A picture as a crop is one: no noise, and all levels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3)).astype(np.float32)
    fine = F.interpolate(torch.from_numpy(coarse).permute(2, 0, 1)[None], side, mode="bicubic")
    return fine[0].permute(1, 2, 0).clamp(0, 255).numpy().round().astype(np.uint8)


@pytest.fixture(scope="module")
def dlib_program(dlib_embedder: Any) -> Program:
    program = dlib_embedder.program()
    assert program is not None
    return program


def test_dlibs_network_is_torchs(dlib_embedder: Any, dlib_program: Program):
    network = Network(dlib_program.packed(2))
    for seed in range(3):
        crop = smooth(150, seed)
        found = network.embed(crop)
        same_weights = in_torch(dlib_program.with_weights(as_halves), crop)
        assert np.abs(found - same_weights).max() < 2e-6
        full = dlib_embedder.embed_crops(crop[None])[0]
        assert np.abs(found - full).max() < 3e-4
        assert found @ full / np.linalg.norm(found) / np.linalg.norm(full) > 1 - 5e-5


def test_three_bytes_a_weight_are_nearer(dlib_embedder: Any, dlib_program: Program):
    assert dlib_program.usual_bytes == 3
    crop = smooth(150, 1)
    full = dlib_embedder.embed_crops(crop[None])[0]
    assert np.abs(Network(dlib_program.packed()).embed(crop) - full).max() < 1e-5


def test_facenets_network_is_torchs():
    network = random_network()
    program = network.program()
    assert program.usual_bytes == 2  # 23 million of them
    crop = smooth(160, 4)
    found = Network(program.packed()).embed(crop)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
    assert np.abs(found - in_torch(program.with_weights(as_halves), crop)).max() < 2e-6
    full = network.embed_chips(crop[None])[0]
    assert np.abs(found - full).max() < 3e-4
    assert found @ full > 1 - 5e-5


class Mobile(nn.Module):
    """Depthwise and other convolutions, with zeros after the end alone, as HSE FaceRes has them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.first = nn.Conv2d(3, 16, 3, 2)
        self.alone = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.wider = nn.Conv2d(16, 24, 1)
        self.halved = nn.Conv2d(24, 24, 3, 2, groups=24)
        self.last = nn.Conv2d(24, 32, (1, 7), 1, (0, 3))
        self.other = nn.Conv2d(24, 32, (7, 1), 1, (3, 0))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(F.pad(x, (0, 1, 0, 1))).clamp_(0, 6)
        x = self.wider(self.alone(x).clamp(0, 6)).relu()
        x = self.halved(F.pad(x, (0, 1, 0, 1))).clamp(0.0, 6.0)
        x = F.relu(self.last(x) + self.other(x))
        x = torch.cat([x, F.relu(x + x)], 1)
        return F.max_pool2d(x, 2, 2).mean((2, 3))


@pytest.mark.parametrize("side", [28, 45, 64])
def test_a_network_of_other_layers_is_torchs(side: int):
    model = Mobile().eval()
    shown = Shown(side, bgr=True, minus=(103.9, 116.8, 123.7), divided_by=64.0)
    program = program_of(model, shown, name="mobile")
    crop = smooth(side, side)
    taken = (crop[..., ::-1].astype(np.float32) - np.float32(shown.minus)) / np.float32(64)
    with torch.inference_mode():
        full = model(torch.from_numpy(taken).permute(2, 0, 1)[None])[0].numpy()
    network = Network(program.packed(3))
    assert network.header["name"] == "mobile"
    found = network.embed(crop)
    assert np.abs(found - full).max() < 1e-4 * np.abs(full).max()
    again = network.embed(smooth(side, 1))  # nothing is left over from the first
    assert not np.array_equal(found, again)
    assert np.array_equal(found, network.embed(crop))


def test_memory_is_bounded(dlib_program: Program):
    assert Network(dlib_program.packed()).memory < 60e6
    assert len({layer.target for layer in dlib_program.layers}) <= 4


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda x: torch.sigmoid(x).mean((2, 3)), "uses aten.sigmoid"),
        (lambda x: F.pad(x, (1, 0, 1, 0)).mean((2, 3)), "zeros around"),
        (lambda x: x.mean((1, 3)), "a mean over"),
        (lambda x: F.avg_pool2d(x, (2, 1)).mean((2, 3)), "a pool of"),
        (lambda x: (x.relu() + x).mean((2, 3)), "input clipped"),
    ],
)
def test_what_no_layer_does_is_said(does: Callable[[Tensor], Tensor], said: str):
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            return does(x)

    with pytest.raises(SettingError, match=said):
        program_of(Odd().eval(), Shown(16))


def test_weights_are_rounded_to_what_is_nearest():
    weights = np.array([1.0, -0.3333333, 1e-5, 65504, np.pi], np.float32)
    two = np.frombuffer(as_bytes(weights, 2), np.uint8).reshape(2, -1).T
    assert two.copy().view("<f2").ravel().tolist() == weights.astype("<f2").tolist()
    three = np.frombuffer(as_bytes(weights, 3), np.uint8).reshape(3, -1).T
    padded = np.concatenate([np.zeros((len(weights), 1), np.uint8), three], 1)
    assert np.allclose(padded.copy().view("<f4").ravel(), weights, rtol=2**-16.9, atol=0)
    with pytest.raises(SettingError, match="larger than two bytes hold"):
        as_bytes(np.array([7e4], np.float32), 2)
    with pytest.raises(SettingError, match="4 bytes for a weight"):
        as_bytes(weights, 4)


def test_a_packed_program_says_what_it_is(dlib_program: Program):
    packed = dlib_program.packed(3)
    assert packed[:4] == b"BDN1"
    (length,) = struct.unpack_from("<I", packed, 4)
    header = json.loads(packed[8 : 8 + length])
    assert (header["dim"], header["side"], header["bytes"]) == (128, 150, 3)
    wanted = 8 + length + 4 * header["biases"] + 3 * dlib_program.weight_count
    assert len(packed) == wanted
