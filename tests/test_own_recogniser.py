"""A recogniser of one's own by an ONNX file: as any other, and what is wrong with it is said."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pyarrow.parquet as pq
import pytest
import torch
from onnx import TensorProto
from PIL import Image
from streamlit.testing.v1 import AppTest

from blurdash import embed
from blurdash.cli import main
from blurdash.embed import EMBEDDERS, Embedder, LoadOptions, load_embedder, own
from blurdash.embed.crops import ARCFACE_POINTS, arcface_crop, native_crop, widened_crop
from blurdash.embed.faceres import load as load_faceres
from blurdash.embed.onnx_embedder import OnnxEmbedder, OwnRecogniser
from blurdash.errors import BlurdashError, SettingError, WeightsError
from blurdash.face import Face
from blurdash.reference import load_reference
from blurdash.sweep import RunOptions, Sweep
from blurdash.sweep_file import read_settings
from blurdash.ui.server import recogniser
from tests.graph_models import faceres_like, plain_numbers
from tests.onnx_models import depending_on_the_batch, described, small_network, write_own
from tests.references import Quick
from tests.test_embedders import wrong
from tests.test_explore import APP, component_data
from tests.test_faceres import published

Numbers = npt.NDArray[np.float32]


@pytest.fixture(autouse=True)
def no_trace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Recognisers that a test adds are gone after it."""
    before = dict(EMBEDDERS)
    monkeypatch.setattr(embed, "_loaded", {})
    monkeypatch.setattr(own, "_offered", {})
    monkeypatch.delenv(own.HOST_VARIABLE, raising=False)
    yield
    for name in set(EMBEDDERS) - set(before):
        del EMBEDDERS[name]


@pytest.fixture(scope="module")
def photo(portrait: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "portrait.png"
    Image.fromarray(portrait).save(path)
    return path


def loaded(path: Path) -> OnnxEmbedder:
    return OwnRecogniser(path).load(LoadOptions())


def crops(count: int = 3, side: int = 48) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, side, side, 3), np.uint8)


def by_torch(pictures: npt.NDArray[np.float32], dim: int = 16, seed: int = 1) -> Numbers:
    """What the made network gives for what it is fed, channels last, by another library."""
    kernel = torch.from_numpy(plain_numbers(seed, (dim, 3, 8, 8), 0.2).astype(np.float32))
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    spread = torch.nn.functional.conv2d(x, kernel, stride=4).abs()
    return spread.mean((2, 3)).numpy()


# --- what the network is fed ----------------------------------------------------------------------


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_convention_grey_levels_minus_the_mean_times_the_scale_in_the_channels_order(
    channels: str, tmp_path: Path
) -> None:
    means, scales = (10.0, 100.0, 200.0), (0.5, 0.25, 0.125)
    path = write_own(tmp_path, channels=channels, mean=list(means), scale=list(scales))
    shown = crops()[..., :: 1 if channels == "rgb" else -1]
    wanted = by_torch((shown - np.float32(means)) * np.float32(scales))
    np.testing.assert_allclose(loaded(path).embed_crops(crops()), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "shape",
    [
        ("n", 3, 48, 48),
        ("n", 48, 48, 3),
        ("n", 3, "h", "w"),
        (1, 3, 48, 48),
        (2, 48, 48, 3),
        ("n", "h", "w", 3),
    ],
)
def test_every_layout_and_batch_gives_the_same(shape: tuple[Any, ...], tmp_path: Path) -> None:
    embedder = loaded(write_own(tmp_path, model=small_network(shape)))
    wanted = by_torch((crops() - np.float32(127.5)) / np.float32(128))
    np.testing.assert_allclose(embedder.embed_crops(crops()), wanted, rtol=1e-5, atol=1e-5)
    assert embedder.embed_crops(crops(0)).shape == (0, 16)


