"""What docstrings, comments and Markdown name is there: files by path, modules and their names."""

from __future__ import annotations

import ast
import importlib
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILE = re.compile(r"(?<![\w./:-])[\w.-]*[\w/.-]*\w\.(?:py|js|css|md|toml|html|json)\b(?!\.\w)")
DOTTED = re.compile(r"(?<![\w./])blurdash(?:\.\w+)+")
# Files of whoever runs or calls it, and two that are made when the page is sent.
UNIT = "blurdash.service"  # of systemd
OTHERS = {
    ".streamlit/secrets.toml",
    "/etc/blurdash/secrets.toml",
    "rows.js",
    "styles.js",
    "core_source.js",
}
OTHERS |= {"TensorFlow.js", "human.js"}  # names of programs


def tracked() -> list[str]:
    listed = ["git", "ls-files", "-co", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\n") if (ROOT / name).is_file()]


TRACKED = tracked()
ENDS = {"/".join(parts[i:]) for parts in (n.split("/") for n in TRACKED) for i in range(len(parts))}


def prose_of(path: Path) -> Iterator[str]:
    """What a file says to its reader."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        yield re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    elif path.suffix in (".js", ".css"):
        for line, block in re.findall(r"(?ms)^\s*//([^\n]*)$|/\*(.*?)\*/", text):
            yield line or block
    elif path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield without_examples(ast.get_docstring(node) or "")


def without_examples(docstring: str) -> str:
    return re.sub(r"(?m)^\s*>>> (.+\n?)*", "", docstring)


def is_there(dotted: str) -> bool:
    """Whether a dotted name can be imported, or is a name in what can be."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


READ = [name for name in TRACKED if Path(name).suffix in (".md", ".py", ".js", ".css")]
READ.remove("CHANGELOG.md")  # what was, too


@pytest.mark.parametrize("name", READ)
def test_what_is_named_is_there(name):
    path = ROOT / name
    for prose in prose_of(path):
        for file in FILE.findall(prose):
            plain = file.removeprefix("./").removeprefix("../")
            known = plain in ENDS or plain in OTHERS or (path.parent / file).exists()
            assert known, f"{name} names {file}, which is not there"
        for dotted in DOTTED.findall(prose):
            assert dotted == UNIT or is_there(dotted), f"{name} names {dotted}, which is not there"


def test_the_test_sees_what_it_is_about():
    assert FILE.findall("see `a/b.py`, c_d.js and https://e.f/g.html") == ["a/b.py", "c_d.js"]
    assert is_there("blurdash.blur.study_blur")
    assert not is_there("blurdash.blurr")
    assert not is_there("blurdash.blur.study")
