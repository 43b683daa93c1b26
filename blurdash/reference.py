"""What is known of other faces under one recogniser, protocol, crop and kernel: numbers only.

A reference is a folder, or the same files in memory: a manifest, three sweeps (random angles, one
fixed angle, degree × angle), the rank flips, and the distances of every pair of clean faces. Faces
are numbered; what they were made of is told by hashes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blurdash.circumstances import Circumstances
from blurdash.clean import CROPS
from blurdash.distance import DISTANCES, spans_reached
from blurdash.embed import PROTOCOLS
from blurdash.errors import BlurdashError, TableError
from blurdash.flips import RankFlips
from blurdash.kernel import KERNELS
from blurdash.measures import MEASURES
from blurdash.strangers import FACES_AT_MOST, StrangerPairs
from blurdash.summary import Band, curve_of
from blurdash.sweep_file import read_sweep
from blurdash.table import Span
from blurdash.values import is_real, is_whole
from blurdash.words import quoted

__all__ = [
    "FILES",
    "FORMAT",
    "MANIFEST",
    "SWEEPS",
    "Reference",
    "check_name",
    "folders_in",
    "load_reference",
    "plain_name",
    "references_in",
    "unpacked",
]

Part = TypeVar("Part")

FORMAT = 1
MANIFEST = "manifest.json"
SWEEPS = {"random": "random angles", "fixed": "one fixed angle", "map": "degree × angle"}
PAIRS = "pairs.parquet"
FLIPS = "flips.json"
FILES = (*(f"{which}.parquet" for which in SWEEPS), FLIPS, PAIRS)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
MOST_BYTES = 64 * 1024**2  # of a reference that a visitor hands over
MOST_PACKED = 25 * 1024**2  # what a page takes
MANIFEST_BYTES = 4 * 1024**2
HINT = "measure it anew with python -m blurdash reference"
HEX = re.compile(r"[0-9a-f]{16,64}")


def check_name(name: str) -> str:
    """Returns a reference's name after checking that it can be a folder's, anywhere.

    Raises:
        TableError: It cannot.
    """
    if not NAME.fullmatch(name) or name.endswith("."):
        raise TableError(
            f"the name {quoted(name)} is not one for a reference",
            hint="use letters, digits, hyphens and dots, at most 60",
        )
    return name


def plain_name(name: str) -> str:
    """Returns the nearest thing to a name that a reference can have.

    Example:
        >>> plain_name("FFHQ, thumbs 128×128")
        'FFHQ-thumbs-128-128'
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
    return plain[:60].rstrip("-._") or "faces"


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference at hand; its files are read when they are asked for.

    Attributes:
        manifest: What it is; see ``docs/references.md``.
        where: Its folder, or the contents of its files by name.
        origin: Who has it: ``"shipped"``, ``"host"``, ``"kept"`` or ``"session"``.
    """

    manifest: Mapping[str, Any]
    where: Path | Mapping[str, bytes]
    origin: str = "kept"
    _read: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """What it is chosen by."""
        return str(self.manifest["name"])

    @property
    def faces(self) -> int:
        """How many faces were measured."""
        return len(self.manifest["faces"])

    @property
    def who(self) -> str:
        """Whose faces they are, such as "30 generated faces of nobody"."""
        return f"{self.faces} {self.manifest['who']}"

    @property
    def title(self) -> str:
        """What a person chooses it by: shipped ones are of the same faces, others have names."""
        return self.who if self.origin == "shipped" else f"{self.name}, {self.faces} faces"

    @property
    def label(self) -> str:
        """The recogniser's label."""
        return str(self.manifest["recogniser"]["label"])

    @property
    def under(self) -> Circumstances:
        """What it was measured under."""
        of = self.manifest
        weights = str(of["recogniser"]["weights_sha256"])
        name = str(of["recogniser"]["name"])
        return Circumstances(name, of["protocol"], of["crop"], of["kernel"], None, weights)

    def fits(self, under: Circumstances) -> bool:
        """Whether it was measured under the same, whatever the angle."""
        return not set(self.under.other_than(under)) - {"angle"}

    def sweep(self, which: str) -> pa.Table:
        """Returns one of its sweeps.

        Args:
            which: A key of ``SWEEPS``.

        Raises:
            TableError: The file is damaged, or not the one that was measured.
        """
        name = f"{which}.parquet"
        return self._kept(name, lambda: self._checked(read_sweep(self._whole(name)), which))

    def _checked(self, table: pa.Table, which: str) -> pa.Table:
        """A sweep that is of what the manifest says."""
        under = self.under
        wanted = {
            "embedder": under.recogniser,
            "protocol": under.protocol,
            "crop": under.crop,
            "kernel": under.kernel,
        }
        for column, value in wanted.items():
            if pc.unique(table[column]).to_pylist() != [value]:
                raise _damaged(self.name, f"its sweep {which} is of another {column}")
        return table

    def flips(self) -> RankFlips:
        """Returns the counts of rank flips.

        Raises:
            TableError: As ``sweep``.
        """
        return self._kept(FLIPS, lambda: RankFlips.from_dict(_json(self._bytes(FLIPS), FLIPS)))

    def pairs(self) -> StrangerPairs:
        """Returns the distances of every pair of its faces, at most 800 of them.

        Raises:
            TableError: As ``sweep``.
        """
        faces = min(self.faces, FACES_AT_MOST)
        return self._kept(
            PAIRS, lambda: StrangerPairs.from_table(_pairs(self._bytes(PAIRS)), faces)
        )

    def bands(self, angle: float) -> dict[str, Band]:
        """Returns where the middle 80 % of its faces lie, over the degree.

        Args:
            angle: Degrees.

        Returns:
            For each measure degrees, lower and upper end; empty where it was measured at another
            angle.

        Raises:
            TableError: As ``sweep``.
        """
        if angle != self.manifest["angle"]:
            return {}
        return self._kept("bands", lambda: _bands(self.sweep("fixed")))

    def spans(self) -> dict[str, Span]:
        """Returns what is to be drawn of each distance: as far as any of its faces goes.

        Raises:
            TableError: As ``sweep``.
        """
        return self._kept("spans", lambda: _spans([self.sweep(one) for one in ("fixed", "random")]))

    def packed(self) -> bytes:
        """Returns all of it as one ZIP file.

        Raises:
            TableError: A file is damaged.
        """
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, json.dumps(self.manifest, indent=1, ensure_ascii=False))
            for name in FILES:
                archive.writestr(name, self._bytes(name))
        return packed.getvalue()

    def check(self) -> None:
        """Reads all of it once.

        Raises:
            TableError: A file is damaged, or contradicts the manifest.
        """
        for which in SWEEPS:
            faces = len(set(self.sweep(which)["face"].to_pylist()))
            if faces != self.faces:
                raise _damaged(self.name, f"its sweep {which} has {faces} faces")
        if len(self.flips().faces) != self.faces:
            raise _damaged(self.name, f"its flips are of {len(self.flips().faces)} faces")
        self.pairs()

    def _whole(self, name: str) -> Path | bytes:
        """A file as ``read_sweep`` takes it, after its hash was checked."""
        content = self._bytes(name)
        return self.where / name if isinstance(self.where, Path) else content

    def _bytes(self, name: str) -> bytes:
        try:
            content = (
                (self.where / name).read_bytes()
                if isinstance(self.where, Path)
                else self.where[name]
            )
        except (OSError, KeyError) as error:
            raise _damaged(self.name, f"{name} is missing") from error
        if hashlib.sha256(content).hexdigest() != self.manifest["files"][name]:
            raise _damaged(self.name, f"{name} is not the file that was measured")
        return content

    def _kept(self, name: str, read: Callable[[], Part]) -> Part:
        if name not in self._read:
            self._read[name] = read()
        found: Part = self._read[name]
        return found


