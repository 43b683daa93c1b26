"""Style, types, and documents that must say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from blurdash.embed import EMBEDDERS
from blurdash.measures import MEASURES
from tests.evidence import evidence

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join
)
def test_code_is_clean(command: list[str]):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.xdist_group("checks")
def test_groups_of_tests_are_kept_together(request: pytest.FixtureRequest):
    """Without them every worker makes anew what the tests of a file share."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("not run by several workers")
    assert request.node.nodeid.endswith("@checks")


def table_rows(heading: str) -> dict[str, list[str]]:
    """Rows of the README's first table under a heading, by the name in their first cell."""
    text = README.split(f"## {heading}\n", 1)[1]
    table = next(part.strip() for part in text.split("\n\n") if part.strip().startswith("|"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def test_readme_lists_every_recogniser_as_its_row_says():
    rows = table_rows("Recognisers")
    assert set(rows) == set(EMBEDDERS)
    for name, row in EMBEDDERS.items():
        numbers, threshold, weights, _ = rows[name]
        assert numbers.startswith(str(row.dim))
        assert ("unit length" in numbers) == row.normalised
        if row.threshold is None:
            assert threshold == "none of its own"
        else:
            assert str(row.threshold.value) in threshold
            assert row.threshold.source in threshold
        if row.download_mb:
            assert f"{row.download_mb} MB" in weights


def test_readme_lists_every_measure_as_its_row_says():
    rows = table_rows("Measures and conventions")
    assert set(rows) == set(MEASURES)
    for name, row in MEASURES.items():
        unit, direction, identical, _ = rows[name]
        assert (unit, direction) == (row.unit, row.direction)
        assert identical == ("∞" if row.identical == float("inf") else f"{row.identical:g}")


def test_readme_has_one_line_to_run_and_one_to_test():
    for name, file in (("run", "requirements.txt"), ("test", "requirements-dev.txt")):
        block = README.split(f"<!-- {name} line -->\n```\n")[1].split("\n```")[0]
        assert "\n" not in block
        assert block.startswith("python3 -m venv .venv")
        assert file in block


def test_ci_finds_the_test_line():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    finder = next(line for line in script.splitlines() if line.startswith("line="))
    found = subprocess.run(
        ["bash", "-c", f'{finder}; printf %s "$line"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert found == README.split("<!-- test line -->\n```\n")[1].split("\n```")[0]


def test_pictures_the_readme_shows_are_there():
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file()


def test_every_dependency_says_why_and_is_bounded():
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-long.txt"):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            if not line or line.startswith(("#", "-r")):
                continue
            assert "#" in line, f"{name}: {line} says no reason"
            assert "==" in line or (">=" in line and "<" in line), f"{name}: {line} is not bounded"


def test_nothing_names_a_machine_or_a_package_index():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    wrong = re.compile(r"(index-url|find-links|registry=|/root/|/home/[a-z])")
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".js", ".css"} and path != Path(__file__):
            assert not wrong.search(path.read_text("utf-8")), name


def test_readme_has_the_evidence_of_the_shipped_references():
    assert evidence() in README
