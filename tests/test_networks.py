"""Recognisers' networks as browsers get them: under their hash, and no more often than is fair."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette

from blurdash.blur import Change, apply_change, reference_picture
from blurdash.distance import DISTANCES
from blurdash.embed.program import Program
from blurdash.face import Face
from blurdash.ui.components.scripts import script
from blurdash.ui.server.networks import Networks, network_key, network_routes
from blurdash.ui.server.rates import Limit
from blurdash.ui.visitor.reader import reader_data
from blurdash.ui.visitor.view import View, settings_key
from tests.node import answer_of


class Answer:
    """What came back: status, headers by name, body."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        start, *parts = messages
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(part.get("body", b"") for part in parts)


def ask(networks: Networks, path: str, **headers: str) -> Answer:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 9),
        "server": ("127.0.0.1", 80),
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }
    asyncio.run(Starlette(routes=network_routes("faces", networks))(scope, receive, send))
    return Answer(sent)


@pytest.fixture(scope="module")
def offered(dlib_embedder: Any) -> tuple[Networks, str, bytes]:
    networks = Networks()
    key = networks.offer(dlib_embedder)
    program = dlib_embedder.program()
    assert isinstance(program, Program)
    return networks, key, program.packed()


def test_it_is_sent_packed_with_a_tag_and_for_good(offered: Any):
    networks, key, packed = offered
    answer = ask(networks, f"/faces/network/{key}", accept_encoding="gzip, br")
    assert answer.status == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert gzip.decompress(answer.body) == packed
    assert len(answer.body) < len(packed)
    again = ask(networks, f"/faces/network/{key}", if_none_match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    plain = ask(networks, f"/faces/network/{key}")
    assert "content-encoding" not in plain.headers
    assert plain.body == packed
    assert ask(networks, f"/faces/network/{key}", accept_encoding="gzip").body == answer.body


def test_others_are_not_there(offered: Any):
    networks, key, _ = offered
    for path in (f"/faces/network/{key[:-1]}0x", "/faces/network/", f"/network/{key}"):
        assert ask(networks, path).status == 404


def test_what_cannot_be_written_down_stays_on_the_server(dlib_embedder: Any):
    class Odd:
        name, protocol, weights_sha256 = "odd", "native", "0" * 64

        def program(self) -> None:
            return None

    networks = Networks()
    key = networks.offer(Odd())  # type: ignore[arg-type]
    assert ask(networks, f"/faces/network/{key}").status == 404
    assert networks.offer(Odd()) == ""  # type: ignore[arg-type]
    assert key != network_key(dlib_embedder)


def test_who_asks_too_often_waits(offered: Any, monkeypatch: pytest.MonkeyPatch):
    from blurdash.ui.server import networks as module

    networks, key, _ = offered
    monkeypatch.setattr(module, "NETWORK_LIMIT", Limit(1, 0.1))
    routes = network_routes("faces", networks)
    monkeypatch.setattr("tests.test_networks.network_routes", lambda *_: routes)
    assert ask(networks, f"/faces/network/{key}").status == 200
    late = ask(networks, f"/faces/network/{key}")
    assert (late.status, int(late.headers["retry-after"]) > 5) == (429, True)


def test_the_page_is_told_where_it_is_and_how_to_cut(dlib_embedder: Any, portrait_face: Face):
    view = View()
    said = reader_data(view, portrait_face, dlib_embedder)
    assert said is not None
    assert said["network"] == f"/network/{network_key(dlib_embedder)}"
    assert said["key"] == settings_key(view)
    assert len(said["plan"]["grid"]) == 6
    json.dumps(said)
    assert reader_data(View(crop="redetect"), portrait_face, dlib_embedder) is None
    assert reader_data(view, portrait_face, None) is None


READ_OUT = """import { CORE_BYTES } from "./core_source.js";
import { Core } from "./wasm/core.js";
import { Network, distancesOf } from "./wasm/network.js";

const { readFileSync } = await import("node:fs");
const core = Uint8Array.from(atob(CORE_BYTES), (one) => one.charCodeAt(0));
const bytes = (path) => new Uint8Array(readFileSync(path)).slice().buffer;
const pictures = await Core.start(core);
pictures.setPicture(new Uint8ClampedArray(bytes(known.canvas)), 1024, true);
const network = await Network.start(core, bytes(known.network));
pictures.compareWith(true);
const reference = network.embed(pictures.crop(known.plan, true));
const taps = Float64Array.from(known.taps);
pictures.change({ taps, unit: known.unit, size: known.size }, true, [3, -2]);
const test = network.embed(pictures.crop(known.plan, false));
let refused = "";
try { await Network.start(core, new ArrayBuffer(64)); } catch (error) { refused = error.message; }
const found = { ...distancesOf(reference, test), ...pictures.compare() };
answer([found, refused, distancesOf(test, test)]);
"""


def test_the_scripts_read_a_face_out_as_the_server_does(
    offered: Any, dlib_embedder: Any, portrait_face: Face, tmp_path: Any
):
    change = Change(40, 20, "study", 3, -2)
    canvas = portrait_face.canvas
    rgba = np.concatenate([canvas, np.full((1024, 1024, 1), 255, np.uint8)], 2)
    (tmp_path / "canvas").write_bytes(rgba.tobytes())
    (tmp_path / "network").write_bytes(offered[2])
    kernel = change.taps()
    rows, columns = np.nonzero(kernel)
    taps = np.stack([columns - 20, rows - 20, kernel[rows, columns]], 1)
    said = reader_data(View(), portrait_face, dlib_embedder)
    assert said is not None
    known = {
        "canvas": str(tmp_path / "canvas"),
        "network": str(tmp_path / "network"),
        "plan": said["plan"],
        "taps": taps.ravel().tolist(),
        "unit": 40 * 1024,
        "size": 40,
    }
    code = f"const known = {json.dumps(known)};\n"
    found, refused, same = answer_of(
        script("test.js", {"test.js": READ_OUT.replace("const core", code + "const core", 1)})
    )
    pictures = [reference_picture(canvas, "study"), apply_change(canvas, change)]
    reference, test = dlib_embedder.embed(pictures, portrait_face)
    for name, row in DISTANCES.items():
        tolerance = 1e-3 if name == "l1" else 1e-4
        assert found[name] == pytest.approx(row.compute(reference, test), abs=tolerance), name
    assert "no packed network" in refused
    assert same == {"cosine_similarity": 1, "cosine_distance": 0, "l1": 0, "l2": 0}
