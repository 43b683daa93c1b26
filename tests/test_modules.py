"""The page's scripts as modules: how they are joined, and who may import whom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blurdash.errors import SettingError
from blurdash.ui.components.modules import exports_of, imports_of, joined
from blurdash.ui.components.scripts import FRONTEND, modules, script
from tests.node import answer_of

# As in Python: a script imports from its own folder or from lower ones.
FOLDERS = {"wasm": 1, "pictures": 2, "widgets": 3, "pages": 4}
OF_PHONES = "pages/vote_page.js"  # a page of its own, served as it is
OF_A_FILE = ("pages/one_file.js", "pages/story_alone.js")  # a page without a server


def test_modules_see_only_what_they_import():
    text = joined(
        "in/c.js",
        {
            "a.js": "const hidden = 1;\nexport const one = () => hidden;\n",
            "in/b.js": 'import { one } from "../a.js";\n\nconst hidden = 2;\n'
            "export class Two {\n  get sum() { return hidden + one(); }\n}\n"
            "export async function later() { return 4; }\n",
            "in/c.js": 'import { one } from "../a.js";\n'
            'import {\n  Two,\n  later,\n} from "./b.js";\n'
            "answer([typeof hidden, one(), new Two().sum, typeof later]);\n",
        },
    )
    assert answer_of(text) == ["undefined", 1, 3, "function"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"b.js": "export const one = 1;\n"}, "a.js imports two from b.js"),
        ({}, "a.js imports from b.js, which is not there"),
        (
            {"b.js": "export const two = 2;\nexport let x = 2;\n"},
            "b.js begins with import or export",
        ),
        ({"b.js": "export const two = `\nexport const x = 1;`;\nexport default two;\n"}, "form"),
        ({"b.js": "import './c.js';\nexport const two = 2;\n"}, "another form"),
        ({"b.js": 'import { x } from "./a.js";\nexport const two = 2;\n'}, "in a circle"),
    ],
)
def test_mistakes_are_said_before_a_browser_meets_them(files, said):
    first = 'import { two } from "./b.js";\nexport const x = two;\n'
    with pytest.raises(SettingError, match=said):
        joined("a.js", {"a.js": first, **files})


def test_every_script_is_part_of_the_page_or_of_its_file():
    text = script()
    for path, source in modules().items():
        if path in OF_A_FILE:
            assert source.splitlines()[-1] in script(OF_A_FILE[0])
        elif path not in ("main.js", OF_PHONES):
            body = re.sub(r"^(import (\{[^}]*\}) .*|export )", "", source, flags=re.MULTILINE)
            assert body.strip().splitlines()[-1] in text, path
    assert "import" not in {line.split(" ")[0] for line in text.splitlines()}


@pytest.mark.parametrize("path", sorted(set(modules()) - {"main.js", OF_PHONES, OF_A_FILE[0]}))
def test_scripts_import_from_lower_folders_and_export_what_is_used(path):
    known = modules()
    level = FOLDERS.get(path.split("/")[0], 0)
    for one in imports_of(path, known[path]):
        assert FOLDERS.get(one.path.split("/")[0], 0) <= level, one
        for name in one.names:
            assert len(re.findall(rf"\b{name}\b", known[path])) > 1, f"{name} is imported in vain"
    used = {
        name
        for other, text in known.items()
        for one in imports_of(other, text)
        if one.path == path
        for name in one.names
    }
    tested = "".join(test.read_text("utf-8") for test in Path(__file__).parent.glob("test_*.py"))
    for name in set(exports_of(known[path])) - used:
        assert name in tested, f"{name} is exported in vain"


def test_nothing_lies_in_the_folders_that_no_page_gets():
    kinds = {path.suffix for path in FRONTEND.rglob("*") if path.is_file()}
    assert kinds == {".js", ".css", ".html", ".png", ".wasm"}
