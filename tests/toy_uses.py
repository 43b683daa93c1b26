"""Uses every part of the project with the toys, in a process of its own; prints what came as JSON.

Run as ``python -m tests.toy_uses FOLDER``, where the folder has photos in ``photos``.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.toys import KERNEL, MEASURE, RECOGNISER, add

if __name__ == "__main__":  # not where tests are only looked for
    add()

import pyarrow.parquet as pq
from streamlit.testing.v1 import AppTest

from blurdash import cli
from blurdash.ui.server import recogniser

CHOSEN = ("--kernel", KERNEL.name, "--embedder", RECOGNISER.name)


def run(*words: object) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = cli.main([str(word) for word in words])
    if code:
        sys.exit(f"{words[0]} ended with {code}")
    return out.getvalue()


def command_line(folder: Path) -> dict[str, Any]:
    photos, out = folder / "photos", folder / "toy.parquet"
    readout = json.loads(run("readout", next(photos.iterdir()), *CHOSEN, "--json"))
    run("sweep", photos, "--degrees", "0,50", "--out", out, "--workers", "1", *CHOSEN)
    run("figure", out, "--out", folder / "toy.html")
    counts = ("--shifts", "8", "--degrees", "30", "--workers", "1")
    run("argue", photos, "--out", folder / "argued", *counts, *CHOSEN)
    return {
        "readout": readout,
        "sweep": pq.read_table(out).to_pylist(),
        "figure": (folder / "toy.html").read_text(encoding="utf-8"),
        "flips": json.loads((folder / "argued" / "rank_flips.json").read_text("utf-8")),
    }


def explore() -> None:
    from blurdash.ui.explore.page import explore_page

    explore_page()


def argument() -> None:
    from blurdash.ui.argument.page import argument_page

    argument_page()


def sweeps() -> None:
    from blurdash.ui.sweeps.page import sweeps_page

    sweeps_page()


def method() -> None:
    from blurdash.ui.method.page import method_page

    method_page()


def page(draw: Callable[[], None]) -> dict[str, Any]:
    """What a page shows where both toys are chosen."""
    app = AppTest.from_function(draw, default_timeout=60)
    app.query_params["kernel"], app.query_params["recogniser"] = KERNEL.name, RECOGNISER.name
    app.query_params["degree"] = "30"
    app.run()
    shown = [one.value for one in (*app.text, *app.caption, *app.markdown)]
    return {
        "failed": [str(one.value) for one in (*app.exception, *app.error)],
        "chosen": [box.value for box in app.selectbox],
        "shown": " ".join(str(text) for text in shown),
        "sent": [element.proto.json for element in _components(app.main)],
        "tables": [table.value.to_csv() for table in app.dataframe],
    }


def _components(block: Any) -> list[Any]:
    found = []
    for child in getattr(block, "children", {}).values():
        if getattr(getattr(child, "proto", None), "json", ""):
            found.append(child)
        found += _components(child)
    return found


if __name__ == "__main__":
    came = command_line(Path(sys.argv[1]))
    recogniser.request(RECOGNISER.name, "native").done.wait(60)
    came["pages"] = {draw.__name__: page(draw) for draw in (explore, argument, sweeps, method)}
    came["label"] = MEASURE.label
    print(json.dumps(came))
