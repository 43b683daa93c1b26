"""Hostile files: every named attack, a sample of damaged files, and that no pickle is ever run.

``python -m benchmarks.fuzz`` runs the same over twenty thousand inputs.
"""

from __future__ import annotations

import ast
import contextlib
import pickle
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import fuzz
from benchmarks.hostile import payload, photos, tables, weights
from benchmarks.hostile.mutate import MUTATIONS
from blurdash.errors import BlurdashError, PhotoError, TableError, WeightsError
from blurdash.photo import load_photo
from blurdash.sweep_file import SCHEMA, read_settings, read_sweep, settings_of
from blurdash.weights import WeightsFile, find

PACKAGE = Path(load_photo.__code__.co_filename).parent
MODULES: dict[str, ModuleType] = {"photo": photos, "table": tables, "weights": weights}
SAMPLE = {"photo": 900, "table": 500}  # of weights the attacks do: each costs a second
# An attack takes no more than reading something ordinary does. The bounds leave room for a slow
# machine: each stopped attack took minutes or gigabytes before.
SECONDS, MEGABYTES = 5.0, 500.0

only_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory is read from /proc"
)


def attacks() -> list[str]:
    """Names of all attacks but pictures of full size, which take seconds each."""
    return [
        f"{family}:={label}"
        for family, module in MODULES.items()
        for label, attack in module.ATTACKS.items()
        if not getattr(attack, "heavy", False)
    ]


@cache
def outcomes() -> dict[str, fuzz.Outcome]:
    """What came of the attacks and of the sample, all read once, in processes of their own."""
    sample = [f"{family}:{n}" for family, count in SAMPLE.items() for n in range(count)]
    return {one.name: one for one in fuzz.run(attacks() + sample, seed=2024, workers=2)}


# ---- named attacks, and a sample of damage ----


@pytest.mark.long
@only_linux
@pytest.mark.parametrize("name", attacks())
@pytest.mark.xdist_group("fuzz")
def test_attack(name: str) -> None:
    outcome = outcomes()[name]
    assert outcome.result in ("read", "refused"), outcome
    assert outcome.how.endswith(outcome.result), outcome
    assert outcome.seconds < SECONDS, outcome
    assert outcome.megabytes < MEGABYTES, outcome


@pytest.mark.long
@only_linux
@pytest.mark.parametrize("family", SAMPLE)
@pytest.mark.xdist_group("fuzz")
def test_a_sample_of_damage(family: str) -> None:
    sample = [
        one for name, one in outcomes().items() if name.startswith(f"{family}:") and "=" not in name
    ]
    assert len(sample) == SAMPLE[family]
    wrong = [one for one in sample if one.result == "other"]
    assert wrong == []
    # Damage of all kinds gets through and is refused, or the sample would show nothing.
    assert {one.result for one in sample} == {"read", "refused"}


NOTICED = {
    "nothing": ("read", ""),
    "refused": ("refused", "it is no picture"),
    "crash": ("other", "ended the process (-6): Fatal Python error: Aborted"),
    "exit": ("other", "ended the process (0)"),
    "hang": ("other", "hangs"),
    "slow": ("other", " s"),
    "large": ("other", " MB"),
    "out of memory": ("other", "out of memory"),
    "wrong error": ("other", "KeyError: 'x'"),
    "error of another file": ("other", "TableError: it is no table"),
    "two lines": ("other", "control characters"),
    "escape sequence": ("other", "control characters"),
    "markup": ("other", "has ['![', '](']"),
    "long text": ("other", "has 1000 characters"),
    "pickle": ("other", "a pickle was run"),
}


@pytest.mark.long
@only_linux
@pytest.mark.xdist_group("fuzz")
def test_a_run_notices_whatever_goes_wrong() -> None:
    found = fuzz.run([f"trap:={name}" for name in NOTICED], seed=0, patience=20.0)
    assert {one.name for one in found} == {f"trap:={name}" for name in NOTICED}
    for one in found:
        result, detail = NOTICED[one.name.removeprefix("trap:=")]
        assert one.result == result, one
        assert detail in one.detail, one


# ---- the same in this process, with hypothesis choosing the damage ----


@pytest.mark.long
@settings(max_examples=200)
@given(data=st.data())
def test_only_errors_of_ours_come_out(data: st.DataObject) -> None:
    family = data.draw(st.sampled_from(["photo", "table"]))
    label = data.draw(st.sampled_from(sorted(MODULES[family].seeds())))
    file = bytearray(MODULES[family].seeds()[label])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(file), 400)) | st.integers(0, len(file)))
        what = data.draw(st.binary(max_size=8))
        if data.draw(st.booleans()):
            file[at : at + len(what)] = what
        else:
            file[at : at + data.draw(st.integers(0, 64))] = what
    read, error = {"photo": (load_photo, PhotoError), "table": (read_sweep, TableError)}[family]
    with contextlib.suppress(error):
        got = read(bytes(file))
        assert isinstance(got, np.ndarray) if family == "photo" else got.schema.equals(SCHEMA)


@pytest.mark.long
def test_inputs_are_the_same_every_time_and_of_every_kind() -> None:
    for family, module in MODULES.items():
        make = getattr(module, family)
        assert make(5, 3) == make(5, 3)
        assert [make(5, n) for n in range(8)] != [make(6, n) for n in range(8)]
    made = [photos.photo(0, number) for number in range(1500)]
    assert {item.how for item in made} == {*MUTATIONS, "size", "inside", "metadata", "none"}
    kinds = {"JPEG", "PNG", "WebP", "HEIC", "AVIF", "TIFF", "GIF", "BMP"}
    assert {item.kind for item in made} == kinds
    assert {item.name for item in made} == {"", *photos.HOSTILE_NAMES}


