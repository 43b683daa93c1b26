"""HSE FaceRes: the network against TensorFlow.js itself, its crop, and whence its files come."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from blurdash.embed import LoadOptions, faceres, label_of, load_embedder
from blurdash.embed.crops import widened_crop
from blurdash.embed.faceres import SIDE, WIDENED, FaceResEmbedder, digest_of_files, load
from blurdash.embed.faceres_weights import DESCRIPTION, TENSORS
from blurdash.embed.graph_model import ChainNetwork, read_graph_model
from blurdash.errors import WeightsError
from blurdash.face import Face
from blurdash.readout import measure
from blurdash.weights import find, sha256
from tests.core import Network
from tests.graph_models import GraphModel, faceres_like
from tests.loopback import serving

OUTPUT = "global_pooling/Mean"
GOLDEN = Path(__file__).resolve().parent / "golden" / "graph_models.json"
GRAPHS = json.loads(GOLDEN.read_text(encoding="utf-8"))["models"]
SMALL = ((1, 16), (2, 24))


def network(description: Path) -> ChainNetwork:
    return read_graph_model(description, description.with_suffix(".bin"), OUTPUT)


def golden_picture(side: int) -> npt.NDArray[np.float32]:
    """The picture that golden/graph_model.mjs shows to TensorFlow.js."""
    y, x, channel = np.meshgrid(np.arange(side), np.arange(side), np.arange(3), indexing="ij")
    return (((x * (channel + 3) + y * 7) % 97) * 2.5 - 120).astype(np.float32)


def agrees(model: ChainNetwork, golden: dict[str, Any]) -> None:
    with torch.inference_mode():
        picture = torch.from_numpy(golden_picture(golden["side"])).permute(2, 0, 1)[None]
        found = model(picture)[0].numpy()
    assert len(found) == golden["dim"]
    assert np.linalg.norm(found) == pytest.approx(golden["length"], rel=1e-5)
    for place, value in golden["values"].items():
        assert found[int(place)] == pytest.approx(value, rel=2e-5, abs=2e-5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files of a network of FaceRes' structure, with numbers that mean nothing."""
    return faceres_like().write(tmp_path_factory.mktemp("faceres")).parent


# --- the network ----------------------------------------------------------------------------------


def test_a_chain_computes_what_tensorflow_computes(tmp_path: Path) -> None:
    agrees(network(faceres_like(SMALL, 32).write(tmp_path)), GRAPHS["small"])


def test_faceres_structure_computes_what_tensorflow_computes(folder: Path) -> None:
    agrees(network(folder / "faceres.json"), GRAPHS["faceres_like"])


@pytest.mark.long
def test_faceres_computes_what_tensorflow_computes() -> None:
    agrees(network(published()), GRAPHS["faceres"])


def test_its_structure_runs_as_a_browser_runs_it(folder: Path) -> None:
    runs_as_in_a_browser(FaceResEmbedder(network(folder / "faceres.json"), "0" * 64))


@pytest.mark.long
def test_faceres_runs_as_a_browser_runs_it() -> None:
    runs_as_in_a_browser(load(LoadOptions(weights=str(published().parent))))


def runs_as_in_a_browser(embedder: FaceResEmbedder) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    crop = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    (full,) = embedder.embed_crops(crop[None])
    found = Network(embedder.program().packed()).embed(crop)
    assert np.abs(found - full).max() < 1e-3 * np.abs(full).max()
    assert found @ full / np.linalg.norm(found) / np.linalg.norm(full) > 1 - 1e-6


def published() -> Path:
    """The published files, where somebody has put them into one of the usual places."""
    places = [find(row) for row in (DESCRIPTION, TENSORS)]
    if places[0] is None or places[1] is None:
        pytest.skip("HSE FaceRes' files are not on this machine")
    return places[0]


@pytest.mark.parametrize("stored", ["float16", "float32"])
def test_numbers_are_read_as_they_are_stored(tmp_path: Path, stored: str) -> None:
    model = GraphModel(4)
    tensor = model.tensor("kernel", np.full((1, 1, 3, 2), 0.5), stored)
    model.convolution(np.ones((1, 1, 3, 3)))
    model.nodes[-1]["input"][1] = tensor
    model.mean()
    with torch.inference_mode():
        found = network(model.write(tmp_path))(torch.ones(1, 3, 4, 4))
    assert found.tolist() == [[1.5, 1.5]]


