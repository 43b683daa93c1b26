"""FaceNet: equal to facenet-pytorch's own network, and strict about the file it is loaded from.

The weights are random with the real structure: nothing here says anything about faces.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import shutil
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from blurdash import weights
from blurdash.embed import LoadOptions, facenet, label_of
from blurdash.embed.facenet import (
    CASIA_WEBFACE,
    VGGFACE2,
    FaceNetNetwork,
    check_structure,
    load_network,
    random_network,
)
from blurdash.embed.facenet_embedder import FaceNetVggface2, load, load_vggface2
from blurdash.errors import PictureError, WeightsError
from blurdash.face import Face
from blurdash.readout import compare
from blurdash.ui.explore.controls_data import recogniser_data
from blurdash.ui.visitor.view import View
from blurdash.weights import sha256
from tests.facenet_files import random_weights
from tests.loopback import serving

pytestmark = pytest.mark.xdist_group("facenet")  # one worker: what the tests share is made once

State = dict[str, torch.Tensor]


@pytest.fixture(scope="session")
def state() -> State:
    """Returns weights of the real structure, with the classes of VGGFace2."""
    return random_weights(seed=1)


@pytest.fixture(scope="session")
def folder(state: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Returns a directory with a file that has the name, size and structure of VGGFace2's."""
    directory = tmp_path_factory.mktemp("weights")
    torch.save(OrderedDict(state), directory / VGGFACE2.file_name)
    yield directory
    shutil.rmtree(directory)  # pytest keeps the directories of three runs: 112 MB each


@pytest.fixture(scope="session")
def plain(state: State) -> nn.Module:
    """Returns facenet-pytorch's own network in eval mode, loaded by its own means."""
    from facenet_pytorch import InceptionResnetV1

    network = InceptionResnetV1(pretrained=None, classify=False)
    network.load_state_dict(
        {name: value for name, value in state.items() if not name.startswith("logits")}
    )
    return network.eval()


