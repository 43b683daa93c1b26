"""Makes the portrait's shipped sweeps: numbers only, each with a manifest.

    python -m assets.sweeps.make [--cache DIR]

Needs nothing but scikit-image. Takes a minute or two on two cores; what an interrupted run finished
is kept in DIR and not computed again. Those of other faces: ``assets/references/make.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa

from blurdash.embed import load_embedder
from blurdash.photo import load_photo
from blurdash.portrait import portrait_photo
from blurdash.sweep import Source, Sweep, find_sources, run_sweep
from blurdash.sweep_file import read_sweep, settings_of, write_sweep

HERE = Path(__file__).resolve().parent
PORTRAIT_SOURCE = "scikit-image's astronaut (Eileen Collins, NASA, public domain)"
EXACT = Sweep(embedder="dlib", blur="exact")
SWEEPS = {
    f"{kernel}_{name}": dataclasses.replace(EXACT, kernel=kernel, **settings)
    for kernel in ("study", "line")
    for name, settings in (
        ("fix45", {"angle": 45.0}),
        ("random", {"angle": "random"}),
        ("map", {"angle": "all", "degrees": tuple(range(0, 101, 20))}),
    )
}


def main() -> None:
    """Makes every shipped sweep."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", help="where finished sweeps are kept meanwhile")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        portrait = Path(name) / "portrait"
        portrait.mkdir()
        bgr = cv2.cvtColor(portrait_photo(), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(portrait / "astronaut.png"), bgr)
        cache = Path(arguments.cache or name)
        for which, sweep in SWEEPS.items():
            ship(portrait, which, sweep, cache)


def ship(folder: Path, which: str, sweep: Sweep, cache: Path) -> None:
    """Runs a sweep and puts its table and manifest beside this file."""
    made = cache / f"astronaut_dlib_{which}.parquet"
    run_sweep(folder, made, sweep, embedder=load_embedder("dlib"))
    table = read_sweep(made)
    sources = find_sources(folder, sweep).found[: sweep.limit]
    settings = settings_of(table)
    settings.pop("format")
    out = HERE / made.name
    write_sweep(out, [table], lambda: settings)
    manifest = _manifest(out, table, settings, sources, sweep)
    out.with_suffix(".json").write_text(
        json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(f"{out.name}: {len(table)} rows, {out.stat().st_size / 1024:.0f} kB")  # noqa: T201


def _manifest(
    out: Path,
    table: pa.Table,
    settings: dict[str, Any],
    sources: list[Source],
    sweep: Sweep,
) -> dict[str, Any]:
    step = 20 if sweep.angle == "all" else 1
    return {
        "table": out.name,
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "rows": len(table),
        "source": PORTRAIT_SOURCE,
        "created": settings["created"],
        "command": (
            f"python -m blurdash sweep FOLDER --out {out.name} --embedder dlib --blur exact "
            f"--kernel {sweep.kernel} --angle {sweep.angle} --degrees 0:100:{step}"
        ),
        "faces": "random angles were drawn from the file's own name, and stand in the table",
        "pixels_sha256": [
            hashlib.sha256(load_photo(one.photo).tobytes()).hexdigest() for one in sources
        ],
        "settings": settings["identity"],
        "blur": settings["blur"],
        "recogniser": settings["recogniser"],
        "versions": settings["versions"],
    }


if __name__ == "__main__":
    main()
