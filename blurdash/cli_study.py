"""The command line's study half: ``generate``, ``sweep`` and ``figure``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blurdash import defaults
from blurdash.cli_output import ALL_DONE, SOME_FAILED, say, say_failures, say_left_out
from blurdash.cli_values import limit_of, real, whole, workers_of
from blurdash.errors import BlurdashError, SettingError
from blurdash.words import counted, duration, one_line, quoted

__all__ = [
    "Bar",
    "add_engine",
    "add_limit",
    "add_overwrite",
    "add_study_commands",
    "degrees_of",
    "run_options",
]

DEGREES = f"{defaults.DEGREES[0]}:{defaults.DEGREES[-1]}"


def add_study_commands(commands: Any, add_recogniser: Callable[[Any], None]) -> None:
    """Adds the study's subcommands to the parser of the command line.

    Args:
        commands: What ``ArgumentParser.add_subparsers`` returned.
        add_recogniser: Adds the options that choose a recogniser.
    """
    _add_generate(commands)
    _add_sweep(commands, add_recogniser)
    _add_figure(commands)


def _add_generate(commands: Any) -> None:
    command = commands.add_parser(
        "generate", help="write the study's blurred samples of every picture in a folder"
    )
    command.add_argument("folder", help="folder with photos, also in folders inside it")
    command.add_argument(
        "--angle",
        default=str(defaults.ANGLE),
        help=f"degrees, random, or both: random and {defaults.ANGLE:g} (default: %(default)s)",
    )
    _add_choice_of_faces(command)
    command.add_argument("--out", help="where the folders of samples go (default: FOLDER)")
    command.add_argument("--dry-run", action="store_true", help="only say what it would take")
    command.add_argument("--workers", help="threads (default: one a processor)")
    command.set_defaults(
        run=_generate,
        stopped="the samples made so far are kept, and the same command goes on from there",
    )


def _add_sweep(commands: Any, add_recogniser: Callable[[Any], None]) -> None:
    command = commands.add_parser(
        "sweep", help="measure every face of a folder at every degree, into one table"
    )
    command.add_argument(
        "folder", help="folder with photos or with samples, also in folders inside it"
    )
    command.add_argument("--out", required=True, help="the table, FILE.parquet")
    command.add_argument(
        "--angle", default=str(defaults.ANGLE), help="degrees, random, or all (a grid of angles)"
    )
    command.add_argument("--degrees", default=DEGREES, help="A:B, A:B:STEP or A,B,C; canvas px")
    command.add_argument("--grid", help="angles of --angle all, A:B:STEP (default: 0:165:15)")
    _add_choice_of_faces(command)
    command.add_argument("--kernel", default=defaults.KERNEL, help="study or line")
    command.add_argument("--crop", default=defaults.CROP, help="fixed or redetect")
    command.add_argument(
        "--blur", default="fast", help="fast (within 1 grey level) or exact (cv2.filter2D)"
    )
    command.add_argument(
        "--from-samples", action="store_true", help="FOLDER holds what generate wrote"
    )
    add_engine(command)
    add_recogniser(command)
    add_overwrite(command)
    command.set_defaults(
        run=_sweep,
        stopped="what was measured, if anything, is kept in {out}.parts, and the same command "
        "goes on",
    )


def add_overwrite(command: argparse.ArgumentParser) -> None:
    """Adds the option without which nothing finished is replaced."""
    command.add_argument(
        "--overwrite", action="store_true", help="replace what is there under the name of --out"
    )


def add_engine(command: argparse.ArgumentParser) -> None:
    """Adds the options that say where faces are measured, and how many at once."""
    command.add_argument("--engine", default="local", help="local or ray")
    command.add_argument("--address", help="of a Ray cluster (default: Ray on this machine)")
    command.add_argument("--workers", help="faces in work at once (default: one a processor)")


def add_limit(command: argparse.ArgumentParser) -> None:
    """Adds the option that says how many pictures of a folder are enough."""
    command.add_argument(
        "--limit",
        default=str(defaults.FACES),
        help="so many pictures, failing ones not counted, or all",
    )


def _add_choice_of_faces(command: argparse.ArgumentParser) -> None:
    add_limit(command)
    command.add_argument("--seed", default=str(defaults.SEED), help="of random angles")


def _add_figure(commands: Any) -> None:
    command = commands.add_parser("figure", help="draw a sweep table as a self-contained page")
    command.add_argument("table", help="FILE.parquet of a sweep")
    command.add_argument("--out", required=True, help="the page, FILE.html")
    command.add_argument(
        "--x", default="px", help="px, or percent of the distance between the eyes"
    )
    add_overwrite(command)
    command.set_defaults(run=_figure)


def _generate(arguments: argparse.Namespace) -> int:
    from blurdash.folder import with_limit
    from blurdash.samples import check_space, estimate, generate, plan_samples

    plan = plan_samples(
        arguments.folder,
        out=arguments.out,
        angle=real(arguments.angle),
        limit=limit_of(arguments.limit),
        seed=whole(arguments.seed),
    )
    workers = workers_of(arguments.workers)
    wanted = estimate(plan, workers)
    say(
        f"{wanted.samples} samples of {counted(len(plan.photos), 'picture')} to make, "
        f"{wanted.there} there: "
        f"about {wanted.megabytes:,.0f} MB and {duration(wanted.seconds)}"
    )
    if arguments.dry_run:
        say_left_out(with_limit(plan.left_out, len(plan.spare), plan.limit))
        return ALL_DONE
    check_space(plan, wanted)
    with Bar(plan.total, "sample") as bar:
        report = generate(plan, workers=workers, progress=bar.show)
    say(f"{report.written} samples written, {report.there} were there, in {plan.out}")
    failed = len(report.failures)
    _say_read_otherwise(report.read_otherwise)
    say_failures(report.failures, failed, report.pictures)
    say_left_out(report.left_out)
    if failed and failed == report.pictures:
        raise BlurdashError(f"none of the {failed} pictures could be read", "look at the reasons")
    return SOME_FAILED if failed else ALL_DONE


def _say_read_otherwise(names: set[str]) -> None:
    if names:
        was = "was" if len(names) == 1 else "were"
        some = ", ".join(one_line(name) for name in sorted(names)[:5])
        some += ", …" if len(names) > 5 else ""
        say(
            f"{counted(len(names), 'picture')} {was} read otherwise than the study's OpenCV reads "
            f"them, for a colour profile, depth, opacity or format: {some}"
        )


def _sweep(arguments: argparse.Namespace) -> int:
    # Settings are checked before anything slow is loaded or started.
    from blurdash.embed import row_of
    from blurdash.sweep import GRID, Sweep, find_sources, run_sweep

    sweep = Sweep(
        angle=real(arguments.angle),
        degrees=degrees_of(arguments.degrees),
        grid=tuple(map(float, degrees_of(arguments.grid))) if arguments.grid else GRID,
        limit=limit_of(arguments.limit),
        seed=whole(arguments.seed),
        kernel=arguments.kernel,
        crop=arguments.crop,
        blur=arguments.blur,
        embedder=arguments.embedder and row_of(arguments.embedder, arguments.weights).name,
        protocol=arguments.protocol,
        samples=arguments.from_samples,
    )
    total = sweep.total(len(find_sources(arguments.folder, sweep).found[: sweep.limit]))
    start = time.perf_counter()
    with Bar(total, "row") as bar:
        report = run_sweep(
            arguments.folder,
            arguments.out,
            sweep,
            how=run_options(arguments),
            progress=bar.show,
            overwrite=arguments.overwrite,
        )
    _say_sweep(report, time.perf_counter() - start, arguments.out)
    if report.failed_count == report.faces:
        raise BlurdashError(
            f"none of the {report.faces} pictures gave a number",
            hint="the table says why, row by row",
        )
    return SOME_FAILED if report.failed_count else ALL_DONE


def run_options(arguments: argparse.Namespace) -> Any:
    """Returns where and how it runs, as ``add_engine`` and the recogniser's options say it."""
    from blurdash.embed import LoadOptions
    from blurdash.sweep import RunOptions
    from blurdash.weights import print_progress

    load = LoadOptions(
        protocol=arguments.protocol,
        weights=arguments.weights,
        device=arguments.device,
        progress=print_progress(sys.stderr),
    )
    return RunOptions(workers_of(arguments.workers), arguments.engine, arguments.address, load)


