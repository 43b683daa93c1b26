"""The command line's ``compare``: bare pairs of pictures, or folders of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from blurdash import defaults
from blurdash.cli_output import ALL_DONE, SOME_FAILED, say, say_failures, say_left_out
from blurdash.cli_study import Bar, add_engine, add_overwrite, run_options
from blurdash.errors import BlurdashError, SettingError
from blurdash.values import for_json
from blurdash.words import counted, one_line, quoted

__all__ = ["add_compare_command"]

SHOWN_ALONE = 20


def add_compare_command(commands: Any, add_recogniser: Callable[[Any], None]) -> None:
    """Adds ``compare`` to the parser of the command line.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        add_recogniser: Adds the options that choose a recogniser.
    """
    command = commands.add_parser(
        "compare", help="every measure of bare pairs: a clean picture and others of the same face"
    )
    command.add_argument("clean", help="the reference, or a folder of references")
    command.add_argument(
        "test", nargs="+", help="what is compared with it, or folders with the same names in them"
    )
    command.add_argument("--crop", default=defaults.CROP, help="fixed or redetect")
    command.add_argument("--json", action="store_true", help="print JSON with receipts")
    command.add_argument(
        "--out",
        help="write the JSON to FILE.json too, and go on where an ended run stopped (default: only "
        "print)",
    )
    add_engine(command)
    add_recogniser(command)
    add_overwrite(command)
    command.set_defaults(
        run=_compare,
        stopped="with --out what was compared is kept, and the same command goes on",
    )


def _compare(arguments: argparse.Namespace) -> int:
    # Settings are checked before anything slow is loaded or started.
    from blurdash.clean import CROPS
    from blurdash.compare import pair_up, protocol_of
    from blurdash.embed import load_with
    from blurdash.engine import ENGINES, check_workers
    from blurdash.table import look_up

    look_up(CROPS, arguments.crop, "crop")
    look_up(ENGINES, arguments.engine, "engine")
    out = _out(arguments)
    pairs = pair_up(Path(arguments.clean), [Path(test) for test in arguments.test])
    how = run_options(arguments)
    check_workers(how.workers)
    embedder = load_with(arguments.embedder, how.load)
    protocol = protocol_of(embedder, arguments.crop)
    compared = _all(pairs.found, embedder, arguments, how, protocol, out)
    whole = _as_dict(compared, pairs, protocol, embedder.said)
    if out is not None:
        _write(out, whole)
    if arguments.json:
        say(json.dumps(whole, indent=2, allow_nan=False, ensure_ascii=False))
    else:
        _say(compared, pairs, protocol, embedder.said)
    failed = [one for one in compared if one.failure]
    if len(failed) == len(compared) and all(not one.values for one in failed):
        raise BlurdashError(
            f"none of the {len(compared)} pairs gave a number ({failed[0].failure})",
            "look at the reasons",
        )
    return SOME_FAILED if failed or pairs.alone else ALL_DONE


def _out(arguments: argparse.Namespace) -> Path | None:
    """Where the JSON goes, after checking that it may."""
    from blurdash.outputs import refuse_existing

    if arguments.out is None:
        return None
    out = Path(arguments.out)
    if out.suffix.lower() != ".json":
        raise SettingError(f"the output is {quoted(out.name)}, wanted a .json file", "name one")
    refuse_existing(out, overwrite=arguments.overwrite)
    return out


def _all(
    pairs: Sequence[Any], embedder: Any, arguments: Any, how: Any, protocol: str, out: Path | None
) -> list[Any]:
    """Every pair compared; with an output file those of an ended run are not compared again."""
    from blurdash.compare import compare_pairs
    from blurdash.measures import ARGUMENT_MEASURES
    from blurdash.sweep_file import Journal

    with Bar(len(pairs), "pair") as bar:
        if out is None:
            return compare_pairs(pairs, embedder, crop=arguments.crop, how=how, progress=bar.show)
        journal = Journal(out, {"protocol": protocol, "measures": list(ARGUMENT_MEASURES)})
        with journal.held():
            compared = compare_pairs(
                pairs, embedder, crop=arguments.crop, how=how, journal=journal, progress=bar.show
            )
        journal.remove()
        return compared


def _as_dict(compared: Sequence[Any], pairs: Any, protocol: str, note: str) -> dict[str, Any]:
    from blurdash.compare import means_of

    means = {
        name: {key: for_json(value) for key, value in mean._asdict().items()}
        for name, mean in means_of(compared).items()
    }
    return {
        "protocol": protocol,
        "note": note or None,
        "pairs": [one.as_dict() for one in compared],
        "means": means,
        "interval": "95 %, pairs drawn again",
        "without_partner": pairs.alone,
        "left_out": pairs.left_out,
    }


def _write(out: Path, whole: dict[str, Any]) -> None:
    from blurdash.outputs import write_whole

    write_whole(out, json.dumps(whole, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def _say(compared: Sequence[Any], pairs: Any, protocol: str, note: str) -> None:
    from blurdash.compare import shift_sentence

    if len(compared) == 1 and not compared[0].failure:
        _say_one(compared[0])
    else:
        _say_means(compared)
        for one in compared[:SHOWN_ALONE]:
            if one.values and len(compared) <= SHOWN_ALONE:
                say(f"  {one_line(one.name)}: {shift_sentence(one)}")
    failures = {one.name: one.failure for one in compared if one.failure}
    say_failures(dict(list(failures.items())[:SHOWN_ALONE]), len(failures), len(compared))
    if pairs.alone:
        say(f"{counted(len(pairs.alone), 'picture')} without a partner:")
        for name in pairs.alone[:SHOWN_ALONE]:
            say(f"  {one_line(name)}")
        if len(pairs.alone) > SHOWN_ALONE:
            say(f"  and {len(pairs.alone) - SHOWN_ALONE} more")
    say_left_out(pairs.left_out)
    say(f"protocol: {protocol}")
    if note:
        say(f"note: {note}")


def _say_one(compared: Any) -> None:
    from blurdash.compare import shift_sentence
    from blurdash.measures import ARGUMENT_MEASURES

    for name, value in compared.values.items():
        row = ARGUMENT_MEASURES[name]
        say(f"{row.label:<20}{row.shown(value):>12} {row.unit:<3} {row.direction}")
    say(shift_sentence(compared))
    if compared.resized:
        width, height = compared.resized
        say(f"note: the test picture had {width} × {height} pixels and was resized")


def _say_means(compared: Sequence[Any]) -> None:
    from blurdash.compare import means_of
    from blurdash.measures import ARGUMENT_MEASURES

    say(f"{counted(len(compared), 'pair')}: mean, and 95 % interval by drawing pairs again")
    for name, mean in means_of(compared).items():
        row = ARGUMENT_MEASURES.get(name)
        label, digits = (row.label, row.decimals) if row else ("of PSNR's loss, shift", 2)
        unit = row.unit if row else "dB"
        if not mean.n:
            say(f"{label:<24}{'–':>10}")
            continue
        identical = f", {mean.identical} identical and left out" if mean.identical else ""
        say(
            f"{label:<24}{mean.mean:>10.{digits}f} {unit:<3} ({mean.low:.{digits}f} to "
            f"{mean.high:.{digits}f}, n = {mean.n}{identical})"
        )
