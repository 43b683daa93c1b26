"""The command line: arguments in, a library call, a result out.

A mistake of the user ends with exit code 2 and one line on standard error.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from blurdash import __version__, defaults
from blurdash.cli_argue import add_argue_command
from blurdash.cli_compare import add_compare_command
from blurdash.cli_output import (
    ALL_DONE,
    EXIT_CODES,
    INTERRUPTED,
    OUTPUT_FAILED,
    READER_GONE,
    USER_ERROR,
    OutputError,
    complain,
    finish_output,
    give_up_output,
    prepare_outputs,
    say,
)
from blurdash.cli_page import add_page_command
from blurdash.cli_reference import add_reference_command
from blurdash.cli_study import add_study_commands
from blurdash.cli_values import face_of, real, whole
from blurdash.cli_verify import add_verify_command
from blurdash.errors import BlurdashError, SettingError
from blurdash.words import quoted, sentence

__all__ = ["main"]

ABOUT = (
    "Blurs faces by a given degree and angle, and measures what that does to their embeddings, "
    "to PSNR and to SSIM."
)


class _UsageError(Exception):
    """Words that the parser does not understand."""


class _Help(argparse.HelpFormatter):
    """Help that says every default, also where its author did not."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        known = action.default not in (None, False, argparse.SUPPRESS)
        if action.option_strings and known and "default" not in (action.help or ""):
            return f"{action.help} (default: %(default)s)"
        return action.help


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises, and whose help says all defaults."""

    def __init__(self, *args: Any, **how: Any) -> None:
        how.setdefault("formatter_class", _Help)
        super().__init__(*args, **how)

    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}; see {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ARG002
        # Its own passes a full disk over in silence.
        say(message.removesuffix("\n"))


class _Commands:
    """The commands of a parser, whose help starts with what they do."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002
        """Adds a command."""
        return self._parsers.add_parser(name, help=help, description=sentence(help))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The arguments; None for those of the process.

    Returns:
        Exit code, a key of ``EXIT_CODES``.
    """
    prepare_outputs()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(words)
        finish_output()
    except BrokenPipeError:  # as head does when it has enough
        give_up_output()
        return READER_GONE
    except OutputError as error:
        give_up_output()
        complain(f"the output cannot be written ({error}); make room, or write it elsewhere")
        return OUTPUT_FAILED
    return code


def _run(words: Sequence[str]) -> int:
    stopped = "nothing was written"
    try:
        arguments = _parser().parse_args(_joined(words))
        stopped = getattr(arguments, "stopped", stopped).format_map(vars(arguments))
        return int(arguments.run(arguments) or ALL_DONE)
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)
    except _UsageError as error:
        complain(f"{error}{_about_dashes(words)}")
    except BlurdashError as error:
        complain(str(error))
    except KeyboardInterrupt:
        complain(f"stopped; {stopped}")
        return INTERRUPTED
    return USER_ERROR


def _about_dashes(words: Sequence[str]) -> str:
    """What to do where a file's name was taken for an option."""
    dashed = [word for word in words if word.startswith("-") and os.path.exists(word)]  # noqa: PTH110
    if not dashed:
        return ""
    name = dashed[0]
    return f"; {quoted(name)} is a file whose name begins with a dash: write {quoted(f'./{name}')}"