def _bands(table: pa.Table) -> dict[str, Band]:
    curves = (curve_of(table, name) for name in MEASURES)
    return {one.measure: (one.x, *one.spread()) for one in curves}


def _spans(tables: list[pa.Table]) -> dict[str, Span]:
    return spans_reached(
        {
            name: [one for table in tables for one in table[name].drop_null().to_pylist()]
            for name in DISTANCES
        }
    )


def _damaged(name: str, reason: str) -> TableError:
    return TableError(f"the reference {quoted(name)} is damaged ({reason})", hint=HINT)


def _json(content: bytes, name: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, "it is no JSON") from error


def _pairs(content: bytes) -> pa.Table:
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        if file.metadata.num_rows > FACES_AT_MOST**2 // 2:
            raise _damaged(PAIRS, f"{file.metadata.num_rows:,} pairs")
        return file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(PAIRS, "it is no Parquet file") from error


# --- finding --------------------------------------------------------------------------------------


def load_reference(folder: Path, origin: str = "kept") -> Reference:
    """Returns the reference in a folder.

    Raises:
        TableError: There is none, or it is damaged, or of another version of blurdash.
    """
    try:
        with (folder / MANIFEST).open("rb") as file:
            content = file.read(MANIFEST_BYTES + 1)
    except OSError as error:
        raise TableError(
            f"{quoted(folder.name)} holds no reference ({error.strerror})",
            hint="give a folder that python -m blurdash reference made",
        ) from error
    return Reference(_manifest(content, folder.name), folder, origin)


