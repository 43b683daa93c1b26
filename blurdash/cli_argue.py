"""The command line's ``argue``: rank flips over a folder, as a table, as JSON and as a page."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blurdash import defaults
from blurdash.cli_output import ALL_DONE, SOME_FAILED, say, say_failures, say_left_out
from blurdash.cli_study import Bar, add_engine, add_limit, add_overwrite, degrees_of, run_options
from blurdash.cli_values import limit_of, real
from blurdash.errors import SettingError
from blurdash.words import quoted

__all__ = ["add_argue_command"]

FILES = ("rank_flips.csv", "rank_flips.json", "rank_flips.html")
SHIFTS = "2,4,8,16"
DEGREES = "5,10,20,30,50,75,100"
# The claim is about a blur of at least so many px.
CLAIM_DEGREE = 30


def add_argue_command(commands: Any, add_recogniser: Callable[[Any], None]) -> None:
    """Adds ``argue`` to the parser of the command line.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        add_recogniser: Adds the options that choose a recogniser.
    """
    command = commands.add_parser(
        "argue", help="count how often a measure prefers a blurred face to a sharp, shifted one"
    )
    command.add_argument("folder", help="folder with photos, also in folders inside it")
    command.add_argument("--out", required=True, help=f"folder for {', '.join(FILES)}")
    add_limit(command)
    command.add_argument("--shifts", default=SHIFTS, help="A,B,C; canvas px to the right")
    command.add_argument("--degrees", default=DEGREES, help="A:B, A:B:STEP or A,B,C; canvas px")
    command.add_argument("--angle", default=str(defaults.ANGLE), help="of the blur, in degrees")
    command.add_argument("--kernel", default=defaults.KERNEL, help="study or line")
    command.add_argument("--crop", default=defaults.CROP, help="fixed or redetect")
    add_engine(command)
    add_recogniser(command)
    add_overwrite(command)
    command.set_defaults(run=_argue)


def _argue(arguments: argparse.Namespace) -> int:
    # Settings are checked before anything slow is loaded or started.
    from blurdash.flips import FlipSettings
    from blurdash.folder import read_folder
    from blurdash.outputs import refuse_existing, write_whole

    settings = FlipSettings(
        shifts=_shifts(arguments.shifts),
        degrees=degrees_of(arguments.degrees),
        angle=real(arguments.angle),
        kernel=arguments.kernel,
        crop=arguments.crop,
        limit=limit_of(arguments.limit),
    )
    photos = read_folder(arguments.folder).photos[: settings.limit]
    out = _made(Path(arguments.out))
    for name in FILES:
        refuse_existing(out / name, overwrite=arguments.overwrite)
    flips = _counted(arguments, settings, len(photos) * settings.pictures)
    from blurdash.figure_argument import rank_flip_page

    contents = (flips.as_csv(), _as_json(flips), rank_flip_page(flips))
    for name, content in zip(FILES, contents, strict=True):
        write_whole(out / name, content)
    say(_table(flips))
    failed = len(flips.failures)
    say_failures(flips.failures, failed, failed + len(flips.faces))
    say_left_out(flips.left_out)
    if flips.recogniser["note"]:
        say(f"note: {flips.recogniser['note']}")
    say(f"{', '.join(FILES)} in {out}")
    return SOME_FAILED if failed else ALL_DONE


def _counted(arguments: argparse.Namespace, settings: Any, total: int) -> Any:
    from blurdash.argue import argue

    how = run_options(arguments)
    with Bar(total, "picture") as bar:
        return argue(
            arguments.folder,
            settings,
            name=arguments.embedder,
            how=how,
            progress=bar.show,
        )


def _table(flips: Any) -> str:
    """The counts at the largest shift, and the claim's own cell with its interval."""
    from blurdash.measures import ARGUMENT_MEASURES

    settings = flips.settings
    shift, degrees = max(settings.shifts), sorted(settings.degrees)
    claim = min((d for d in degrees if d >= CLAIM_DEGREE), default=degrees[-1])
    lines = [
        f"{len(flips.faces)} faces, {flips.recogniser['label']}, kernel {settings.kernel}, angle "
        f"{settings.angle:g}, crop {settings.crop}: how many prefer the sharp picture, shifted by "
        f"{shift:g} px, to a blur of",
        f"{'':<20}" + "".join(f"{f'{degree} px':>8}" for degree in degrees) + f"   at {claim} px",
    ]
    for name in settings.measures:
        cells = [flips.cell(name, shift, degree) for degree in degrees]
        at = flips.cell(name, shift, claim)
        interval = f"{at.share:.0%} ({at.low:.0%} to {at.high:.0%})" if at.n else "no value"
        label = ARGUMENT_MEASURES[name].label
        lines.append(
            f"{label:<20}" + "".join(f"{cell.prefer_sharp:>8}" for cell in cells) + f"   {interval}"
        )
    return "\n".join(lines)


def _as_json(flips: Any) -> str:
    return json.dumps(flips.as_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _made(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(
            f"the folder {quoted(out.name)} cannot be made ({error.strerror})",
            hint="give another --out",
        ) from error
    return out


def _shifts(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingError(
            f"the shifts are {quoted(text)}, wanted numbers of pixels",
            hint="give A,B,C such as 2,4,8,16",
        ) from error
