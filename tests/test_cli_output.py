"""What the command line writes where its output takes little, and the codes it ends with."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from blurdash import cli
from blurdash.cli import main
from blurdash.cli_output import EXIT_CODES
from blurdash.face import Face
from blurdash.sweep_file import Journal, read_sweep

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.xdist_group("cli_output")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory, portrait_face: Face) -> Path:
    path = tmp_path_factory.mktemp("photo") / "good.png"
    cv2.imwrite(str(path), portrait_face.canvas[..., ::-1])
    return path


@pytest.fixture
def mixed(tmp_path: Path, photo: Path) -> Path:
    """Returns a folder with a face whose name is no UTF-8, and a file that is no picture."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/Andr\xe9.png", "wb") as file:  # noqa: PTH123
        file.write(photo.read_bytes())
    (folder / "山田\n.jpg").write_text("no picture")
    return folder


def process(*words: object, cwd: Path = ROOT, **how: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **how.pop("env", {})}
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    line = [sys.executable, "-m", "blurdash", *map(str, words)]
    return subprocess.run(line, cwd=cwd, env=environment, timeout=180, check=False, **how)


def test_a_name_is_said_in_an_encoding_that_lacks_it() -> None:
    done = process("readout", "山田\n.jpg", env={"PYTHONIOENCODING": "ascii:strict"})
    assert done.returncode == 2
    assert rb"\u5c71\u7530" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["cp1252", "ascii:strict"])
def test_names_of_any_bytes_in_any_encoding(encoding: str, mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "t.parquet"
    words = ("sweep", mixed, "--out", out, "--degrees", "0", "--embedder", "dlib")
    done = process(*words, env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (3, b"")
    assert rb"\u5c71\u7530" in done.stdout
    assert read_sweep(out)["face"].to_pylist() == [r"Andr\xe9", "山田\n"]


def test_argue_ends_with_its_files_whatever_the_names(mixed: Path, tmp_path: Path) -> None:
    words = ["argue", str(mixed), "--out", str(tmp_path / "out"), "--embedder", "dlib"]
    assert main([*words, "--shifts", "4", "--degrees", "30"]) == 3
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.long
def test_generate_makes_folders_for_names_of_any_bytes(mixed: Path, tmp_path: Path) -> None:
    assert main(["generate", str(mixed), "--out", str(tmp_path / "out"), "--dry-run"]) == 0
    assert main(["generate", str(mixed), "--out", str(tmp_path / "out")]) == 3
    assert len(list((tmp_path / "out" / r"Andr\xe9").iterdir())) == 101


def test_help_onto_a_full_disk_and_a_closed_output() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = process("--help", stdout=full)
    assert done.returncode == 74
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr
    closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-m", "blurdash", "--help"]
    assert subprocess.run(closed, cwd=ROOT, check=False, timeout=60).returncode == 0


def test_a_mistake_with_a_full_error_output_has_its_code_all_the_same() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        assert process("readout", stderr=full).returncode == 2


def test_stopped_once_a_face_is_kept_the_same_command_goes_on(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = Journal.write

    def write_and_stop(journal: Journal, *row: Any) -> None:
        write(journal, *row)
        raise KeyboardInterrupt

    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        (tmp_path / "photos" / f"{name}.png").write_bytes(photo.read_bytes())
    out = tmp_path / "t.parquet"
    words = ["sweep", str(tmp_path / "photos"), "--out", str(out), "--degrees", "0,30"]
    words += ["--workers", "1", "--embedder", "dlib"]
    with monkeypatch.context() as stopping:
        stopping.setattr(Journal, "write", write_and_stop)
        assert main(words) == 130
    assert "is kept in" in capsys.readouterr().err
    assert len(list(tmp_path.glob("t.parquet.parts/*.parquet"))) == 1
    assert main(words) == 0
    assert len(read_sweep(out)) == 2 * 2


@pytest.mark.long
def test_stopping_says_what_is_kept_and_the_same_command_goes_on(
    photo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.png").write_bytes(photo.read_bytes())
    out = tmp_path / "t.parquet"
    words = ["sweep", str(folder), "--out", str(out), "--workers", "1", "--embedder", "dlib"]
    line = [sys.executable, "-m", "blurdash", *words, "--degrees", "0:40"]
    running = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not list(out.parent.glob("t.parquet.parts/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=60)
    assert running.returncode == 130, error
    assert error.decode().splitlines() == [
        f"blurdash: stopped; what was measured, if anything, is kept in {out}.parts, and the same "
        "command goes on"
    ]
    assert main([*words, "--degrees", "0:40"]) == 0
    assert len(read_sweep(out)) == 3 * 41


def test_a_name_that_begins_with_a_dash_is_told_how(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-me.png").write_bytes(photo.read_bytes())
    assert main(["readout", "-me.png"]) == 2
    assert "write './-me.png'" in capsys.readouterr().err
    assert main(["readout", "./-me.png", "--embedder", "dlib"]) == 0


def test_a_long_option_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["readout", "a", f"--{'x' * 300}"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_path_of_windows_is_quoted_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["readout", r"C:\Users\me\face.jpg"]) == 2
    assert "'face.jpg' does not exist" in capsys.readouterr().err
    assert main(["sweep", r"C:\Users\me", "--out", "t.parquet"]) == 2
    assert r"'C:\Users\me'" in capsys.readouterr().err


def parsers() -> dict[str, argparse.ArgumentParser]:
    top = cli._parser()
    commands = next(a for a in top._actions if isinstance(a, argparse._SubParsersAction))
    return {"": top, **commands.choices}


@pytest.mark.parametrize("name", parsers())
def test_help_says_what_the_command_does_and_every_default(name: str) -> None:
    parser = parsers()[name]
    text = " ".join(parser.format_help().split())
    assert parser.description
    assert parser.description in text
    assert "return" not in parser.description
    for action in parser._actions:
        if action.option_strings and not action.required and action.nargs != 0:
            option = action.option_strings[0]
            help_text = (parser._get_formatter()._expand_help(action)) if action.help else ""
            assert "default" in help_text, option
            assert action.default in (None, "auto") or str(action.default) in help_text, option


def test_the_exit_codes_are_in_the_help_and_in_the_readme() -> None:
    text = " ".join(parsers()[""].format_help().split())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for code, meaning in EXIT_CODES.items():
        assert f"{code}: {meaning}" in text
        assert re.search(rf"\| {code} \| {re.escape(meaning)}", readme), code


def test_pictures_that_the_study_would_read_otherwise_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rgba = np.full((64, 64, 4), 128, np.uint8)
    cv2.imwrite(str(tmp_path / "clear.png"), rgba)
    cv2.imwrite(str(tmp_path / "plain.png"), rgba[..., :3])
    assert main(["generate", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"1 pictures? (was|were) read otherwise than the study's .*: clear\n", shown)
