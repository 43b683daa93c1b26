"""The command line's ``page``: Explore and the story as one file that needs no server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from blurdash import defaults
from blurdash.cli_output import say
from blurdash.cli_study import add_overwrite
from blurdash.cli_values import face_of
from blurdash.errors import SettingError
from blurdash.words import one_line, quoted

__all__ = ["add_page_command"]

SUFFIXES = (".html", ".htm")


def add_page_command(commands: Any) -> None:
    """Adds ``page`` to the parser of the command line.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
    """
    command = commands.add_parser(
        "page", help="write Explore and the argument as one file that opens without a server"
    )
    command.add_argument("--out", required=True, help="the file, FILE.html")
    command.add_argument(
        "--photo",
        help="whose face is in it, for everybody who has the file (default: the built-in portrait)",
    )
    command.add_argument(
        "--face", help="which face of the photo, 1 is the largest (default: the largest)"
    )
    command.add_argument(
        "--scene",
        default="explore",
        help="where it opens: explore, or the argument's two-pictures, pixels, embedding, angle, "
        "sceptic or how-often",
    )
    command.add_argument(
        "--embedder",
        help="dlib, faceres, facenet-vggface2 or facenet-casia-webface; its network comes along "
        "(default: dlib, whose weights come with the installed packages)",
    )
    command.add_argument("--protocol", default=defaults.PROTOCOL, help="native or study")
    command.add_argument(
        "--weights",
        help="weights file of the recogniser, or its directory (default: found or fetched)",
    )
    command.add_argument(
        "--with-weights",
        action="store_true",
        help="put weights into the file that did not come with the installed packages",
    )
    add_overwrite(command)
    command.set_defaults(run=_page)


def _page(arguments: argparse.Namespace) -> None:
    # Settings are checked before anything slow is done.
    out = _out(arguments)
    if arguments.photo is None and arguments.face is not None:
        raise SettingError("--face is given without a photo", hint="add --photo, or leave it out")
    from blurdash.embed import EMBEDDERS, FALLBACK_EMBEDDER, load_embedder
    from blurdash.engine import one_thread_per_operation
    from blurdash.outputs import write_whole
    from blurdash.page_file import check_scene, page_file
    from blurdash.table import look_up
    from blurdash.weights import print_progress

    check_scene(arguments.scene)
    name = arguments.embedder or FALLBACK_EMBEDDER
    look_up(EMBEDDERS, name, "recogniser of a page in one file")
    face = _face(arguments)
    embedder = load_embedder(
        name,
        protocol=arguments.protocol,
        weights=arguments.weights,
        progress=print_progress(sys.stderr),
    )
    with one_thread_per_operation():  # as the page does
        made = page_file(face, embedder, scene=arguments.scene, with_weights=arguments.with_weights)
    write_whole(out, made.text)
    say(f"{one_line(out.name)}: {len(made.text) / 1e6:.1f} MB")
    for line in made.holds:
        say(line)


def _out(arguments: argparse.Namespace) -> Path:
    """Where the file goes, after checking that it may."""
    from blurdash.outputs import refuse_existing

    out = Path(arguments.out)
    if out.suffix.lower() not in SUFFIXES:
        raise SettingError(
            f"--out is {quoted(out.name)}, wanted the name of a page", hint="give FILE.html"
        )
    if not out.parent.is_dir():
        raise SettingError(
            f"the folder of {quoted(out.name)} is not there", hint="make it, or give another --out"
        )
    refuse_existing(out, overwrite=arguments.overwrite)
    return out


def _face(arguments: argparse.Namespace) -> Any:
    """The face of the photo; None for the built-in portrait."""
    if arguments.photo is None:
        return None
    from blurdash.photo import load_photo

    return face_of(load_photo(arguments.photo), arguments.face or "1")