def test_half_precision_is_fed_half_precision(tmp_path: Path) -> None:
    embedder = loaded(write_own(tmp_path, model=small_network(dtype=TensorProto.FLOAT16)))
    wanted = by_torch((crops() - np.float32(127.5)) / np.float32(128))
    found = embedder.embed_crops(crops())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=5e-3)


def test_one_of_several_outputs_is_named(tmp_path: Path) -> None:
    two = small_network(second=True)
    assert loaded(write_own(tmp_path, "two", two, output="other")).dim == 16
    with pytest.raises(WeightsError, match=r"has 2 outputs; say which .*embedding, other"):
        loaded(write_own(tmp_path, "open", two))
    with pytest.raises(WeightsError, match="no output 'third'; its outputs: embedding, other"):
        loaded(write_own(tmp_path, "wrong", two, output="third"))


def test_embeddings_are_brought_to_unit_length_where_that_is_asked(tmp_path: Path) -> None:
    plain = loaded(write_own(tmp_path, "plain")).embed_crops(crops())
    embedder = loaded(write_own(tmp_path, "unit", normalise=True))
    found = embedder.embed_crops(crops())
    assert embedder.normalised
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found * np.linalg.norm(plain, axis=1)[:, None], plain, rtol=1e-5)


# --- what it is shown -----------------------------------------------------------------------------


def test_the_crops_are_those_of_whoever_published_them(
    tmp_path: Path, portrait_face: Face, dlib_embedder: Embedder
) -> None:
    canvas = portrait_face.canvas

    def cut(**changed: Any) -> Any:
        size = changed["size"]
        path = write_own(tmp_path, model=small_network(("n", 3, size, size)), **changed)
        embedder = loaded(path)
        assert embedder.crop(canvas, portrait_face).shape == (size, size, 3)
        return embedder, embedder.crop(canvas, portrait_face)

    _, whole = cut(size=64, crop="canvas")
    np.testing.assert_array_equal(whole, cv2.resize(canvas, (64, 64), interpolation=cv2.INTER_AREA))
    embedder, facenets = cut(size=160, crop="mtcnn")
    assert embedder.uses_mtcnn_box
    np.testing.assert_array_equal(facenets, native_crop(canvas, portrait_face.mtcnn_box))
    embedder, wider = cut(size=224, crop="mtcnn", widened=0.4)
    assert not embedder.uses_mtcnn_box, "which would be looked for in vain"
    np.testing.assert_array_equal(wider, widened_crop(canvas, portrait_face.box, 0.4, 224))
    embedder, chip = cut(size=150, crop="dlib-chip")
    assert embedder.uses_chip_points
    np.testing.assert_array_equal(chip, dlib_embedder.crop(canvas, portrait_face))
    _, tight = cut(size=150, crop="dlib-chip", padding=0)
    assert np.abs(tight.astype(int) - chip).mean() > 1
    _, aligned = cut(size=112, crop="arcface")
    np.testing.assert_array_equal(aligned, arcface_crop(canvas, portrait_face.landmarks))


def test_convention_arcfaces_crop_is_the_similarity_that_scikit_image_finds(
    portrait_face: Face,
) -> None:
    from skimage.transform import SimilarityTransform

    canvas = portrait_face.canvas
    for size in (112, 128):
        onto = ARCFACE_POINTS * size / 112
        found = SimilarityTransform.from_estimate(portrait_face.landmarks, onto)
        wanted = cv2.warpAffine(np.asarray(canvas), found.params[:2], (size, size))
        ours = arcface_crop(canvas, portrait_face.landmarks, size)
        assert np.abs(ours.astype(int) - wanted).max() <= 1
    grey = cv2.cvtColor(arcface_crop(canvas, portrait_face.landmarks), cv2.COLOR_RGB2GRAY)
    assert grey.std() > 20, "there is a face in it"


# --- FaceRes as an ONNX file ----------------------------------------------------------------------