def test_clips_and_sums_keep_their_order(tmp_path: Path) -> None:
    model = GraphModel(2)
    model.convolution(np.eye(3).reshape(1, 1, 3, 3))
    model.per_channel("AddV2", [1.0, 2.0, 3.0])
    model.per_channel("Mul", [2.0, 2.0, -1.0])
    model.per_channel("Minimum", 5)
    model.node("Relu")
    model.mean()
    with torch.inference_mode():
        found = network(model.write(tmp_path))(torch.ones(1, 3, 2, 2))
    assert found.tolist() == [[4.0, 5.0, 0.0]]


def after_a_clip(model: GraphModel) -> None:
    model.relu6()
    model.per_channel("Mul", [1.0, 2.0, 3.0])


def unknown(model: GraphModel) -> None:
    model.node("Softmax")


def fork(model: GraphModel) -> None:
    model.node("Add", "input")


def not_finite(model: GraphModel) -> None:
    model.per_channel("Add", [np.nan, 0, 0])


def other_padding(model: GraphModel) -> None:
    model.convolution(np.ones((3, 3, 3, 3)))
    model.nodes[-1]["attr"]["padding"] = {"s": "VkFMSUQ="}


def other_channels(model: GraphModel) -> None:
    model.convolution(np.ones((1, 1, 4, 3)))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (unknown, "the operation Softmax is not understood"),
        (after_a_clip, "the operation Mul at .* is not understood"),
        (fork, "has 2 inputs"),
        (not_finite, "numbers that are not finite"),
        (other_padding, "a kind that is not understood"),
        (other_channels, r"has a kernel \(1, 1, 4, 3\)"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, spoil: Any, told: str) -> None:
    model = GraphModel(8)
    model.convolution(np.ones((1, 1, 3, 3)))
    spoil(model)
    model.mean()
    with pytest.raises(WeightsError, match=told):
        network(model.write(tmp_path))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"modelTopology": {"node": 3}}'])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = faceres_like(SMALL, 32).write(tmp_path)
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not the expected model"):
        network(path)


ODD: tuple[Any, ...] = (None, -1, 0, "", "x", [], {}, [[]], 1e308, 2**70, float("nan"), True, "0")


def spoilt(known: Any, rng: random.Random) -> Any:
    """A description with something odd at one place of it."""
    if not isinstance(known, dict | list) or not known or rng.random() < 0.1:
        return rng.choice(ODD)
    places = list(known) if isinstance(known, dict) else list(range(len(known)))
    place = rng.choice(places)
    copied = known.copy()
    copied[place] = spoilt(known[place], rng)
    return copied


def test_a_spoilt_description_is_refused_or_makes_a_network(tmp_path: Path) -> None:
    path = faceres_like(SMALL, 32).write(tmp_path)
    whole, rng, refused = json.loads(path.read_text()), random.Random(5), 0
    for _ in range(400):
        path.write_text(json.dumps(spoilt(whole, rng)))
        try:
            network(path)
        except WeightsError:
            refused += 1
    assert refused > 100


def test_a_description_of_endless_depth_is_refused(tmp_path: Path) -> None:
    path = faceres_like(SMALL, 32).write(tmp_path)
    path.write_text("[" * 200_000)
    with pytest.raises(WeightsError, match="it is no JSON"):
        network(path)


@pytest.mark.parametrize("change", [b"\0\0", None])
def test_numbers_of_another_length_are_refused(tmp_path: Path, change: bytes | None) -> None:
    path = faceres_like(SMALL, 32).write(tmp_path)
    values = path.with_suffix(".bin")
    blob = values.read_bytes()
    values.write_bytes(blob[:-2] if change is None else blob + change)
    with pytest.raises(WeightsError, match="bytes of numbers, wanted"):
        network(path)


# --- the recogniser -------------------------------------------------------------------------------


def test_convention_the_network_sees_bgr_minus_the_training_mean(folder: Path) -> None:
    plain = network(folder / "faceres.json")
    crops = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3), np.uint8)
    shown = crops[..., ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32)
    with torch.inference_mode():
        wanted = plain(torch.from_numpy(shown).permute(0, 3, 1, 2)).numpy()
    found = load(LoadOptions(weights=str(folder))).embed_crops(crops)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_convention_the_crop_is_the_box_of_mtcnn_made_larger_by_two_fifths() -> None:
    canvas = np.zeros((1024, 1024, 3), np.uint8)
    canvas[300:700, 200:600] = 255  # the box and a fifth of it on every side
    box = (200 + 400 / 7, 300 + 400 / 7, 600 - 400 / 7, 700 - 400 / 7)
    crop = widened_crop(canvas, box, WIDENED, SIDE)
    assert crop.shape == (224, 224, 3)
    assert crop.min() == 255
    wider = widened_crop(canvas, (box[0] - 4, box[1], box[2], box[3]), WIDENED, SIDE)
    assert wider[:, 0].max() < 255


