"""The command line's ``reference``: what the page knows of other faces, measured from a folder."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blurdash import defaults
from blurdash.cli_output import ALL_DONE, SOME_FAILED, say, say_failures, say_left_out
from blurdash.cli_study import Bar, add_engine, add_limit, run_options
from blurdash.cli_values import limit_of, whole
from blurdash.words import counted, duration, one_line

__all__ = ["add_reference_command"]


def add_reference_command(commands: Any, add_recogniser: Callable[[Any], None]) -> None:
    """Adds ``reference`` to the parser of the command line.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        add_recogniser: Adds the options that choose a recogniser.
    """
    command = commands.add_parser(
        "reference",
        help="measure what the page knows of other faces, for any recogniser, from your photos",
    )
    command.add_argument(
        "folder", help="folder with photos, one face a person, also in folders inside it"
    )
    command.add_argument(
        "--name", help="what the page calls it (default: of the folder and the recogniser)"
    )
    add_limit(command)
    command.add_argument("--kernel", default=defaults.KERNEL, help="study or line")
    command.add_argument("--crop", default=defaults.CROP, help="fixed or redetect")
    command.add_argument("--seed", default=str(defaults.SEED), help="of random angles")
    command.add_argument(
        "--blur", default="fast", help="fast (within 1 grey level) or exact (cv2.filter2D)"
    )
    command.add_argument("--dry-run", action="store_true", help="only say what it would take")
    add_engine(command)
    add_recogniser(command)
    command.add_argument(
        "--overwrite", action="store_true", help="replace the reference that has this name"
    )
    command.set_defaults(
        run=_reference,
        stopped="what was measured so far is kept, and the same command goes on from there",
    )


def _reference(arguments: argparse.Namespace) -> int:
    from blurdash.embed import load_with
    from blurdash.engine import ENGINES, check_workers
    from blurdash.folder import read_folder
    from blurdash.reference import check_name, plain_name
    from blurdash.reference_run import (
        ReferenceSettings,
        check_free,
        estimate,
        kept_references,
        measure_reference,
    )
    from blurdash.sweep import Source
    from blurdash.table import look_up

    # Settings are checked before anything slow is loaded or started.
    settings = ReferenceSettings(
        kernel=arguments.kernel,
        crop=arguments.crop,
        protocol=arguments.protocol,
        limit=limit_of(arguments.limit),
        seed=whole(arguments.seed),
        blur=arguments.blur,
    )
    how = run_options(arguments)
    workers = check_workers(how.workers)
    look_up(ENGINES, how.engine, "engine")
    if arguments.name is not None:
        check_name(arguments.name)
    sources = [Source(one.name, one.path) for one in read_folder(arguments.folder).photos]
    embedder = load_with(arguments.embedder, how.load)
    folder = plain_name(Path(arguments.folder).resolve().name)
    name = arguments.name or plain_name(f"{folder[:30]}-{_short(embedder)}-{settings.kernel}")
    out = kept_references() / name
    check_free(out, overwrite=arguments.overwrite)
    cost = estimate(sources, settings, embedder, workers)
    say(
        f"{settings.rows} pictures of each of {counted(cost.faces, 'face')}: about "
        f"{duration(cost.seconds)} and {max(cost.megabytes, 0.1):.1f} MB, for the reference {name}"
    )
    if embedder.said:
        say(f"note: {embedder.said}")
    if arguments.dry_run:
        return ALL_DONE
    begun = time.perf_counter()
    with Bar(cost.faces * settings.rows, "picture") as bar:
        done = measure_reference(
            arguments.folder,
            out,
            settings,
            embedder,
            who="faces" if folder.lower() in PLAIN_FOLDERS else f"faces of {folder}",
            how=how,
            progress=bar.show,
            overwrite=arguments.overwrite,
            command=_command(arguments, name, embedder.name),
        )
    _report(done, time.perf_counter() - begun)
    return SOME_FAILED if done.failures else ALL_DONE


def _short(embedder: Any) -> str:
    """A recogniser's name; of a long one the beginning, and what tells its weights from others."""
    name: str = embedder.name
    return name if len(name) <= SHORT else f"{name[: SHORT - 7]}-{embedder.weights_sha256[:6]}"


# Names that say of faces no more than that they are some.
PLAIN_FOLDERS = ("faces", "photos", "pictures", "images")
SHORT = 22  # with a folder's 30 and the kernel it stays within a reference's 60


def _command(arguments: argparse.Namespace, name: str, recogniser: str) -> str:
    """The command as anybody could give it, without paths of this machine."""
    return (
        f"python -m blurdash reference FOLDER --name {name} --kernel {arguments.kernel} "
        f"--crop {arguments.crop} --protocol {arguments.protocol} --limit {arguments.limit} "
        f"--seed {arguments.seed} --blur {arguments.blur}"
        + (f" --embedder {recogniser}" if arguments.embedder else "")
    )


def _report(done: Any, seconds: float) -> None:
    reference = done.reference
    say(
        f"{counted(reference.faces, 'face')} measured in {duration(seconds)}, {reference.label}: "
        f"the page offers {reference.name} wherever that recogniser is in use"
    )
    if done.nearest:
        first, second = map(one_line, done.nearest)
        say(
            f"the two faces that are closest are {first} and {second}: if they are one person, "
            "take one of them away, for every pair counts as strangers"
        )
    failed = len(done.failures)
    say_failures(done.failures, failed, failed + reference.faces + len(done.twice))
    for name in done.twice:
        say(f"  {one_line(name)}: a copy of another picture")
    say_left_out(reference.manifest["left_out"])
