"""What holds for every recogniser: any number of threads, and loading beside another's download."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from blurdash import embed
from blurdash.canvas import Picture
from blurdash.embed import EMBEDDERS, Embedder, Embeddings, LoadOptions, load_embedder
from blurdash.embed.facenet import FaceNetNetwork, random_network
from blurdash.embed.facenet_embedder import FaceNetCasiaWebface, FaceNetEmbedder, FaceNetVggface2
from blurdash.embed.faceres import load
from blurdash.errors import WeightsError
from blurdash.face import Face
from tests.graph_models import faceres_like
from tests.marks import long_but

THREADS, CALLS, CROWD = 4, 12, "crowd"


@functools.cache
def network() -> FaceNetNetwork:
    """FaceNet's structure with random numbers: the real ones cannot be fetched here."""
    return random_network(seed=3)


def facenet(kind: type[FaceNetEmbedder]) -> Embedder:
    return kind(network(), "native", "0" * 64)


# A new row needs an entry here: how a test gets it.
LOADED: dict[str, Callable[[], Embedder]] = {
    "facenet-vggface2": lambda: facenet(FaceNetVggface2),
    "facenet-casia-webface": lambda: facenet(FaceNetCasiaWebface),
    "dlib": lambda: load_embedder("dlib"),
    "faceres": lambda: made_faceres(),
}


@functools.cache
def made_faceres() -> Embedder:
    """FaceRes' structure with numbers that mean nothing."""
    with tempfile.TemporaryDirectory() as name:
        faceres_like().write(Path(name))
        return load(LoadOptions(weights=name))


class Forgetful(Embedder):
    """Keeps its input in itself while it computes, as many a library does."""

    name, dim, normalised = "forgetful", 3, False
    crowded = False  # whether several threads are let in at once

    def __init__(self, options: LoadOptions) -> None:
        super().__init__(options.protocol, "0" * 64)
        self.inside = threading.Barrier(THREADS)

    def crop(self, canvas: Picture, face: Face) -> Picture:
        return canvas[::64, ::64].copy()

    def embed_crops(self, crops: Picture) -> Embeddings:
        self.input = crops
        if self.crowded and threading.current_thread().name.startswith(CROWD):
            self.inside.wait(30)  # for the others, who have put theirs in by then
        return self.input.mean((1, 2)).astype(np.float32)


@pytest.fixture
def pictures(portrait_face: Face) -> list[Picture]:
    return [np.roll(portrait_face.canvas, 90 * i, 1) // (i + 1) for i in range(THREADS)]


def wrong(embedder: Embedder, pictures: list[Picture], face: Face) -> int:
    """How many embeddings that several threads get are not those that one gets."""
    wanted = [embedder.embed(one, face)[0] for one in pictures]

    def differs(number: int) -> bool:
        found = embedder.embed(pictures[number % THREADS], face)[0]
        return not np.allclose(found, wanted[number % THREADS], atol=1e-5)

    with ThreadPoolExecutor(THREADS, CROWD) as pool:
        return sum(pool.map(differs, range(CALLS)))


@pytest.mark.parametrize("name", long_but({"dlib", "facenet-vggface2"}, EMBEDDERS))
def test_several_threads_get_what_one_gets(
    name: str, pictures: list[Picture], portrait_face: Face
) -> None:
    assert EMBEDDERS[name].several_threads
    assert wrong(LOADED[name](), pictures, portrait_face) == 0


@pytest.mark.parametrize("allowed", [False, True])
def test_a_row_that_does_not_say_so_is_called_one_at_a_time(
    allowed: bool, pictures: list[Picture], portrait_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    like = dataclasses.replace(
        EMBEDDERS["dlib"], name="forgetful", dim=3, load=Forgetful, several_threads=allowed
    )
    monkeypatch.setitem(EMBEDDERS, "forgetful", like)
    monkeypatch.setattr(embed, "_loaded", {})
    monkeypatch.setattr(Forgetful, "crowded", allowed)
    embedder = load_embedder("forgetful")
    assert (embedder.name, embedder.dim, embedder.normalised) == ("forgetful", 3, False)
    assert (wrong(embedder, pictures, portrait_face) > 0) == allowed


def test_one_recogniser_is_loaded_while_another_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, fetched = threading.Event(), threading.Event()

    def slow(_options: LoadOptions) -> Embedder:
        begun.set()
        fetched.wait(60)
        raise WeightsError("not fetched", hint="none")

    name = "facenet-casia-webface"
    monkeypatch.setitem(EMBEDDERS, name, dataclasses.replace(EMBEDDERS[name], load=slow))
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(load_embedder, name)
        assert begun.wait(60)
        assert load_embedder("dlib").name == "dlib"
        assert not other.done()
        fetched.set()
        with pytest.raises(WeightsError):
            other.result(60)