def folders_in(folder: Path) -> list[Path]:
    """Returns where references lie: a folder itself, and those in it, that have a manifest.

    Raises:
        OSError: It cannot be read.
    """
    inside = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [path for path in inside if (path / MANIFEST).is_file()]


def references_in(folder: Path, origin: str) -> tuple[list[Reference], list[str]]:
    """Returns the references of a folder and of those in it, and why others cannot be used.

    Args:
        folder: A reference, or a folder of several; it need not be there.
        origin: As in ``Reference``.
    """
    try:
        there = folders_in(folder)
    except OSError:
        return [], []
    found, problems = [], []
    for path in there:
        try:
            found.append(load_reference(path, origin))
        except TableError as error:
            problems.append(str(error))
    return found, problems


def unpacked(content: bytes, origin: str = "session") -> Reference:
    """Returns the reference in a ZIP file, such as ``packed`` gives; all of it is checked.

    Raises:
        TableError: It is none, or damaged, or too large.
    """
    foreign = TableError(
        "the file is no reference of blurdash", hint="give one that was downloaded from this page"
    )
    if len(content) > MOST_PACKED:
        raise foreign
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {one.filename: one.file_size for one in archive.infolist()}
            if set(sizes) != {MANIFEST, *FILES} or sum(sizes.values()) > MOST_BYTES:
                raise foreign
            files = {name: archive.read(name) for name in sizes}
    except _UNREADABLE_ZIP as error:
        raise foreign from error
    reference = Reference(_manifest(files.pop(MANIFEST), "the file"), files, origin)
    reference.check()
    return reference


_UNREADABLE_ZIP = (
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    zlib.error,
)


def _manifest(content: bytes, name: str) -> dict[str, Any]:
    """The manifest after checking that it says all that a page will ask of it."""
    if len(content) > MANIFEST_BYTES:
        raise _damaged(name, "its manifest is too large")
    known = _json(content, name)
    if not isinstance(known, dict) or "format" not in known:
        raise _damaged(name, "its manifest says nothing")
    if not is_whole(known["format"]) or known["format"] != FORMAT:
        raise TableError(
            f"the reference {quoted(name)} has format {known['format']!r:.20}, wanted {FORMAT}",
            hint=HINT,
        )
    for what, fits in _WANTED.items():
        try:
            fine = fits(known[what])
        except (KeyError, TypeError, AttributeError, BlurdashError):
            fine = False
        if not fine:
            raise _damaged(name, f"its manifest has no {what} that is understood")
    return known


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 500 and value.isprintable()


def _are_faces(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(HEX.fullmatch(one) for one in value)


def _is_recogniser(value: Mapping[str, Any]) -> bool:
    return all(_is_text(value[key]) for key in ("name", "label", "weights_sha256", "note"))


def _are_files(value: Mapping[str, Any]) -> bool:
    return set(value) == set(FILES) and all(HEX.fullmatch(one) for one in value.values())


_WANTED: dict[str, Callable[[Any], Any]] = {
    "name": check_name,
    "who": _is_text,
    "source": _is_text,
    "faces": _are_faces,
    "recogniser": _is_recogniser,
    "protocol": lambda value: value in PROTOCOLS,
    "crop": lambda value: value in CROPS,
    "kernel": lambda value: _is_text(value) and value in KERNELS,
    "angle": is_real,
    "seed": is_whole,
    "blur": _is_text,
    "created": _is_text,
    "command": _is_text,
    "versions": lambda value: all(_is_text(one) for one in value.values()),
    "failures": lambda value: all(map(is_whole, value.values())),
    "left_out": lambda value: all(map(is_whole, value.values())),
    "files": _are_files,
}