def test_a_crop_ends_where_the_canvas_ends(portrait_face: Face) -> None:
    canvas = portrait_face.canvas
    beyond = (-50.0, -90.0, 1100.0, 1200.0)
    assert widened_crop(canvas, beyond, WIDENED, SIDE).shape == (224, 224, 3)


def test_it_is_a_recogniser_like_any_other(folder: Path, portrait_face: Face) -> None:
    embedder = load_embedder("faceres", weights=str(folder))
    assert (embedder.name, embedder.dim, embedder.normalised) == ("faceres", 1024, False)
    found = measure(portrait_face, embedder, degree=30).as_dict()
    assert found["cosine_similarity"] < 1
    assert found["receipt"]["embedder"] == "faceres"
    files = folder / "faceres.json", folder / "faceres.bin"
    assert found["receipt"]["weights_sha256"] == digest_of_files(*files)
    assert found["verdict"] is None


def test_both_files_count_into_the_hash(folder: Path, tmp_path: Path) -> None:
    for name in ("faceres.json", "faceres.bin"):
        shutil.copy(folder / name, tmp_path)
    before = load(LoadOptions(weights=str(tmp_path))).weights_sha256
    description = tmp_path / "faceres.json"
    description.write_text(description.read_text() + "\n")
    assert load(LoadOptions(weights=str(tmp_path))).weights_sha256 != before


# --- where its files come from --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["faceres.json", "faceres.bin"])
def test_one_file_is_given_and_the_other_lies_beside_it(folder: Path, name: str) -> None:
    assert load(LoadOptions(weights=str(folder / name))).dim == 1024


def test_files_that_are_not_the_published_ones_say_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = LoadOptions(weights=str(folder))
    told = "HSE FaceRes' structure, not the published weights (hash "
    assert label_of(load(options)).startswith(told)
    for row, name in ((DESCRIPTION, "DESCRIPTION"), (TENSORS, "TENSORS")):
        digest = sha256(folder / row.file_name)
        known = dataclasses.replace(row, published_sha256=digest)
        monkeypatch.setattr(faceres, name, known)
    assert load(options).remark == ""


def test_another_network_is_refused(tmp_path: Path) -> None:
    faceres_like(SMALL, 32).write(tmp_path)
    with pytest.raises(WeightsError, match="takes pictures of 32 px and gives 24 numbers"):
        load(LoadOptions(weights=str(tmp_path)))


@pytest.fixture
def serve(folder: Path) -> Iterator[str]:
    with serving(folder) as address:
        yield address


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and leave to download."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("BLURDASH_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("BLURDASH_OFFLINE", "0")
    return tmp_path / "checkpoints"


def from_here(monkeypatch: pytest.MonkeyPatch, serve: str, digests: dict[str, str | None]) -> None:
    for row, name in ((DESCRIPTION, "DESCRIPTION"), (TENSORS, "TENSORS")):
        here = dataclasses.replace(
            row,
            url=f"{serve}/{row.file_name}",
            published_sha256=digests.get(name, row.published_sha256),
        )
        monkeypatch.setattr(faceres, name, here)


def test_both_files_are_fetched_once(
    serve: str, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = {
        "DESCRIPTION": sha256(folder / "faceres.json"),
        "TENSORS": sha256(folder / "faceres.bin"),
    }
    from_here(monkeypatch, serve, dict(digests))
    assert isinstance(load(LoadOptions()), FaceResEmbedder)
    assert sorted(path.name for path in cache.iterdir()) == ["faceres.bin", "faceres.json"]
    monkeypatch.setenv("BLURDASH_OFFLINE", "1")
    assert load(LoadOptions()).remark == ""


def test_a_download_that_is_not_the_published_file_is_thrown_away(
    serve: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_here(monkeypatch, serve, {})
    with pytest.raises(WeightsError, match="not the published file of HSE FaceRes"):
        load(LoadOptions(retry=True))
    assert list(cache.iterdir()) == []
