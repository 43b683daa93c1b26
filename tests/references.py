"""References for tests: of little, or the shipped numbers as if of another recogniser."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa

from blurdash.embed import Embedder
from blurdash.flips import FlipSettings
from blurdash.measures import CLAIM
from blurdash.receipt import Recogniser
from blurdash.reference import SWEEPS, Reference, load_reference
from blurdash.reference_run import ReferenceSettings, write_reference
from blurdash.sweep_file import settings_of
from blurdash.ui.server.references import SHIPPED

__all__ = ["Quick", "as_if_by"]


@dataclasses.dataclass(frozen=True)
class Quick(ReferenceSettings):
    """Little of everything."""

    degrees: tuple[int, ...] = (0, 30)
    map_degrees: tuple[int, ...] = (0, 50)

    @property
    def flips(self) -> FlipSettings:
        few = {"shifts": (16.0,), "degrees": (30,), "measures": CLAIM}
        return dataclasses.replace(super().flips, **few)  # type: ignore[arg-type]


def as_if_by(embedder: Embedder, out: Path, *, who: str = "faces of a test") -> Reference:
    """Returns a reference of 30 faces under a recogniser that never saw them."""
    shipped = load_reference(SHIPPED / "faces-dlib-study")
    sweeps = {}
    for which in SWEEPS:
        table = shipped.sweep(which)
        column = pa.array([embedder.name] * len(table), pa.string())
        place = table.column_names.index("embedder")
        rows = table.set_column(place, table.schema.field("embedder"), column)
        settings = {key: value for key, value in settings_of(table).items() if key != "format"}
        identity = {**settings["identity"], "embedder": embedder.name}
        identity["weights_sha256"] = embedder.weights_sha256
        known = {**settings, "identity": identity}
        known["recogniser"] = {**Recogniser.of(embedder).for_table(), "threshold": None}
        sweeps[which] = (iter([rows.replace_schema_metadata(None)]), known)
    manifest = {
        **shipped.manifest,
        "name": out.name,
        "who": who,
        "recogniser": Recogniser.of(embedder).for_table(),
    }
    return write_reference(out, sweeps, shipped.flips().as_dict(), shipped.pairs(), manifest)