@pytest.fixture(scope="session")
def network(plain: nn.Module) -> FaceNetNetwork:
    return FaceNetNetwork(plain, device="cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Returns an empty cache directory, emptied again: the files are large."""
    for name in ("BLURDASH_OFFLINE", "BLURDASH_WEIGHTS_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(weights, "_failures", {})
    yield tmp_path / "torch" / "checkpoints"
    shutil.rmtree(tmp_path)


def pictures(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Returns blocky random pictures: like photos, they have large areas and strong edges."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 10, 10, 3), np.uint8)
    rows = np.arange(height) * 10 // height
    columns = np.arange(width) * 10 // width
    return np.ascontiguousarray(coarse[:, rows][:, :, columns])


def reference(plain: nn.Module, batch: np.ndarray) -> np.ndarray:
    """Returns what facenet-pytorch's own network makes of floats of shape (N, H, W, 3)."""
    with torch.no_grad():
        tensor = torch.tensor(batch.transpose(0, 3, 1, 2).copy(), dtype=torch.float32)
        return plain(tensor).numpy()


# --- equal to facenet-pytorch's own --------------------------------------------------------------


def test_convention_chips_are_rgb_minus_127_5_over_128(
    plain: nn.Module, network: FaceNetNetwork
) -> None:
    chips = pictures(3, 160, 160)
    found = network.embed_chips(chips)
    wanted = reference(plain, (chips.astype(np.float64) - 127.5) / 128)
    assert found.dtype == np.float32
    assert found.shape == (3, 512)
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=0)
    assert np.min(np.sum(found * wanted, axis=1)) > 1 - 1e-5
    swapped = reference(plain, (chips[..., ::-1].astype(np.float64) - 127.5) / 128)
    assert np.abs(found - swapped).max() > 1e-3  # the test would see BGR


def test_convention_study_is_raw_bgr_of_the_whole_picture(
    plain: nn.Module, network: FaceNetNetwork
) -> None:
    canvases = pictures(2, 200, 240)
    found = network.embed_study(canvases)
    np.testing.assert_allclose(found, reference(plain, canvases[..., ::-1]), atol=1e-5, rtol=0)
    assert np.abs(found - reference(plain, canvases)).max() > 1e-3  # the test would see RGB


@pytest.mark.long
def test_study_takes_a_canvas_of_1024(plain: nn.Module, network: FaceNetNetwork) -> None:
    canvas = pictures(1, 1024, 1024)
    found = network.embed_study(canvas)
    np.testing.assert_allclose(found, reference(plain, canvas[..., ::-1]), atol=1e-5, rtol=0)


def test_embeddings_have_length_1_and_differ(network: FaceNetNetwork) -> None:
    embeddings = network.embed_chips(pictures(3, 160, 160))
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    distances = np.linalg.norm(embeddings[:, None] - embeddings, axis=2)
    assert distances[np.triu_indices(3, 1)].min() > 1e-3


def test_embedding_does_not_depend_on_the_batch(
    network: FaceNetNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    chips = pictures(5, 160, 160)
    together = network.embed_chips(chips)
    monkeypatch.setattr(facenet, "_PIXELS_AT_ONCE", 2 * 160 * 160)  # 2 + 2 + 1
    np.testing.assert_allclose(network.embed_chips(chips), together, atol=1e-5, rtol=0)


def test_batches_are_bounded(network: FaceNetNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def forward(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return np.zeros((len(batch), 512), np.float32)

    monkeypatch.setattr(network, "_forward", forward)
    network.embed_chips(np.zeros((70, 160, 160, 3), np.uint8))
    assert sizes == [32, 32, 6]
    sizes.clear()
    network.embed_study(np.zeros((3, 1024, 1024, 3), np.uint8))
    assert sizes == [1, 1, 1]


def test_any_layout_in_memory_will_do(network: FaceNetNetwork) -> None:
    chips = pictures(2, 160, 160)
    wanted = network.embed_chips(chips)
    for same in (np.asfortranarray(chips), chips[:, ::-1].copy()[:, ::-1]):
        np.testing.assert_allclose(network.embed_chips(same), wanted, atol=1e-6)
    before = chips.copy()
    chips.flags.writeable = False
    np.testing.assert_allclose(network.embed_chips(chips), wanted, atol=1e-6)
    np.testing.assert_array_equal(chips, before)


def test_given_network_is_left_as_it_is(plain: nn.Module, network: FaceNetNetwork) -> None:
    assert isinstance(plain.conv2d_1a.bn, nn.BatchNorm2d)
    assert plain.conv2d_1a.conv.bias is None


def test_no_pictures_give_no_embeddings(network: FaceNetNetwork) -> None:
    assert network.embed_chips(np.zeros((0, 160, 160, 3), np.uint8)).shape == (0, 512)
    assert network.embed_study(np.zeros((0, 1024, 1024, 3), np.uint8)).shape == (0, 512)


def test_smallest_picture_is_75(network: FaceNetNetwork) -> None:
    assert np.isfinite(network.embed_study(pictures(1, 75, 75))).all()
    with pytest.raises(PictureError, match="pictures of 75×74 came, wanted at least 75×75"):
        network.embed_study(pictures(1, 74, 75))


@pytest.mark.parametrize(
    ("chips", "message"),
    [
        (np.zeros((1, 160, 160, 3), np.float32), "float32 of shape"),
        (np.zeros((160, 160, 3), np.uint8), r"uint8 of shape \(160, 160, 3\) came"),
        (np.zeros((1, 3, 160, 160), np.uint8), r"wanted uint8 RGB of shape \(N, 160, 160, 3\)"),
        (np.zeros((1, 160, 160, 4), np.uint8), "came, wanted"),
        (np.zeros((1, 150, 160, 3), np.uint8), "pictures of 160×150 came, wanted 160×160"),
        (torch.zeros((1, 160, 160, 3), dtype=torch.uint8), "a Tensor came"),
        ([[1]], "a list came"),
    ],
)
def test_other_than_chips_is_refused(network: FaceNetNetwork, chips: object, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        network.embed_chips(chips)  # type: ignore[arg-type]


def test_random_network_is_made_by_its_seed_alone() -> None:
    chips = pictures(1, 160, 160)
    torch_random = torch.get_rng_state()
    first = random_network(seed=3).embed_chips(chips)
    torch.testing.assert_close(torch.get_rng_state(), torch_random)
    np.testing.assert_array_equal(random_network(seed=3).embed_chips(chips), first)
    assert not np.allclose(random_network(seed=4).embed_chips(chips), first)


# --- loading -------------------------------------------------------------------------------------


def test_load_network_from_a_given_folder(
    folder: Path, network: FaceNetNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLURDASH_OFFLINE", "1")
    torch_random = torch.get_rng_state()
    loaded, digest = load_network(VGGFACE2, weights=folder)
    assert digest == sha256(folder / VGGFACE2.file_name)
    assert len(digest) == 64
    chips = pictures(1, 160, 160)
    np.testing.assert_allclose(loaded.embed_chips(chips), network.embed_chips(chips), atol=1e-6)
    torch.testing.assert_close(torch.get_rng_state(), torch_random)


def test_weights_that_are_not_the_published_file_say_so(
    folder: Path, portrait_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sha256(folder / VGGFACE2.file_name)
    options = LoadOptions(weights=str(folder))
    embedder = load_vggface2(options)
    wanted = f"FaceNet's structure, not the published weights (hash {digest[:8]})"
    assert embedder.remark == label_of(embedder) == wanted
    canvas = portrait_face.canvas
    receipt = compare(canvas, canvas, portrait_face, embedder).receipt.as_dict()
    assert embedder.remark in receipt["note"]
    assert recogniser_data(None, View(), remark=embedder.remark)["remark"] == embedder.remark
    known = dataclasses.replace(VGGFACE2, published_sha256=digest)
    assert load(FaceNetVggface2, known, options).said == ""
    unknown = dataclasses.replace(VGGFACE2, published_sha256=None)
    assert load(FaceNetVggface2, unknown, options).said == ""


@pytest.fixture
def serve(folder: Path) -> Iterator[str]:
    """Returns the address of a server on loopback that sends the files of ``folder``."""
    with serving(folder) as address:
        yield address


def test_load_network_downloads_once(
    serve: str, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(VGGFACE2, url=f"{serve}/{VGGFACE2.file_name}")
    told: list[tuple[int, int | None]] = []
    _, digest = load_network(row, progress=lambda done, total: told.append((done, total)))
    size = (folder / VGGFACE2.file_name).stat().st_size
    assert told[0] == (0, size)
    assert told[-1] == (size, size)
    assert digest == sha256(folder / VGGFACE2.file_name)
    assert [path.name for path in cache.iterdir()] == [VGGFACE2.file_name]
    monkeypatch.setenv("BLURDASH_OFFLINE", "1")
    assert load_network(row)[1] == digest


def test_download_of_garbage_of_the_right_size_is_refused(
    serve: str, folder: Path, cache: Path
) -> None:
    garbage = folder / "garbage.pt"
    with garbage.open("wb") as file:
        file.truncate(112_000_000)
    row = replace(VGGFACE2, url=f"{serve}/garbage.pt")
    with pytest.raises(WeightsError, match="not a file of weights that torch reads safely"):
        load_network(row)
    garbage.unlink()
    assert list(cache.iterdir()) == []


def test_weights_of_the_other_training_are_refused(folder: Path) -> None:
    mislabelled = folder / VGGFACE2.file_name
    with pytest.raises(WeightsError, match="wanted 10575 classes"):
        load_network(CASIA_WEBFACE, weights=mislabelled)
    check_structure(mislabelled)
    check_structure(mislabelled, VGGFACE2)


@pytest.mark.parametrize("row", [VGGFACE2, CASIA_WEBFACE])
def test_rows_point_where_facenet_pytorch_does(row: weights.WeightsFile) -> None:
    import facenet_pytorch.models.inception_resnet_v1 as original

    assert row.url in Path(original.__file__).read_text()
    assert row.url.endswith(f"/{row.file_name}")
    assert row.min_bytes < 112_000_000 < row.max_bytes


# --- the structure of a file ---------------------------------------------------------------------


def small(state: State) -> State:
    """Returns the same structure without its bulk: one stored number stands for each tensor."""
    return {name: value.flatten()[0].clone().expand(value.shape) for name, value in state.items()}


def without(*endings: str) -> Callable[[State], object]:
    return lambda state: {k: v for k, v in state.items() if not k.endswith(endings)}


def changed(name: str, change: Callable[[torch.Tensor], object]) -> Callable[[State], object]:
    return lambda state: state | {name: change(state[name])}


GOOD_STATES = {
    "all": dict,
    "no logits": without("logits.weight", "logits.bias"),
    "no counters": without("num_batches_tracked"),
    "float64": changed("last_bn.bias", torch.Tensor.double),
}


@pytest.mark.parametrize("name", GOOD_STATES)
@pytest.mark.parametrize("zipped", [True, False])
def test_good_structure(state: State, tmp_path: Path, name: str, zipped: bool) -> None:
    torch.save(
        GOOD_STATES[name](small(state)),
        tmp_path / "good.pt",
        _use_new_zipfile_serialization=zipped,  # the published files are of the old kind
    )
    check_structure(tmp_path / "good.pt")
    loaded = facenet._network_of(facenet._read_state(tmp_path / "good.pt", VGGFACE2))
    assert set(loaded.state_dict()) == set(facenet._wanted())
    assert not loaded.training


BAD_STATES: dict[str, tuple[Callable[[State], object], str]] = {
    "another network": (lambda _: nn.Linear(3, 4).state_dict(), "conv2d_1a.conv.weight and"),
    "a list": (lambda state: list(state.values()), "holds a list"),
    "a tensor": (lambda state: state["logits.bias"], "holds a Tensor"),
    "empty": (lambda _: {}, "missing"),
    "one missing": (without("last_linear.weight"), "last_linear.weight is missing"),
    "one more": (lambda state: state | {"more": torch.zeros(1)}, "more is unknown"),
    "name is a number": (lambda state: state | {7: torch.zeros(1)}, "7 is unknown"),
    "shape": (changed("last_bn.bias", lambda t: t[:-1]), r"\(511,\), wanted \(512,\)"),
    "not a tensor": (changed("last_bn.bias", lambda t: 5), "last_bn.bias has shape None"),
    "whole numbers": (changed("last_bn.bias", torch.Tensor.long), "int64"),
    "complex": (changed("last_bn.bias", lambda t: t + 1j), "complex64"),
    "sparse": (changed("last_bn.bias", torch.Tensor.to_sparse), "dense"),
    "not a number": (changed("last_bn.bias", lambda t: t * np.nan), "not finite"),
    "infinite": (changed("logits.bias", lambda t: t + np.inf), "logits.bias has values"),
    "half the logits": (without("logits.bias"), "logits have the shapes"),
    "other classes": (
        lambda state: state | {"logits.weight": torch.zeros(9, 512), "logits.bias": torch.zeros(9)},
        "wanted 8631 or 10575 classes",
    ),
}


@pytest.mark.parametrize("name", BAD_STATES)
def test_bad_structure(state: State, tmp_path: Path, name: str) -> None:
    make, message = BAD_STATES[name]
    torch.save(make(small(state)), tmp_path / "bad.pt")
    with pytest.raises(WeightsError, match=message) as caught:
        check_structure(tmp_path / "bad.pt")
    assert "\n" not in str(caught.value)


class Malicious:
    """Unpickling it would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("how", ["pickle", "torch", "torch, old"])
def test_code_in_a_file_is_refused_and_never_run(tmp_path: Path, how: str) -> None:
    target, path = tmp_path / "executed", tmp_path / "malicious.pt"
    content = {"conv2d_1a.conv.weight": Malicious(target)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))  # of a protocol that torch warns of
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(WeightsError, match="reads safely") as caught:
        check_structure(path)
    assert "weights_only" not in str(caught.value)
    assert not target.exists()
    if how == "pickle":  # the file is what it says it is
        pickle.loads(path.read_bytes())
        assert target.exists()


def test_damaged_bytes_are_an_error_of_ours(state: State, tmp_path: Path) -> None:
    path = tmp_path / "damaged.pt"
    random = np.random.default_rng(5)
    for zipped in (True, False):
        torch.save(small(state), path, _use_new_zipfile_serialization=zipped)
        good = path.read_bytes()
        cuts = [good[:end] for end in random.integers(0, len(good), 10)]
        holes = []
        for start in [0, *random.integers(0, 3000, 25)]:
            damaged = bytearray(good)
            damaged[start : start + 8] = random.bytes(8)
            holes.append(bytes(damaged))
        for content in [b"", b"\x80", b"PK\x03\x04", b"<html></html>", *cuts, *holes]:
            path.write_bytes(content)
            with contextlib.suppress(WeightsError):  # damage in a place that is not read is none
                check_structure(path)


def test_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read: No such file"):
        check_structure(tmp_path / "no.pt")
    with pytest.raises(WeightsError):
        check_structure(tmp_path)


def test_weights_module_does_not_import_torch() -> None:
    code = "import sys, blurdash.weights; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
