"""The layer table of the design: who may import whom, and what importing costs."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "blurdash"

# Level of each module or sub-package: it may import only from lower levels.
LEVELS = {
    "errors": 0,
    "table": 0,
    "defaults": 0,
    "words": 0,
    "values": 0,
    "pictures": 0,
    "pauses": 0,
    "circumstances": 1,
    "photo": 1,
    "kernel": 1,
    "distance": 1,
    "quality": 1,
    "weights": 1,
    "canvas": 1,
    "outputs": 1,
    "failures": 1,
    "pairs": 1,
    "strangers": 2,
    "provenance": 1,
    "sceptic": 2,
    "blur": 2,
    "facenet_library": 0,
    "face": 2,
    "folder": 2,
    "sweep_file": 2,
    "finished": 3,
    "embed": 3,
    "engine": 3,
    "portrait": 3,
    "disturb": 3,
    "receipt": 4,
    "register": 3,
    "readout": 6,
    "samples": 4,
    "maps": 4,
    "sweep": 6,
    "measures": 4,
    "clean": 5,
    "verify": 7,
    "argument": 7,
    "twins": 7,
    "search": 7,
    "flips": 7,
    "argue": 8,
    "compare": 8,
    "summary": 7,
    "alike": 7,
    "figure": 8,
    "reference": 9,
    "sentences": 10,
    "ui": 11,
    "page_file": 12,
    "cli": 13,
    "__main__": 14,
}
# The same inside of the pages.
ROOMS = {
    "server": 1,
    "components": 1,
    "visitor": 2,
    "vote": 3,
    "explore": 4,
    "argument": 4,
    "sweeps": 4,
    "method": 4,
    "one_file": 5,
    "app": 5,
}
# Inside a sub-package, and within this level among themselves: table may use errors.
SIBLINGS = ("embed", "ui", "cli", "figure", "reference", "sentences")
SPLIT = (
    "cli",
    "figure",
    "reference",
    "sentences",
)  # rows of several files: cli.py, cli_study.py, ...
LEVEL_ZERO_USES: dict[str, set[str]] = {
    "table": {"errors", "words"},
    "values": {"errors"},
    "pictures": {"errors"},
    "pauses": set(),
    "defaults": set(),
    "errors": set(),
    "words": set(),
}

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


@functools.cache
def parsed(module: Path) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"), str(module))


def unit_of(module: Path) -> str:
    """Returns the row of the table that a file belongs to."""
    return row_of(module.parts[0].removesuffix(".py"))


def row_of(name: str) -> str:
    """Returns the row of a module's name: cli_study is of cli."""
    first = name.split("_")[0]
    return first if first in SPLIT else name


@functools.cache
def imported(module: Path) -> tuple[str, ...]:
    """Returns the full name of everything a file imports, wherever in the file it does so."""
    return tuple(imports_of(module))