@pytest.mark.long
@pytest.mark.parametrize("label", photos.seeds())
def test_whole_photos_are_read(label: str) -> None:
    assert load_photo(photos.seeds()[label]).shape in ((72, 80, 3), (80, 72, 3), (128, 128, 3))


@pytest.mark.long
@pytest.mark.parametrize("label", tables.seeds())
def test_whole_tables_are_read(label: str) -> None:
    table = read_sweep(tables.seeds()[label])
    assert len(table) in (6, 160)
    assert settings_of(table) == tables.GOOD


# ---- names ----


@pytest.mark.long
@pytest.mark.parametrize("name", photos.HOSTILE_NAMES)
def test_errors_carry_no_raw_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with contextlib.suppress(OSError):  # where there can be no such name, there is no such file
        path.write_bytes(b"no file of ours")
    row = WeightsFile("FaceNet", "x.pt", "https://localhost/x.pt", 1_000, 2_000, "", "")
    for read in (load_photo, read_sweep, read_settings, lambda at: find(row, path=at)):
        with pytest.raises(BlurdashError) as caught:
            read(path)
        text = str(caught.value).replace(str(tmp_path), "")
        assert text.isprintable()
        assert len(text) < 500
        assert not [sign for sign in fuzz.MARKUP if sign in text], text


# ---- pickles ----

# Only these may be taken from the module: a class of errors, which reads nothing.
HARMLESS = {"UnpicklingError"}
FORBIDDEN = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """The dotted name and the node of each call of a module."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.long
@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_nothing_in_the_package_unpickles(path: Path) -> None:
    assert unsafe(ast.parse(path.read_text(encoding="utf-8"))) == []


def unsafe(tree: ast.Module) -> list[str]:
    """What in a module could run code from a file."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN:
            found.append(f"from {node.module}")
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names} & FORBIDDEN
            found += [f"import {name}" for name in names - {"pickle"}]
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in FORBIDDEN:
            found += [ast.unparse(node)] if node.attr not in HARMLESS else []
    for name, node in calls(tree):
        given = {word.arg: ast.unparse(word.value) for word in node.keywords}
        last = name.split(".")[-1]
        if name == "torch.load" and given.get("weights_only") != "True":
            found.append(f"{name} without weights_only")
        if name in ("np.load", "numpy.load") and given.get("allow_pickle", "False") != "False":
            found.append(f"{name} with pickles")
        if last in ("read_pickle", "register_extension_type", "add_safe_globals"):
            found.append(name)
        if name in ("torch.jit.load", "torch.hub.load", "torch.package.PackageImporter"):
            found.append(name)
        if name in ("eval", "exec", "compile", "__import__"):
            found.append(name)
    return found


@pytest.mark.long
@pytest.mark.parametrize(
    "line",
    [
        "import pickle\npickle.load(f)",
        "from pickle import loads",
        "import joblib",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "pa.register_extension_type(kind)",
        "torch.jit.load(path)",
        "exec(text)",
    ],
)
def test_the_search_for_pickles_finds_them(line: str) -> None:
    assert unsafe(ast.parse(line))


@pytest.mark.long
def test_the_trap_springs_where_a_pickle_is_run() -> None:
    payload.ran()
    pickle.loads(payload.payload())
    assert payload.ran()
    assert not payload.ran()


@pytest.mark.long
def test_a_table_with_pickles_is_read_and_none_is_run() -> None:
    for label in ("a pickle as a type", "pickles in notes"):
        read_sweep(tables.ATTACKS[label].make())
        assert not payload.ran()


# ---- what the walk over a table must not miss ----


@pytest.mark.long
def test_a_part_of_the_description_that_ends_the_process_is_never_asked_for() -> None:
    """Asking pyarrow for a column's metadata aborts the process if its histogram is damaged."""
    tree = ast.parse((PACKAGE / "sweep_file.py").read_text(encoding="utf-8"))
    assert not [name for name, _ in calls(tree) if name.endswith((".row_group", ".column"))]


@pytest.mark.long
def test_pages_are_counted_as_pyarrow_counts_them() -> None:
    """The unpacked sizes by the walk over the pages, against pyarrow's own sums."""
    from blurdash import sweep_file

    for label, data in tables.seeds().items():
        opened = pa.BufferReader(data)
        groups = sweep_file._fields(sweep_file._footer(opened, sweep_file._HANDED_OVER))[0][4]
        metadata = pa.parquet.ParquetFile(pa.BufferReader(data)).metadata
        for g, group in enumerate(groups):
            for c, chunk in enumerate(group[1]):
                wanted = metadata.row_group(g).column(c)
                assert chunk[3][7] == wanted.total_compressed_size, label
                unpacked = sum(sweep_file._pages(chunk[3], opened))
                heads = wanted.total_uncompressed_size - unpacked
                assert 0 < heads < 0.9 * wanted.total_uncompressed_size + 400, label


@pytest.mark.long
@pytest.mark.parametrize("how", ["bytes", "path"])
def test_a_table_is_read_from_a_path_as_from_bytes(how: str, tmp_path: Path) -> None:
    for data in tables.seeds().values():
        (tmp_path / "t.parquet").write_bytes(data)
        source = data if how == "bytes" else tmp_path / "t.parquet"
        wanted = pa.parquet.read_table(pa.BufferReader(data), schema=SCHEMA)
        assert (
            read_sweep(source)
            .replace_schema_metadata(None)
            .equals(wanted.replace_schema_metadata(None))
        )


@pytest.mark.long
def test_weights_errors_have_their_class() -> None:
    assert {family.error for family in fuzz.FAMILIES.values()} == {
        PhotoError,
        TableError,
        WeightsError,
    }
