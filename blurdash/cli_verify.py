"""The command line's ``verify``: a receipt computed again from its photo, line by line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from blurdash.cli_output import ALL_DONE, SOME_FAILED, say
from blurdash.errors import ReceiptError
from blurdash.words import counted, one_line, quoted

__all__ = ["add_verify_command"]

MAX_BYTES = 1024 * 1024  # a receipt has a few kilobytes
SHOWN = 24


def add_verify_command(commands: Any) -> None:
    """Adds ``verify`` to the parser of the command line.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
    """
    command = commands.add_parser(
        "verify", help="compute the numbers of a receipt again, and say what is equal"
    )
    command.add_argument("receipt", help="the JSON of readout --json, or of Copy receipt")
    command.add_argument("--photo", required=True, help="the photo that it is of")
    command.add_argument(
        "--weights",
        help="weights file of the recogniser, or its directory; the ONNX file of one's own "
        "(default: found or fetched)",
    )
    command.add_argument("--device", default="cpu", help="auto, cpu or cuda")
    command.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    known = _read(Path(arguments.receipt))
    from blurdash.photo import load_photo

    photo = load_photo(arguments.photo)
    import torch  # noqa: F401 - before it is told how many threads to use

    from blurdash.embed import load_embedder
    from blurdash.engine import one_thread_per_operation
    from blurdash.verify import verify
    from blurdash.weights import print_progress

    def load(name: str, protocol: str) -> Any:
        return load_embedder(
            name,
            protocol=protocol,
            weights=arguments.weights,
            device=arguments.device,
            progress=print_progress(sys.stderr),
        )

    try:
        with one_thread_per_operation():  # as the readout was computed
            found = verify(known, photo, load)
    except RecursionError as error:
        raise ReceiptError("the receipt is nested too deeply", "copy it again") from error
    for line in found.lines:
        say(_as_text(line))
    say(_in_all(found))
    return ALL_DONE if found.agrees else SOME_FAILED


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReceiptError(
                f"{quoted(path.name)} is larger than 1 MB, wanted a receipt", "check the path"
            )
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ReceiptError(
            f"{quoted(path.name)} cannot be read ({error.strerror})", hint="check the path"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ReceiptError(
            f"{quoted(path.name)} is no JSON, wanted what readout --json or Copy receipt gives",
            hint="copy the whole of it",
        ) from error


def _as_text(line: Any) -> str:
    there, here = _shown(line.there), _shown(line.here)
    both = there if there == here else f"{there} in the receipt, {here} here"
    meaning = f": {one_line(line.meaning)}" if line.meaning else ""
    return f"{line.status:<8} {line.name:<32} {both}{meaning}"


def _shown(value: Any) -> str:
    text = one_line("none" if value is None else str(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _in_all(found: Any) -> str:
    said = [
        f"{counted(found.count(status), 'line')} {words}"
        for status, words in (
            ("equal", "equal"),
            ("near", "as near as another processor"),
            ("differs", "different"),
            ("unknown", "not comparable"),
        )
        if found.count(status)
    ]
    return f"{'agrees' if found.agrees else 'does not agree'}: {', '.join(said)}"