def as_onnx(folder: Path, out: Path) -> Path:
    """HSE FaceRes' files as one ONNX file, with what blurdash knows of it beside."""
    network = load_faceres(LoadOptions(weights=str(folder)))._network
    path = out / "faceres-own.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of the older exporter
        torch.onnx.export(
            network.to(memory_format=torch.contiguous_format),
            (torch.zeros(1, 3, 224, 224),),
            str(path),
            input_names=["pictures"],
            dynamic_axes={"pictures": {0: "n"}},
            dynamo=False,
        )
    text = described(
        label="FaceRes by a file",
        size=224,
        channels="bgr",
        mean=[103.939, 116.779, 123.68],
        scale=1,
        widened=0.4,
    )
    path.with_suffix(".toml").write_text(text)
    return path


def agrees_with_itself(folder: Path, out: Path, face: Face) -> None:
    ours = load_embedder("faceres", weights=str(folder))
    theirs = load_embedder(f"onnx:{as_onnx(folder, out)}")
    assert (theirs.name, theirs.dim, theirs.device) == ("onnx:faceres-own", 1024, "cpu")
    pictures = [face.canvas, np.roll(face.canvas, 30, 1) // 2]
    found, wanted = theirs.embed(pictures, face), ours.embed(pictures, face)
    assert np.linalg.norm(found - wanted) < 1e-4 * np.linalg.norm(wanted)
    assert np.linalg.norm(wanted[0] - wanted[1]) > 0.01 * np.linalg.norm(wanted)


def test_faceres_as_an_onnx_file_gives_the_same_embeddings(
    tmp_path: Path, portrait_face: Face
) -> None:
    folder = faceres_like().write(tmp_path).parent
    agrees_with_itself(folder, tmp_path, portrait_face)


@pytest.mark.long
def test_the_published_faceres_as_an_onnx_file_gives_the_same_embeddings(
    tmp_path: Path, portrait_face: Face
) -> None:
    agrees_with_itself(published().parent, tmp_path, portrait_face)


# --- what is wrong with it ------------------------------------------------------------------------

DESCRIPTIONS = {
    "no size": ({"size": None}, r"'x.toml' does not say size; add size"),
    "no licence": ({"licence": None}, r"'x.toml' does not say licence"),
    "a size of none": ({"size": 0}, r"gives size as '0', wanted px, 16 to 1024"),
    "a size of two": ({"size": [112, 96]}, r"gives size as .*: inputs are square"),
    "another channel order": ({"channels": "rbg"}, r"channels as 'rbg', wanted one of rgb, bgr"),
    "a mean of two": ({"mean": [1, 2]}, r"mean as '\[1, 2\]', wanted one grey level or three"),
    "a mean below 0": ({"mean": -1}, r"mean as '-1', wanted"),
    "a mean of pictures in 0 to 1": ({"mean": 0.5}, r"mean as '0.5', .* 255 times as much"),
    "a scale of none": ({"scale": 0}, r"scale as '0', wanted one or three, 0.000001 to 1"),
    "a scale that makes all alike": ({"scale": 1e-46}, r"scale as '1e-46', wanted one or three"),
    "thousands of digits": ({"size": 10**3000}, r"gives size as '"),
    "a label with a space behind": ({"label": "dlib ResNet-29 "}, r"label as 'dlib ResNet-29'"),
    "another's label in capitals": ({"label": "DLIB RESNET-29"}, r"the label of another"),
    "a scale that divides": ({"scale": 128}, r"scale as '128', wanted .* 0.0078125 for 1/128"),
    "another crop": ({"crop": "face"}, r"crop as 'face', wanted one of canvas, mtcnn, dlib-chip"),
    "another crop's number": (
        {"crop": "canvas", "widened": 0.4},
        r"says widened, which the crop canvas does not have",
    ),
    "too wide": ({"widened": 3}, r"widened as '3', wanted a share of the face, 0 to 2"),
    "a key misspelt": (
        {"chanels": "rgb"},
        r"a key 'chanels', which means nothing; did you mean",
    ),
    "a key too many": ({"zzz": 1}, r"a key 'zzz', which means nothing; take it out"),
    "markup": ({"label": "<b>"}, r"label as '<b>', wanted up to 60 letters"),
    "another's label": ({"label": "dlib ResNet-29"}, r"has the label of another recogniser"),
    "a truth that is none": ({"normalise": "yes"}, r"normalise as 'yes', wanted true or false"),
    "a threshold without source": (
        {"threshold": {"measure": "l2", "value": 1.1}},
        r"has a threshold without source; write a table",
    ),
    "a threshold of another measure": (
        {"threshold": {"measure": "psnr", "value": 1.1, "source": "me"}},
        r"measure as 'psnr', wanted one of cosine_similarity",
    ),
    "a threshold out of reach": (
        {"threshold": {"measure": "cosine_similarity", "value": 1.3, "source": "me"}},
        r"value as '1.3', wanted a number between -1 and 1 for cosine_similarity",
    ),
    "another size than the network's": (
        {"size": 64},
        r"'x.onnx' takes any × 3 × 48 × 48, and its description says 64 × 64 pixels",
    ),
}


@pytest.mark.parametrize("what", DESCRIPTIONS)
def test_what_is_missing_or_contradicts_is_one_sentence(
    what: str, tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed, said = DESCRIPTIONS[what]
    path = write_own(tmp_path, "x", **changed)
    with pytest.raises(BlurdashError, match=said) as raised:
        load_embedder(f"onnx:{path}")
    assert str(tmp_path) not in str(raised.value)
    assert main(["readout", str(photo), "--embedder", f"onnx:{path}"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def broken(folder: Path, kind: str) -> Path:
    """A pair of files with something wrong in one of both."""
    path = write_own(folder, "x")
    if kind == "no file":
        path.unlink()
    elif kind == "no description":
        path.with_suffix(".toml").unlink()
    elif kind == "no TOML":
        path.with_suffix(".toml").write_text("size = ")
    elif kind == "no text":
        path.with_suffix(".toml").write_bytes(b"\xff\xfe\x00")
    elif kind == "too long":
        path.with_suffix(".toml").write_text("#" * 70_000)
    elif kind == "no ONNX":
        path.write_bytes(b"\x00\x01not a network")
    elif kind == "cut off":
        path.write_bytes(path.read_bytes()[:-900])
    elif kind == "numbers elsewhere":
        model = small_network()
        onnx.save(model, str(path), save_as_external_data=True, size_threshold=0)
    elif kind == "a bad name":
        return write_own(folder, "my network")
    return path


KINDS = {
    "no file": r"there is no file 'x.onnx' to read a recogniser from",
    "no description": r"'x.toml', which is to describe 'x.onnx', cannot be read \(No such file",
    "no TOML": r"'x.toml' is no TOML \(",
    "no text": r"'x.toml' is no TOML \(",
    "too long": r"'x.toml' is larger than 65,536 bytes",
    "no ONNX": r"'x.onnx' cannot be run \(",
    "cut off": r"'x.onnx' cannot be run \(",
    "numbers elsewhere": r"'x.onnx' cannot be run \(.*; export it anew, all of it in one file",
    "a bad name": r"a recogniser cannot be called 'my network'",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_broken_is_one_sentence(kind: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=KINDS[kind]) as raised:
        load_embedder(f"onnx:{broken(tmp_path, kind)}")
    assert "\n" not in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_no_file_of_the_host_keeps_the_others_from_being_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_own(tmp_path, "good", label="Good one")
    bad = write_own(tmp_path, "bad")
    bad.with_suffix(".toml").write_text("size = 0x" + "f" * 5000)
    deep = write_own(tmp_path, "deep", size=None)
    text = deep.with_suffix(".toml").read_text()
    deep.with_suffix(".toml").write_text("size" + ".a" * 3000 + " = 1\n" + text)
    monkeypatch.setenv(own.HOST_VARIABLE, str(tmp_path))
    assert len(own.offer_host_recognisers()) == 2
    assert load_embedder("onnx:good").name == "onnx:good"
    monkeypatch.setattr(own, "_registered", lambda file: 1 / 0)
    monkeypatch.setattr(own, "_offered", {})
    assert "'bad.onnx' cannot be read (ZeroDivisionError)" in own.offer_host_recognisers()


def test_what_fails_on_a_face_is_that_pictures_failure(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The network is found good when it is loaded, and fails afterwards."""
    path = write_own(tmp_path)
    assert load_embedder(f"onnx:{path}").dim == 16
    network = EMBEDDERS["onnx:made-up"].load(LoadOptions())._network  # type: ignore[attr-defined]
    network._session = SimpleNamespace(run=fail)
    assert main(["readout", str(photo), "--embedder", "onnx:made-up"]) == 2
    err = capsys.readouterr().err
    assert "'made-up.onnx' cannot be run on" in err
    assert err.count("\n") == 1
    out = tmp_path / "s.parquet"
    words = ["sweep", str(photo.parent), "--out", str(out), "--degrees", "0,50"]
    assert main([*words, "--embedder", "onnx:made-up"]) == 2
    err = capsys.readouterr().err
    assert "the recogniser onnx:made-up failed ('made-up.onnx' cannot be run" in err
    assert err.count("\n") == 1


def fail(_outputs: list[str], _fed: dict[str, Any]) -> list[Any]:
    raise ValueError("out of memory")


NETWORKS: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "of numbers": (lambda: small_network(dtype=TensorProto.DOUBLE), r"takes tensor\(double\)"),
    "of one channel": (lambda: small_network(("n", 1, 48, 48)), r"takes any × 1 × 48 × 48"),
    "of one number": (lambda: small_network(dim=1), r"gives 1 numbers a picture, wanted 2 to"),
}


@pytest.mark.parametrize("what", NETWORKS)
def test_a_network_that_takes_something_else_is_refused(what: str, tmp_path: Path) -> None:
    model, said = NETWORKS[what]
    with pytest.raises(WeightsError, match=said):
        loaded(write_own(tmp_path, model=model()))


def test_numbers_in_a_file_beside_it_are_refused_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No hash would cover them: ONNX Runtime would look for them in the folder one stands in."""
    monkeypatch.chdir(tmp_path)
    path = write_own(tmp_path)
    onnx.save(small_network(), "made-up.onnx", save_as_external_data=True, size_threshold=0)
    with pytest.raises(WeightsError, match=r"cannot be run .*; export it anew, all of it in one"):
        load_embedder(f"onnx:{path}")


def test_a_network_whose_embedding_depends_on_the_batch_is_refused(tmp_path: Path) -> None:
    for kind, said in (
        ("mean", r"gives 1 × 16 for 3 pictures"),
        ("minus the mean", "gives a picture another embedding among others than alone"),
        ("of two", r"cannot be run on \d pictures of 48 px \("),
    ):
        model = depending_on_the_batch(kind)
        path = write_own(tmp_path, kind.replace(" ", "-"), model)
        with pytest.raises(WeightsError, match=said) as raised:
            loaded(path)
        assert str(raised.value).count(";") == 1, "wrapped once"


def test_a_library_that_is_built_for_a_gpu_where_there_is_none_says_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    built_for = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    session = onnxruntime.InferenceSession

    def without_it(model: bytes, options: Any, providers: list[str]) -> Any:
        return session(model, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built_for)
    monkeypatch.setattr(onnxruntime, "InferenceSession", without_it)
    path = write_own(tmp_path)
    assert load_embedder(f"onnx:{path}").device == "cpu"
    with pytest.raises(SettingError, match=r"the device .cuda. cannot be used .*; use auto, cpu"):
        load_embedder(f"onnx:{path}", device="cuda")


def test_without_onnx_runtime_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SettingError, match=r'not installed; .*pip install "blurdash\[onnx\]"'):
        load_embedder(f"onnx:{write_own(tmp_path)}")


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="the device 'cuda' cannot be used by ONNX Runtime"):
        load_embedder(f"onnx:{write_own(tmp_path)}", device="cuda")


def test_it_has_no_protocol_of_the_study(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="the recogniser onnx:made-up has no study protocol"):
        load_embedder(f"onnx:{write_own(tmp_path)}", protocol="study")


# --- a recogniser like any other ------------------------------------------------------------------


def test_several_threads_get_what_one_gets(tmp_path: Path, portrait_face: Face) -> None:
    pictures = [np.roll(portrait_face.canvas, 90 * i, 1) // (i + 1) for i in range(4)]
    assert wrong(load_embedder(f"onnx:{write_own(tmp_path)}"), pictures, portrait_face) == 0


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (write_own(tmp_path / name) for name in ("a", "b"))
    embedder = load_embedder(f"onnx:{first}")
    assert load_embedder("onnx:made-up") is embedder
    with pytest.raises(SettingError, match="two files are called 'onnx:made-up'; rename"):
        load_embedder(f"onnx:{second}")
    with pytest.raises(SettingError, match="'onnx:another' was asked for, and the file"):
        load_embedder("onnx:another", weights=str(first))


def test_a_file_without_the_word_before_it_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="is an ONNX file; write onnx: before its path"):
        load_embedder(str(write_own(tmp_path)))


def test_a_threshold_is_said_the_way_its_measure_goes(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for measure, said in (("cosine_similarity", "Cosine similarity from"), ("l2", "up to")):
        threshold = {"measure": measure, "value": 0.5, "source": "a test"}
        path = write_own(tmp_path, f"by-{measure}", threshold=threshold, label=measure)
        assert main(["readout", str(photo), "--embedder", f"onnx:{path}"]) == 0
        assert f"{said} 0.5 (a test)" in capsys.readouterr().out


def test_one_file_is_one_recogniser_however_it_is_spelt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "v1").mkdir()
    path = write_own(tmp_path / "v1")
    (tmp_path / "current").symlink_to(tmp_path / "v1")
    monkeypatch.chdir(tmp_path)
    first = load_embedder(f"onnx:{path}")
    spelt = ("v1/made-up.onnx", "v1/../v1/made-up.onnx", "current/made-up.onnx", "made-up")
    for other in (*spelt, "made-up.onnx"):
        assert load_embedder(f"onnx:{other}") is first
    with pytest.raises(WeightsError, match="there is no file 'mad' to read"):
        load_embedder("onnx:mad")


def test_a_name_and_a_file_that_is_given_for_it_belong_together(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    here = write_own(tmp_path, "v1")
    for name in ("v1.2", "another", str(tmp_path / "else" / "v1.onnx")):
        with pytest.raises(SettingError, match="was asked for, and the file given is 'onnx:v1'"):
            load_embedder(f"onnx:{name}", weights=str(here))
    for name in ("v1", "v1.onnx", str(here)):
        assert load_embedder(f"onnx:{name}", weights=str(here)).name == "onnx:v1"


ODD = ("~nosuchuser/x.onnx", "x" * 300, "x\0y", "", ".", "/", "/dev/null", "dir.onnx", "onnx:x")


@pytest.mark.parametrize("name", ODD)
def test_a_path_that_is_none_is_one_sentence(
    name: str, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir.onnx").mkdir()
    with pytest.raises(WeightsError, match=r"there is no file|onnx: names no file"):
        load_embedder(f"onnx:{name}")


def test_a_receipt_has_the_hash_of_both_files_and_no_path(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    threshold = {"measure": "cosine_similarity", "value": 0.3, "source": "ourselves, 90 % on LFW"}
    path = write_own(tmp_path, threshold=threshold)
    name = f"onnx:{path}"
    assert main(["readout", str(photo), "--embedder", name, "--degree", "30", "--json"]) == 0
    text = capsys.readouterr().out
    assert str(tmp_path) not in text
    found = json.loads(text)
    both = path.read_bytes() + path.with_suffix(".toml").read_bytes()
    assert found["receipt"]["embedder"] == "onnx:made-up"
    assert found["receipt"]["weights_sha256"] == hashlib.sha256(both).hexdigest()
    assert found["receipt"]["geometry"]["mtcnn_box"]
    assert found["receipt"]["versions"]["onnxruntime"]
    assert found["verdict"]["source"] == "ourselves, 90 % on LFW"
    receipt = tmp_path / "receipt.json"
    receipt.write_text(text)
    EMBEDDERS.pop("onnx:made-up")
    words = ["verify", str(receipt), "--photo", str(photo)]
    assert main(words) == 3, "nobody says where it is"
    assert "there is no file 'made-up'" in capsys.readouterr().out
    assert main([*words, "--weights", str(path)]) == 0
    assert main([*words, "--weights", str(tmp_path)]) == 0, "the folder that it is in"
    assert "cosine_similarity" in capsys.readouterr().out
    write_own(tmp_path, scale=0.01)
    EMBEDDERS.pop("onnx:made-up")
    embed._loaded.clear()
    assert main([*words, "--weights", str(path)]) == 3, "another description, other numbers"


def test_a_sweep_names_it_and_no_path(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = write_own(tmp_path), tmp_path / "sweep.parquet"
    words = ["sweep", str(photo.parent), "--out", str(out), "--degrees", "0,50"]
    assert main([*words, "--embedder", f"onnx:{path}"]) == 0, capsys.readouterr().err
    assert pq.read_table(out)["embedder"].unique().to_pylist() == ["onnx:made-up"]
    settings = read_settings(out)
    assert settings["recogniser"]["label"] == "Made up"
    assert settings["identity"]["embedder"] == "onnx:made-up"
    assert str(tmp_path) not in json.dumps(settings)


def test_workers_elsewhere_are_told_where_it_is(tmp_path: Path) -> None:
    path = write_own(tmp_path)
    sweep = Sweep(degrees=(0,), embedder=f"onnx:{path}")
    assert sweep.embedder == "onnx:made-up"
    embedder = load_embedder(sweep.embedder)
    load = RunOptions().load_elsewhere(embedder)
    EMBEDDERS.pop("onnx:made-up")  # as in another process
    embed._loaded.clear()
    again = embed.load_with(sweep.embedder, load)
    assert (again.name, again.weights_sha256) == (embedder.name, embedder.weights_sha256)


@pytest.mark.long
def test_a_reference_is_measured_under_it(
    tmp_path: Path,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("blurdash.reference_run.ReferenceSettings", Quick)
    folder = tmp_path / "faces"
    folder.mkdir()
    picture = Image.open(photo)
    picture.save(folder / "a.png")
    picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "b.png")
    words = ["reference", str(folder), "--embedder", f"onnx:{write_own(tmp_path)}"]
    assert main(words) == 0, capsys.readouterr().err
    reference = load_reference(
        tmp_path / "data" / "blurdash" / "references" / "faces-onnx-made-up-study"
    )
    reference.check()
    assert (reference.label, reference.under.recogniser) == ("Made up", "onnx:made-up")
    assert str(tmp_path) not in json.dumps(dict(reference.manifest))
    assert "--embedder onnx:made-up" in reference.manifest["command"]


def test_a_comparison_names_it_and_no_path(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", str(photo), str(photo), "--embedder", f"onnx:{write_own(tmp_path)}"]
    assert main([*words, "--json"]) == 0, capsys.readouterr().err
    text = capsys.readouterr().out
    assert str(tmp_path) not in text
    assert "recogniser=onnx:made-up" in text
    assert "onnxruntime=" in text


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(recogniser, "_loading", {})
    recogniser._say_what_is_not_offered.cache_clear()
    return AppTest.from_file(APP, default_timeout=60)


def test_a_visitor_chooses_among_those_that_the_host_named(
    tmp_path: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_own(tmp_path, "first", label="First of the host", normalise=True)
    write_own(tmp_path, "second", label="Second of the host")
    monkeypatch.setenv(own.HOST_VARIABLE, str(tmp_path))
    app.query_params["recogniser"] = "onnx:second"
    app.run()
    assert recogniser.request("onnx:second", "native").done.wait(60)
    app.run()
    assert not app.exception
    box = next(one for one in app.selectbox if one.label == "Recogniser")
    assert {"First of the host", "Second of the host"} <= set(box.options)
    data = component_data(app, "bd_controls")
    assert data["recogniser"]["label"] == "Second of the host"
    assert data["recogniser"]["person"] is None, "nobody measured strangers under it"


def test_no_path_comes_from_a_visitor(tmp_path: Path, app: AppTest) -> None:
    path = write_own(tmp_path)
    app.query_params["recogniser"] = f"onnx:{path}"
    app.run()
    assert not app.exception
    assert "onnx:made-up" not in EMBEDDERS
    box = next(one for one in app.selectbox if one.label == "Recogniser")
    assert box.value == "auto"


def _method() -> None:
    from blurdash.ui.method.page import method_page

    method_page()


def test_what_cannot_be_offered_is_said_to_the_host(
    tmp_path: Path,
    app: AppTest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_own(tmp_path, "good", label="Good one")
    write_own(tmp_path, "bad_one", size=64)
    monkeypatch.setenv(own.HOST_VARIABLE, str(tmp_path))
    with caplog.at_level(logging.WARNING, "blurdash"):
        app.run()
        app.run()
    assert [one.getMessage() for one in caplog.records if "not offered" in one.getMessage()] == [
        "a recogniser is not offered: 'bad_one.onnx' takes any × 3 × 48 × 48, and its description "
        "says 64 × 64 pixels; correct size in 'bad_one.toml'"
    ]
    method = AppTest.from_function(_method, default_timeout=60).run()
    assert "'bad_one.onnx' takes any" in method.text[-1].value
    box = next(one for one in app.selectbox if one.label == "Recogniser")
    assert "Good one" in box.options
    with pytest.raises(WeightsError, match=r"'bad_one.onnx' takes"):
        load_embedder("onnx:bad_one")


def test_a_place_that_holds_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(own.HOST_VARIABLE, str(tmp_path))
    (problem,) = own.offer_host_recognisers()
    assert problem == "the folder that BLURDASH_RECOGNISERS names holds no ONNX file"
    monkeypatch.setenv(own.HOST_VARIABLE, str(tmp_path / "nowhere"))
    (problem,) = own.offer_host_recognisers()
    assert problem.startswith("BLURDASH_RECOGNISERS names 'nowhere', which is no ONNX file and no")
    monkeypatch.setenv(own.HOST_VARIABLE, "~nosuchuser/models")
    assert len(own.offer_host_recognisers()) == 1
    monkeypatch.setenv(own.HOST_VARIABLE, str(write_own(tmp_path)))
    assert own.offer_host_recognisers() == ()
    assert "onnx:made-up" in EMBEDDERS


def test_a_folder_is_found_in_the_home_and_endings_in_capitals_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    path = write_own(tmp_path / "models")
    path.rename(path.with_suffix(".ONNX"))
    (tmp_path / "models" / "gone.onnx").symlink_to(tmp_path / "nowhere.onnx")
    monkeypatch.setenv(own.HOST_VARIABLE, "~/models")
    (problem,) = own.offer_host_recognisers()
    assert problem.startswith("there is no file 'gone.onnx' to read a recogniser from; give onnx:")
    assert load_embedder("onnx:made-up").name == "onnx:made-up"
