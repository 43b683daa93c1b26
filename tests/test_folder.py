"""``read_folder``: which files of a folder are photos, their names, and what is left out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurdash.errors import SettingError
from blurdash.folder import check_limit, left_out_in_words, read_folder, try_until_enough
from blurdash.words import as_text, one_line, quoted


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(folder: Path) -> list[str]:
    return [photo.name for photo in read_folder(folder).photos]


def test_folders_inside_are_searched_and_keep_their_names(tmp_path: Path) -> None:
    touch(tmp_path, "01000/01000.png", "00000/00001.png", "00000/00000.png", "cover.jfif")
    assert names(tmp_path) == ["00000/00000", "00000/00001", "01000/01000", "cover"]


def test_files_that_would_be_called_the_same_keep_their_endings(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.png", "x/a.JPG", "y/a.png", "a.avif")
    assert names(tmp_path) == ["a", "x/a.JPG", "x/a.png", "y/a"]


def test_what_is_not_taken_is_counted_with_its_reason(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", ".a.png", ".git/x.png", "n.txt", "b.cr2", "a/fix_0.png", "fix_1.png")
    found = read_folder(tmp_path)
    assert [photo.name for photo in found.photos] == ["a", "fix_1"]
    assert found.left_out == {
        "hidden": 2,
        "samples that generate made": 1,
        "other files (.cr2, .txt)": 2,
    }
    assert left_out_in_words(found.left_out).startswith("5 left out: ")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.png")
    (tmp_path / "in" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = read_folder(tmp_path)
    assert [photo.name for photo in found.photos] == ["in/a"]
    assert found.left_out == {"links to nothing, pipes or devices": 1}


@pytest.mark.parametrize("inside", [[], ["n.txt"], [".hidden.png"]])
def test_a_folder_without_pictures_is_said(inside: list[str], tmp_path: Path) -> None:
    touch(tmp_path, *inside)
    with pytest.raises(SettingError, match="has no pictures in it") as error:
        read_folder(tmp_path)
    assert ("left out" in str(error.value)) == bool(inside)


def test_no_folder_is_said_as_it_was_given() -> None:
    with pytest.raises(SettingError) as error:
        read_folder(r"C:\Users\me\faces")
    assert r"'C:\Users\me\faces'" in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.sets(st.binary(min_size=1, max_size=6), min_size=1, max_size=5))
def test_names_of_any_bytes_become_different_texts(
    tmp_path_factory: pytest.TempPathFactory, raw: set[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    kept = {name for name in raw if not set(name) & {0, ord("/")} and name[:1] != b"."}
    for name in kept:
        with open(os.fsencode(folder) + b"/" + name + b".png", "wb"):  # noqa: PTH123
            pass
    found = [photo.name for photo in read_folder(folder).photos] if kept else []
    assert len(set(found)) == len(kept)
    for name in found:
        name.encode("utf-8")


def test_two_names_that_read_alike_stay_two(tmp_path: Path) -> None:
    for name in (b"\xe9.png", rb"\xe9.png"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb"):  # noqa: PTH123
            pass
    assert len(set(names(tmp_path))) == 2


def test_text_from_elsewhere_is_fit_to_be_printed() -> None:
    assert as_text("Andr\udce9") == r"Andr\xe9"
    assert as_text("\ud800") == r"\ud800"
    assert one_line("a\nb\x1b[2J\u202e") == r"a b\x1b[2J\u202e"
    assert quoted("x" * 100) == f"'…{'x' * 59}'"


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "5", True])
def test_a_wrong_limit_is_said(wrong: object) -> None:
    with pytest.raises(SettingError, match="whole number above 0"):
        check_limit(wrong)


@pytest.mark.parametrize(
    ("limit", "tried"), [(None, 6), (1, 2), (2, 3), (3, 5), (4, 6), (9, 6)]
)  # fmt: skip
def test_failures_do_not_count_towards_the_limit(limit: int | None, tried: int) -> None:
    good = [False, True, True, False, True, True]
    assert len(try_until_enough(good, limit, lambda some: list(some).count(False))) == tried
