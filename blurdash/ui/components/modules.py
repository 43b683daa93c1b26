"""JavaScript modules joined to one script, so that a page needs no build step and one message.

The files are modules as browsers have them, in a plain form: an ``import { a, b } from "./c";``
stands at the top, an ``export`` in front of what is exported. Each becomes a function of its own
that is called once, in the order of dependence; so no name of one is seen by another.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from blurdash.errors import SettingError

__all__ = ["Import", "exports_of", "imports_of", "joined"]

IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) +(\w+))", re.MULTILINE)


class Import(NamedTuple):
    """What a module imports from another.

    Attributes:
        path: Of the other module.
        names: Of what it exports.
    """

    path: str
    names: tuple[str, ...]


def joined(entry: str, modules: Mapping[str, str]) -> str:
    """Returns a module with all that it imports, as one that imports nothing.

    Args:
        entry: Path of the module that is wanted; what it exports stays exported.
        modules: The text of every module, by its path.

    Raises:
        SettingError: A module that is imported is not there, has not what is wanted of it, or
            imports itself over others.

    Example:
        >>> print(joined("b.js", {"a.js": "export const one = 1;\\n",
        ...                       "b.js": 'import { one } from "./a.js";\\nexport { one };\\n'}))
        const $0 = (() => {
        const one = 1;
        return { one };
        })();
        const { one } = $0;
        export { one };
        <BLANKLINE>
    """
    order = _in_order_of_dependence(entry, modules)
    names = {path: f"${i}" for i, path in enumerate(order)}
    parts = [_as_function(path, modules[path], names) for path in order[:-1]]
    return "\n".join([*parts, _with_imports(entry, modules[entry], names)])


def imports_of(path: str, text: str) -> list[Import]:
    """Returns what a module imports.

    Args:
        path: Where the module lies.
        text: Its text.

    Example:
        >>> imports_of("x/b.js", 'import { one } from "../a.js";\\n')
        [Import(path='a.js', names=('one',))]
    """
    return [
        Import(_beside(path, other), tuple(re.findall(r"\w+", names)))
        for names, other in IMPORT.findall(text)
    ]


def exports_of(text: str) -> list[str]:
    """Returns the names that a module exports."""
    return EXPORT.findall(text)


def _beside(path: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), other))


def _in_order_of_dependence(entry: str, modules: Mapping[str, str]) -> list[str]:
    needs: dict[str, list[str]] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path not in needs:
            needs[path] = [one.path for one in _checked_imports(path, modules, entry)]
            waiting += needs[path]
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise SettingError(
            f"scripts import one another in a circle: {' > '.join(error.args[1])}",
            hint="move what both need into a script of its own",
        ) from None


def _checked_imports(path: str, modules: Mapping[str, str], entry: str) -> list[Import]:
    found = imports_of(path, modules[path])
    lines = len(re.findall(r"^\s*(?:import|export)\b", modules[path], re.MULTILINE))
    plain = len(found) + len(exports_of(modules[path]))
    if path != entry and lines != plain:
        raise SettingError(
            f"a line of {path} begins with import or export in another form than the plain one",
            hint="write it as the other scripts do",
        )
    for other, names in found:
        if other not in modules:
            raise SettingError(
                f"{path} imports from {other}, which is not there", "correct the path"
            )
        missing = set(names) - set(exports_of(modules[other]))
        if missing:
            raise SettingError(
                f"{path} imports {', '.join(sorted(missing))} from {other}, which has it not",
                hint="correct the name or the path",
            )
    return found


def _as_function(path: str, text: str, names: Mapping[str, str]) -> str:
    body = EXPORT.sub("", _with_imports(path, text, names)).rstrip()
    exported = ", ".join(exports_of(text))
    return f"const {names[path]} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _with_imports(path: str, text: str, names: Mapping[str, str]) -> str:
    return IMPORT.sub(
        lambda found: f"const {{{found[1]}}} = {names[_beside(path, found[2])]};\n", text
    )
