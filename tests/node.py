"""Runs JavaScript without a page, in the Node that Playwright brings along."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from playwright._impl._driver import compute_driver_executable

__all__ = ["answer_of"]


def answer_of(text: str) -> Any:
    """Returns what a script gives to ``answer``, as JSON carries it.

    Args:
        text: A module that calls ``answer(value)`` once.
    """
    node, _ = compute_driver_executable()
    given = "globalThis.answer = (value) => console.log(JSON.stringify(value));\n"
    given += "globalThis.window = { __blurdash: new EventTarget() };\n"
    done = subprocess.run(
        [node, "--input-type=module", "-"],
        input=given + text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)
