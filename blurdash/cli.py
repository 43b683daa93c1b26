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
from blurdash.cli_study import add_study_commands
from blurdash.errors import BlurdashError, SettingError

__all__ = ["main"]

USER_ERROR = 2
READER_GONE = 1


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"blurdash: {_one_line(message)}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The arguments; None for those of the process.

    Returns:
        Exit code: 0, or 2 for a mistake of the user.
    """
    arguments = _parser().parse_args(_joined(sys.argv[1:] if argv is None else argv))
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except BlurdashError as error:
        print(f"blurdash: {_one_line(str(error))}", file=sys.stderr)  # noqa: T201
        return USER_ERROR
    except BrokenPipeError:
        # Whoever read the output has closed it, as head does. Python would flush once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except KeyboardInterrupt:
        return 130
    return 0


def _one_line(text: str) -> str:
    return " ".join(text.split())


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
    parser = _Parser(prog="python -m blurdash", description=__doc__.split("\n")[0])
    parser.add_argument("--version", action="version", version=f"blurdash {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    _add_readout(commands)
    add_study_commands(commands, _add_recogniser)
    add_argue_command(commands, _add_recogniser)
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
    _add_recogniser(command)
    command.add_argument("--json", action="store_true", help="print JSON with a receipt")
    command.set_defaults(run=_readout)


def _add_recogniser(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--embedder", help="facenet-vggface2, facenet-casia-webface or dlib (default: FaceNet "
        "where its weights are at hand or can be fetched, else dlib)",
    )  # fmt: skip
    command.add_argument("--protocol", default=defaults.PROTOCOL, help="native or study")
    command.add_argument("--weights", help="weights file of the recogniser, or its directory")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")


def _readout(arguments: argparse.Namespace) -> None:
    # Settings are checked before anything slow is loaded.
    from blurdash.blur import Change

    dx, dy = _pair(arguments.shift)
    change = Change(
        degree=_whole(arguments.degree),
        angle=_real(arguments.angle),
        kernel=arguments.kernel,
        shift_x=dx,
        shift_y=dy,
        seed=_whole(arguments.seed),
    )
    from blurdash.photo import load_photo

    photo = load_photo(arguments.photo)
    from blurdash.readout import CROPS, PreparedFace
    from blurdash.table import look_up

    look_up(CROPS, arguments.crop, "crop")
    face = _chosen_face(photo, arguments.face)
    prepared = PreparedFace(
        face, _embedder(arguments), kernel=arguments.kernel, crop=arguments.crop
    )
    readout = prepared.readout(change)
    if arguments.json:
        print(json.dumps(readout.as_dict(), indent=2, allow_nan=False))  # noqa: T201
    else:
        print(_as_text(readout))  # noqa: T201


def _chosen_face(photo: Any, number: str) -> Any:
    from blurdash.face import find_faces

    faces = find_faces(photo)
    choice = _whole(number)
    if not isinstance(choice, int) or not 1 <= choice <= len(faces):
        raise SettingError(
            f"face is {number[:40]!r}, this photo has {len(faces)}",
            hint=f"choose a number from 1 to {len(faces)}, the largest face is 1",
        )
    return faces[choice - 1]


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
    from blurdash.readout import MEASURES

    receipt = readout.receipt
    lines = [
        f"{row.label:<20}{_figure(readout.values[name], row.decimals):>12} {row.unit:<3} "
        f"{row.direction}"
        for name, row in MEASURES.items()
    ]
    if readout.verdict is not None:
        verdict = readout.verdict
        answer = "yes" if verdict.same_person else "no"
        lines.append(
            f"{'Same person?':<20}{answer:>12}     "
            f"{MEASURES[verdict.measure].label} up to {verdict.threshold} ({verdict.source})"
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


def _whole(text: str) -> Any:
    """The whole number in ``text``; anything else is left for the check that names the setting."""
    try:
        return int(text)
    except ValueError:
        return text


def _real(text: str) -> Any:
    """The number in ``text``; anything else is left for the check that names the setting."""
    try:
        return float(text)
    except ValueError:
        return text


def _pair(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        dx, dy = (float(part) for part in parts)
    except ValueError as error:
        raise SettingError(
            f"shift is {text[:40]!r}, wanted two numbers of pixels",
            hint="give DX,DY such as 16,0",
        ) from error
    return dx, dy