def _say_sweep(report: Any, seconds: float, out: str) -> None:
    measured = f"{report.rows} rows of {counted(report.faces, 'face')}"
    before = f", {report.resumed} measured before" if report.resumed else ""
    say(f"{measured}{before}, in {duration(seconds)}: {out}")
    rows = report.failed_rows
    if rows:
        say(f"{rows} rows have a failure instead of numbers")
    say_failures(report.failed_faces, report.failed_count, report.faces)
    say_left_out(report.left_out)


def _figure(arguments: argparse.Namespace) -> None:
    from blurdash.outputs import refuse_existing, write_whole
    from blurdash.sweep_file import read_sweep

    table = read_sweep(arguments.table)
    out = Path(arguments.out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"the output is {quoted(out.name)}, wanted an .html file", "name one")
    refuse_existing(out, overwrite=arguments.overwrite)
    from blurdash.figure import sweep_page

    page = sweep_page(table, x=arguments.x)
    write_whole(out, page)
    say(f"{len(page) / 1e6:.1f} MB: {out}")


class Bar:
    """A progress bar with rate and time left; silent where standard error is no terminal."""

    def __init__(self, total: int, unit: str) -> None:
        from tqdm import tqdm

        # disable=None: tqdm finds out itself whether it writes to a terminal
        self._bar = tqdm(total=total, unit=unit, disable=None, dynamic_ncols=True, smoothing=0.05)
        self._started = False

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, done: int, total: int) -> None:
        """Moves the bar; what was there at the start does not count into the rate."""
        self._bar.total = total
        if not self._started:
            self._bar.initial = self._bar.n = done
            self._started = True
        self._bar.update(done - self._bar.n)


def degrees_of(text: str) -> tuple[int, ...]:
    """Returns the whole numbers that ``A:B``, ``A:B:STEP`` or ``A,B,C`` stands for.

    Conventions:
        Both ends are included.

    Raises:
        SettingError: It is something else.

    Example:
        >>> degrees_of("0:100:25"), degrees_of("5,10")
        ((0, 25, 50, 75, 100), (5, 10))
    """
    try:
        if ":" not in text:
            return tuple(int(part) for part in text.split(","))
        first, last, *step = (int(part) for part in text.split(":"))
        chosen = range(first, last + 1, *step)
    except (ValueError, TypeError) as error:  # no numbers, a step of 0, or a part too many
        raise _no_range(text) from error
    if not 0 < len(chosen) <= 1000:
        raise _no_range(text)
    return tuple(chosen)


def _no_range(text: str) -> SettingError:
    return SettingError(
        f"{quoted(text)} is not a range of whole numbers",
        hint="give A:B, A:B:STEP or A,B,C, such as 0:100",
    )