def _joined(argv: Sequence[str]) -> list[str]:
    """Joins ``--shift -3,2`` to ``--shift=-3,2``, which argparse would take for an option."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] in ("--shift", "--angle") and word[:2].strip("0123456789.") == "-":
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    codes = "; ".join(f"{code}: {text}" for code, text in EXIT_CODES.items())
    parser = _Parser(prog="python -m blurdash", description=ABOUT, epilog=f"Exit codes: {codes}.")
    parser.add_argument("--version", action="version", version=f"blurdash {__version__}")
    commands = _Commands(parser)
    _add_readout(commands)
    add_verify_command(commands)
    add_study_commands(commands, _add_recogniser)
    add_argue_command(commands, _add_recogniser)
    add_reference_command(commands, _add_recogniser)
    add_compare_command(commands, _add_recogniser)
    add_page_command(commands)
    return parser


def _add_readout(commands: Any) -> None:
    command = commands.add_parser(
        "readout", help="compare a photo's face with its blurred or shifted self"
    )
    command.add_argument("photo", help="a photo with a face")
    command.add_argument("--face", default="1", help="which face, 1 is the largest (default 1)")
    command.add_argument(
        "--degree", default=str(defaults.DEGREE), help="blur length in canvas px, 0 to 100"
    )
    command.add_argument("--angle", default=str(defaults.ANGLE), help="angle in degrees")
    command.add_argument("--kernel", default=defaults.KERNEL, help="study or line")
    command.add_argument("--shift", default="0,0", help="DX,DY in canvas px: right, down")
    command.add_argument(
        "--seed",
        default=str(defaults.SEED),
        help="what the study's random angle of degree 1 is drawn from",
    )
    command.add_argument("--crop", default=defaults.CROP, help="fixed or redetect")
    command.add_argument(
        "--blur",
        default="filter2d",
        help="filter2d (cv2.filter2D, exact) or fft (as the page blurs, within 1 grey level)",
    )
    _add_recogniser(command)
    command.add_argument("--json", action="store_true", help="print JSON with a receipt")
    command.set_defaults(run=_readout)


def _add_recogniser(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--embedder", help="facenet-vggface2, facenet-casia-webface, dlib, faceres, or onnx:FILE, "
        "one's own with its description beside it (default: FaceNet where its weights are at hand "
        "or can be fetched, else dlib)",
    )  # fmt: skip
    command.add_argument("--protocol", default=defaults.PROTOCOL, help="native or study")
    command.add_argument(
        "--weights",
        help="weights file of the recogniser, or its directory (default: found or fetched)",
    )
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")


def _readout(arguments: argparse.Namespace) -> None:
    # Settings are checked before anything slow is loaded.
    from blurdash.blur import Change

    dx, dy = _pair(arguments.shift)
    change = Change(
        degree=whole(arguments.degree),
        angle=real(arguments.angle),
        kernel=arguments.kernel,
        shift_x=dx,
        shift_y=dy,
        seed=whole(arguments.seed),
    )
    from blurdash.engine import one_thread_per_operation
    from blurdash.photo import load_photo

    photo = load_photo(arguments.photo)
    from blurdash.clean import CROPS
    from blurdash.readout import PreparedFace
    from blurdash.receipt import BLURS
    from blurdash.table import look_up

    look_up(CROPS, arguments.crop, "crop")
    exact = look_up(BLURS, arguments.blur, "blur")
    face = face_of(photo, arguments.face)
    embedder = _embedder(arguments)
    with one_thread_per_operation():  # as the page does
        prepared = PreparedFace(
            face, embedder, kernel=arguments.kernel, crop=arguments.crop, exact=exact
        )
        readout = prepared.readout(change)
    if arguments.json:
        say(json.dumps(readout.as_dict(), indent=2, allow_nan=False))
    else:
        say(_as_text(readout))


def _embedder(arguments: argparse.Namespace) -> Any:
    from blurdash.embed import load_embedder
    from blurdash.weights import print_progress

    return load_embedder(
        arguments.embedder,
        protocol=arguments.protocol,
        weights=arguments.weights,
        device=arguments.device,
        progress=print_progress(sys.stderr),
    )


def _as_text(readout: Any) -> str:
    from blurdash.measures import MEASURES

    receipt = readout.receipt.as_dict()
    lines = [
        f"{row.label:<20}{_figure(readout.values[name], row.decimals):>12} {row.unit:<3} "
        f"{row.direction}"
        for name, row in MEASURES.items()
    ]
    if readout.verdict is not None:
        verdict = readout.verdict
        answer = "yes" if verdict.same_person else "no"
        side = "from" if MEASURES[verdict.measure].higher_is_closer else "up to"
        lines.append(
            f"{'Same person?':<20}{answer:>12}     "
            f"{MEASURES[verdict.measure].label} {side} {verdict.threshold} ({verdict.source})"
        )
    lines.append(
        f"recogniser {receipt['embedder']}, protocol {receipt['protocol']}, "
        f"crop {receipt['crop']}, "
        f"kernel {receipt['kernel']}, degree {receipt['degree']} px = "
        f"{receipt['degree_percent_of_eye_distance']} % of the inter-eye distance, "
        f"angle {receipt['angle']:g}"
    )
    if readout.failure:
        lines.append(f"no embedding: {readout.failure}")
    if receipt["face_doubt"]:
        lines.append(f"note: {receipt['face_doubt']}; whether it is the same person is not asked")
    if receipt["note"]:
        lines.append(f"note: {receipt['note']}")
    return "\n".join(lines)


def _figure(value: float, decimals: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"


def _pair(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        dx, dy = (float(part) for part in parts)
    except ValueError as error:
        raise SettingError(
            f"shift is {quoted(text)}, wanted two numbers of pixels",
            hint="give DX,DY such as 16,0",
        ) from error
    return dx, dy