def imports_of(module: Path) -> Iterator[str]:
    package = ["blurdash", *module.parts[:-1]]
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield start
            if start == "blurdash":
                yield from (f"blurdash.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name | ast.Attribute)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def units_imported(module: Path) -> set[str]:
    """Returns the rows of the table that a file imports from, without its own."""
    names = {name.split(".")[1] for name in imported(module) if name.startswith("blurdash.")}
    units = {row_of(name) for name in names}
    return {unit for unit in units if unit in LEVELS or (PACKAGE / f"{unit}.py").exists()}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_from_lower_levels(module: Path) -> None:
    unit = unit_of(module)
    if unit == "__init__":
        assert units_imported(module) == set(), "the package itself imports none of its modules"
        return
    assert unit in LEVELS, f"blurdash/{module} is not in the layer table: add its level here"
    for other in units_imported(module) - ({unit} if unit in SIBLINGS else set()):
        assert other in LEVELS, f"blurdash/{other}.py is not in the layer table: add its level here"
        if LEVELS[unit] == 0:
            assert other in LEVEL_ZERO_USES[unit], f"{unit} may not import {other}"
        else:
            assert LEVELS[other] < LEVELS[unit], (
                f"blurdash/{module} (level {LEVELS[unit]}) imports {other} (level {LEVELS[other]})"
            )


ROOMS_MODULES = [module for module in MODULES if module.parts[0] == "ui" and len(module.parts) > 1]


@pytest.mark.parametrize(
    "module", [one for one in ROOMS_MODULES if one.name != "__init__.py"], ids=str
)
def test_a_room_of_the_pages_imports_only_from_lower_rooms(module: Path) -> None:
    room = module.parts[1].removesuffix(".py")
    assert room in ROOMS, f"blurdash/{module} is in no room of the table: add its level here"
    for name in imported(module):
        if name.startswith("blurdash.ui."):
            other = name.split(".")[2]
            assert other == room or ROOMS[other] < ROOMS[room], f"blurdash/{module} imports {name}"


def test_no_modules_import_one_another_in_a_circle() -> None:
    named = {".".join(("blurdash", *one.with_suffix("").parts)): one for one in MODULES}
    uses = {
        name: {other for other in (*imported(module), *parts_imported(module)) if other in named}
        for name, module in named.items()
    }
    assert sum(map(len, uses.values())) > 300
    graphlib.TopologicalSorter(uses).prepare()  # it raises where there is one


def parts_imported(module: Path) -> Iterator[str]:
    """Yields the full name of everything that a file imports from something."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_layer_test_sees_the_imports_it_is_about() -> None:
    assert {"blurdash.errors", "blurdash.kernel", "cv2"} <= set(imported(Path("blur.py")))
    assert {"errors", "face", "weights"} <= units_imported(Path("embed/dlib_resnet.py"))
    assert "errors" in units_imported(Path("cli.py"))


def users_of(library: str) -> set[str]:
    return {
        unit_of(module)
        for module in MODULES
        if any(name.split(".")[0] == library for name in imported(module))
    }


def test_only_the_pages_import_streamlit() -> None:
    assert users_of("streamlit") <= {"ui"}


# What is Streamlit's own affair is reached through one door; these are documented.
PROMISED = {"streamlit.errors", "streamlit.delta_generator"}


def test_one_module_reaches_into_streamlit() -> None:
    inside = {
        module.name
        for module in MODULES
        for name in imported(module)
        if name.startswith("streamlit.") and name not in PROMISED
    }
    assert inside == {"streamlit_inside.py"}


def test_only_figure_imports_plotly() -> None:
    assert users_of("plotly") <= {"figure"}


def test_streamlit_app_imports_only_the_pages() -> None:
    app = ROOT / "streamlit_app.py"
    if not app.exists():
        pytest.skip("streamlit_app.py is not written yet")
    for node in ast.walk(ast.parse(app.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "blurdash":
                names = [f"blurdash.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "blurdash":
                fine = name.startswith("blurdash.ui") or name == "blurdash.page_file"
                assert fine, f"streamlit_app.py imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_says_what_it_is_and_lists_its_public_names(module: Path) -> None:
    tree = parsed(module)
    assert ast.get_docstring(tree), f"blurdash/{module} has no docstring"
    if module.name == "__main__.py":
        return  # nothing in it is for others
    lists = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and "__all__" in {ast.unparse(t) for t in getattr(node, "targets", None) or [node.target]}
    ]
    assert len(lists) == 1, f"blurdash/{module} has no __all__"
    names = ast.literal_eval(lists[0])
    defined = {
        name
        for node in tree.body
        for name in (
            [node.name]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            else [alias.asname or alias.name for alias in node.names]
            if isinstance(node, ast.Import | ast.ImportFrom)
            else [ast.unparse(t) for t in node.targets]
            if isinstance(node, ast.Assign)
            else [ast.unparse(node.target)]
            if isinstance(node, ast.AnnAssign)
            else []
        )
    }
    assert set(names) <= defined, "__all__ lists a name that is not there"
    assert len(set(names)) == len(names), "__all__ lists a name twice"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_is_validated_by_assert(module: Path) -> None:
    lines = [node.lineno for node in ast.walk(parsed(module)) if isinstance(node, ast.Assert)]
    assert not lines, f"assert in blurdash/{module}, lines {lines}: python -O drops it"


def in_a_fresh_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_importing_blurdash_is_light_and_silent() -> None:
    code = (
        "import sys, blurdash\n"
        "heavy = {'torch', 'streamlit', 'cv2', 'numpy', 'plotly', 'dlib'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)"
    )
    run = in_a_fresh_python(code)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_command_line_loads_nothing_heavy_before_it_is_needed() -> None:
    code = (
        "import sys, blurdash.cli\n"
        "heavy = {'torch', 'streamlit', 'plotly', 'dlib'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(heavy)}' if heavy else 0)"
    )
    run = in_a_fresh_python(code)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def levels_in_readme(heading: str) -> dict[str, int]:
    """Names and levels of the README's table with this in its second column's heading."""
    readme = (ROOT / "README.md").read_text("utf-8").split("## Architecture")[1]
    rows = readme.split(f"| {heading} |")[1].split("\n\n")[0].splitlines()
    return {
        name.strip("`/ "): int(line.split("|")[1])
        for line in rows
        if line.startswith("| ") and line.split("|")[1].strip().isdigit()
        for name in line.split("|")[2].split(",")
    }


def test_readme_has_the_same_layers() -> None:
    told = levels_in_readme("modules")
    assert told == {name: level for name, level in LEVELS.items() if name != "__main__"}
    assert levels_in_readme("rooms of `ui/`") == ROOMS
