"""Where a recogniser's weights come from: a given path, a directory, the cache, a download.

Conventions:
    The sources are asked in this order, and the first that has the file wins:

    1. the path that was given (``--weights``): a file, or a directory that holds the file;
    2. the directory in ``BLURDASH_WEIGHTS_DIR``;
    3. facenet-pytorch's own cache: ``checkpoints`` in ``$TORCH_HOME``, else in
       ``$XDG_CACHE_HOME/torch``, else in ``~/.cache/torch``;
    4. a download into that cache, unless ``BLURDASH_OFFLINE`` is set (and is not 0).

    What was asked for and is not there is an error, never skipped: a given path, or a
    ``BLURDASH_WEIGHTS_DIR`` that does not exist. An empty variable counts as not set.

Known limits:
    A download that keeps sending, however slowly, is let go on. The first byte of the answer has
    ``CONNECT_SECONDS``, redirects included; each later piece has ``READ_SECONDS``.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import functools
import glob
import hashlib
import http.client
import importlib
import os
import pickletools
import secrets
import shutil
import struct
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO, cast

from blurdash.errors import WeightsError

__all__ = [
    "CONNECT_SECONDS",
    "READ_SECONDS",
    "WeightsFile",
    "cache_directory",
    "fetch",
    "find",
    "is_offline",
    "print_progress",
    "sha256",
]

CONNECT_SECONDS = 4.0
"""Seconds for name resolution, connection, redirects and the first byte, all together."""

READ_SECONDS = 10.0
"""Seconds for each later piece of the file."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have come and the bytes in all (None if the server did not say)."""

_CHUNK_BYTES = 1 << 18
_PROGRESS_SECONDS = 0.1  # a page redraws at each call: ten a second are smooth and cost nothing
# Not on Windows, where a killed download's part stays.
_fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None
# A file of weights takes some ten thousand operations to read, and no record in it is compressed.
# Others can keep torch busy for minutes, or unpack to more than memory holds.
_MOST_OPERATIONS = 500_000
_MOST_RECORDS = 10_000
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class WeightsFile:
    """One file of weights, and all that is needed to find, fetch and credit it.

    Attributes:
        name: What messages call it.
        file_name: Its name in a directory.
        url: Where it is downloaded from.
        min_bytes: Smallest size in bytes that can be right.
        max_bytes: Largest size in bytes that can be right; a download stops there.
        licence: Licence of the weights.
        origin: Who trained them, on what.
        published_sha256: Of the published file; None where it is not known for sure.
        whose: Of the recogniser, as it stands before "structure".
        pickled: Whether torch reads it as pickles, of which there may not be too many.
    """

    name: str
    file_name: str
    url: str
    min_bytes: int
    max_bytes: int
    licence: str
    origin: str
    published_sha256: str | None = None
    whose: str = "the recogniser's"
    pickled: bool = True

    def remark(self, digest: str) -> str:
        """Returns what a file with this SHA-256 is called; empty for the published one."""
        if self.published_sha256 in (None, digest):
            return ""
        return f"{self.whose} structure, not the published weights (hash {digest[:8]})"


# A failed download is not tried again in this process: each new session would wait again.
# Message and hint only: an exception would keep its frames, and what they hold, alive.
_failures: dict[WeightsFile, tuple[str, str]] = {}
_failures_lock = threading.Lock()


# --- finding -------------------------------------------------------------------------------------


def fetch(
    row: WeightsFile,
    *,
    path: str | Path | None = None,
    progress: Progress | None = None,
    check: Callable[[Path], None] | None = None,
    retry: bool = False,
) -> Path:
    """Returns the path of the file of weights, downloaded first if no source has it.

    Args:
        row: The wanted file.
        path: A file, or a directory that holds ``row.file_name``; no other source is asked then.
        progress: Called in this thread during a download: first with 0, at the end with the total.
        check: Called with the path of a finished download before it is put in place; raises
            ``WeightsError`` if the content is wrong. A file that was found is not checked by it.
        retry: Try a download that failed before in this process again.

    Returns:
        Path of an existing file of a possible size.

    Raises:
        WeightsError: No source has the file, or it is damaged. After a failed download nothing is
            left behind.
    """
    found = find(row, path=path)
    if found is not None:
        return found
    target = cache_directory() / row.file_name
    if is_offline():
        raise WeightsError(
            f"the weights of {row.name} are not on this machine (wanted"
            f" {_without_home(target)}), and"
            " BLURDASH_OFFLINE forbids to download them",
            hint=_by_hand(row, "unset BLURDASH_OFFLINE"),
        )
    _recall_failure(row, retry=retry)
    _make_room(row, target.parent)
    try:
        _download(row, target, progress, check)
    except WeightsError as error:
        with _failures_lock:
            _failures[row] = (error.message, error.hint)
        raise
    return target


def is_offline() -> bool:
    """Whether ``BLURDASH_OFFLINE`` forbids every download."""
    return os.environ.get("BLURDASH_OFFLINE", "").strip() not in ("", "0")


def find(row: WeightsFile, *, path: str | Path | None = None) -> Path | None:
    """Returns the path of the file of weights if it is on this machine; never downloads.

    Args:
        row: The wanted file.
        path: As in `fetch`.

    Returns:
        Path of an existing file of a possible size, or None.

    Raises:
        WeightsError: The given path or ``BLURDASH_WEIGHTS_DIR`` does not exist, or the file that
            was found has an impossible size.
    """
    if path is not None:
        return _right_size(row, _given(row, _expand(path)))
    for directory in (_env_directory(), cache_directory()):
        if directory is not None and _is(Path.is_file, directory / row.file_name):
            return _right_size(row, directory / row.file_name)
    return None


def cache_directory() -> Path:
    """Returns facenet-pytorch's own cache directory, which need not exist.

    Raises:
        WeightsError: There is no home directory, and no variable names another place.
    """
    home = os.environ.get("TORCH_HOME")
    if not home:
        home = f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/torch"
    return _expand(home) / "checkpoints"


def _given(row: WeightsFile, path: Path) -> Path:
    if _is(Path.is_file, path):
        return path
    if not _is(Path.is_dir, path):
        raise WeightsError(
            f"no file or directory of weights at {_shown(path)}, wanted {row.file_name}",
            hint="check the path that was given",
        )
    if not _is(Path.is_file, path / row.file_name):
        raise WeightsError(
            f"the directory {_shown(path)} holds no {row.file_name}",
            hint="give the file itself, or the directory that holds it",
        )
    return path / row.file_name


def _env_directory() -> Path | None:
    value = os.environ.get("BLURDASH_WEIGHTS_DIR")
    if not value:
        return None
    directory = _expand(value)
    if not _is(Path.is_dir, directory):
        raise WeightsError(
            f"BLURDASH_WEIGHTS_DIR is {_shown(directory)}, which is not a directory",
            hint="create it, or unset the variable",
        )
    return directory


def _right_size(row: WeightsFile, path: Path) -> Path:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise WeightsError(f"{_shown(path)} cannot be read: {_reason(error)}") from error
    if not row.min_bytes <= size <= row.max_bytes:
        raise WeightsError(
            f"{_shown(path)} has {size:,} bytes, wanted {row.min_bytes:,} to {row.max_bytes:,}",
            hint="it is damaged or another file: move it away, and it is downloaded anew",
        )
    _check_bounded(row, path)
    return path


def _check_bounded(row: WeightsFile, path: Path) -> None:
    """Refuses a file that takes torch minutes or gigabytes to read; whether it is the right one
    is not looked at. Nothing of it is executed."""
    if not row.pickled:
        return
    try:
        status = path.stat()
        excess = _excess(path.resolve(), (status.st_size, status.st_mtime_ns), row.max_bytes)
    except OSError as error:
        raise WeightsError(f"{_shown(path)} cannot be read: {_reason(error)}") from error
    if excess:
        raise WeightsError(
            f"{_shown(path)} {excess}, wanted the weights of {row.name}",
            hint="it is damaged or another file: move it away, and it is downloaded anew",
        )


@functools.lru_cache(maxsize=16)
def _excess(path: Path, _state: tuple[int, ...], most: int) -> str:
    """What a file has too much of; empty if nothing."""
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\3\4"
        file.seek(0)
        return _excess_of_zip(file, most) if zipped else _excess_of_pickles(file, most)


def _excess_of_zip(file: IO[bytes], most: int) -> str:
    """What an archive of torch has too much of: records, what they unpack to, operations."""
    try:
        if _records(file) > _MOST_RECORDS:
            return "has too many records"
        with zipfile.ZipFile(file) as archive:
            records = archive.infolist()
            if any(record.compress_type != zipfile.ZIP_STORED for record in records):
                return "has compressed records"
            if sum(record.file_size for record in records) > most:
                return f"unpacks to more than {most:,} bytes"
            for record in records:
                if record.filename.endswith(".pkl"):
                    with archive.open(record) as content:
                        if excess := _excess_of_pickles(content, most):
                            return excess
    except _UNREADABLE_ZIP:
        return "is no whole archive"
    return ""


_UNREADABLE_ZIP = (
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


def _records(file: IO[bytes]) -> int:
    """How many records an archive has, without reading the list of them into memory."""
    file.seek(0)
    count, before = 0, b""
    while chunk := file.read(_CHUNK_BYTES):
        count += (before + chunk).count(b"PK\1\2")
        before = chunk[-3:]
    file.seek(0)
    return count


class _Bounded:
    """A file that is never asked for more than it can hold, whatever is asked of it."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most = file, most

    def read(self, size: int) -> bytes:
        """Returns up to so many bytes."""
        return self._file.read(min(size, self._most))

    def readline(self) -> bytes:
        """Returns the rest of a line."""
        return self._file.readline(self._most)


def _excess_of_pickles(file: IO[bytes], most: int) -> str:
    """Whether reading a file's pickles takes too many operations; they are only counted.

    Torch's older format has five of them in front of the numbers, its archives have one. Where
    they end or break off, so does torch.
    """
    count = 0
    for _ in range(5):
        try:
            for _operation in pickletools.genops(cast(IO[bytes], _Bounded(file, most))):
                count += 1
                if count > _MOST_OPERATIONS:
                    return "takes too many operations to read"
        except (ValueError, IndexError, struct.error):
            break
    return ""


def _expand(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # a container whose user has no home
        raise WeightsError(
            f"{_shown(path)} needs a home directory, and there is none",
            hint="set TORCH_HOME, or give the file with --weights",
        ) from error


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    # Path.is_file and is_dir raise where a parent may not be read or a name is too long.
    try:
        return kind(path)
    except OSError:
        return False


# --- downloading ---------------------------------------------------------------------------------


def _recall_failure(row: WeightsFile, *, retry: bool) -> None:
    with _failures_lock:
        if retry:
            _failures.pop(row, None)
        failure = _failures.get(row)
    if failure is not None:
        raise WeightsError(*failure)


def _make_room(row: WeightsFile, directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise _disk_error(row, directory, error) from error
    if free < row.max_bytes:
        raise WeightsError(
            f"{_without_home(directory)} has {free:,} bytes free, the weights of {row.name} need"
            f" {row.max_bytes:,}",
            hint="free some space, or set TORCH_HOME to a directory on another disk",
        )


def _download(
    row: WeightsFile,
    target: Path,
    progress: Progress | None,
    check: Callable[[Path], None] | None,
) -> None:
    # Unique, so that two processes or threads never write the same file. Not tempfile.mkstemp:
    # its files are closed to the other users of a shared cache.
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    _clear_away(target)
    try:
        with contextlib.ExitStack() as until_in_place:
            with _open(row) as response:
                total = _announced(row, response)
                with part.open("xb") as file:
                    with contextlib.suppress(OSError):  # a file system without locks
                        until_in_place.enter_context(_claimed(part))
                    _receive(row, response, total, file, progress)
                    file.flush()
                    os.fsync(file.fileno())
            _check_bounded(row, part)
            if check is not None:
                check(part)
            part.replace(target)
    except OSError as error:  # the network's errors have become WeightsError already
        raise _disk_error(row, target.parent, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _claimed(part: Path) -> Iterator[None]:
    """Marks a part as somebody's; the mark goes when its process ends, however it ends.

    Raises:
        OSError: It is somebody's already, or cannot be marked here.
    """
    if _fcntl is None:
        yield
        return
    with part.open("rb") as file:
        _fcntl.flock(file, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        yield


def _clear_away(target: Path) -> None:
    """Deletes the parts of downloads whose process was killed; no other is touched.

    Their age would not tell: a clock can jump, and a slow download takes long.
    """
    for part in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with contextlib.suppress(OSError), _claimed(part):
            if _fcntl is not None:
                part.unlink(missing_ok=True)


def _receive(
    row: WeightsFile,
    response: http.client.HTTPResponse,
    total: int | None,
    file: IO[bytes],
    progress: Progress | None,
) -> None:
    tell = progress if progress is not None else _say_nothing
    done, told = 0, time.monotonic()
    tell(done, total)
    for chunk in _chunks(row, response):
        done += len(chunk)
        if done > row.max_bytes:
            raise _bad_size(row, f"more than {row.max_bytes:,}")
        file.write(chunk)
        if time.monotonic() - told >= _PROGRESS_SECONDS:
            tell(done, total)
            told = time.monotonic()
    if total is not None and done < total:
        raise WeightsError(
            f"the download of {row.file_name} broke off after {done:,} of {total:,} bytes",
            hint=_by_hand(row, "try again"),
        )
    if done < row.min_bytes:
        raise _bad_size(row, f"{done:,}")
    tell(done, done)


def _chunks(row: WeightsFile, response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read1(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _network_error(row, error) from error
        if not chunk:
            return
        yield chunk


def _announced(row: WeightsFile, response: http.client.HTTPResponse) -> int | None:
    if response.status != http.HTTPStatus.OK:
        raise _network_error(row, f"the answer was {response.status} {response.reason}")
    length = response.headers.get("Content-Length", "").strip()
    if not length.isdecimal():
        return None
    if not row.min_bytes <= int(length) <= row.max_bytes:
        raise _bad_size(row, f"{int(length):,}")
    return int(length)


def _open(row: WeightsFile) -> http.client.HTTPResponse:
    # getaddrinfo knows no time-out, and urllib's is per step. A daemon thread opens, this one
    # waits for it, and no longer than the deadline; what the thread opens later, it closes.
    opening: concurrent.futures.Future[http.client.HTTPResponse] = concurrent.futures.Future()
    threading.Thread(
        target=_open_into, args=(opening, row), name="blurdash-download", daemon=True
    ).start()
    concurrent.futures.wait([opening], timeout=CONNECT_SECONDS)
    if not opening.done():
        opening.add_done_callback(_close)
        raise _network_error(row, f"no answer within {CONNECT_SECONDS:g} s")
    try:
        return opening.result()
    except WeightsError:  # an address that is not accepted
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise _network_error(row, f"the answer was {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _network_error(row, error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _network_error(row, error) from error


def _open_into(
    opening: concurrent.futures.Future[http.client.HTTPResponse], row: WeightsFile
) -> None:
    try:
        _accept_url(row.url)
        response = _opener().open(row.url, timeout=READ_SECONDS)
    except Exception as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
        opening.set_exception(error)
    else:
        opening.set_result(cast(http.client.HTTPResponse, response))


def _close(opening: concurrent.futures.Future[http.client.HTTPResponse]) -> None:
    error = opening.exception()
    if error is None:
        opening.result().close()
    elif isinstance(error, urllib.error.HTTPError):
        error.close()


def _opener() -> urllib.request.OpenerDirector:
    # build_opener would add handlers for ftp, file and data, which a redirect could then reach.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
        _SafeRedirects,
    ):
        opener.add_handler(handler())
    return opener


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to addresses that `_accept_url` accepts."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Returns the request to send next, or raises WeightsError."""
        try:
            _accept_url(newurl)
        except WeightsError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _accept_url(url: str) -> None:
    # Without https anyone on the way could swap the weights. Loopback is for tests and mirrors.
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise WeightsError(
        f"weights are downloaded by https only, the address was {_one_line(url)}",
        hint="download the file by hand and give it with --weights",
    )


# --- what is said --------------------------------------------------------------------------------


def _network_error(row: WeightsFile, reason: object) -> WeightsError:
    host = urllib.parse.urlsplit(row.url).hostname
    return WeightsError(
        f"the weights of {row.name} could not be downloaded from {host}: {_reason(reason)}",
        hint=_by_hand(row, "connect to the internet"),
    )


def _bad_size(row: WeightsFile, size: str) -> WeightsError:
    host = urllib.parse.urlsplit(row.url).hostname
    return WeightsError(
        f"{host} sent {size} bytes as {row.file_name}, wanted {row.min_bytes:,} to"
        f" {row.max_bytes:,}",
        hint=_by_hand(row, "check that no login page or proxy is in between"),
    )


def _disk_error(row: WeightsFile, directory: Path, error: OSError) -> WeightsError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return WeightsError(
        f"the weights of {row.name} cannot be written to {_without_home(directory)}:"
        f" {_reason(error)}",
        hint="free some space, or set TORCH_HOME to a directory on another disk"
        if full
        else "set TORCH_HOME to a directory that can be written",
    )


def _without_home(path: Path) -> str:
    """A path as people write it; a page's visitors need not know whose machine it is."""
    with contextlib.suppress(ValueError, RuntimeError):
        return str(Path("~") / path.relative_to(Path.home()))
    return str(path)


def _shown(path: str | Path) -> str:
    """A path on one line, without what could be markup or turn the line round."""
    return "".join(sign for sign in str(path) if sign.isprintable() and sign not in "<>[]`$|")


def _by_hand(row: WeightsFile, first: str) -> str:
    return f"{first}, or give {row.file_name} with --weights or in BLURDASH_WEIGHTS_DIR"


def _reason(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "it stopped answering"
    if isinstance(reason, OSError) and reason.strerror:
        reason = reason.strerror
    elif isinstance(reason, Exception) and not str(reason):
        reason = type(reason).__name__
    return _one_line(reason)


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")[:200]


# --- progress and identity -----------------------------------------------------------------------


def print_progress(stream: TextIO | None = None) -> Progress:
    r"""Returns a progress callback that draws one line on a terminal, and nothing elsewhere.

    Conventions:
        The cursor rests at the start of the line, so whatever is printed next replaces it.

    Args:
        stream: Where to draw; standard error by default.

    Returns:
        A function of the bytes done and the bytes in all (or None).

    Example:
        >>> import io
        >>> terminal = io.StringIO()
        >>> terminal.isatty = lambda: True
        >>> print_progress(terminal)(27_000_000, 108_000_000)
        >>> terminal.getvalue()
        'weights [#####               ]  27 of 108 MB\r'
    """
    out = sys.stderr if stream is None else stream
    if not out.isatty():
        return _say_nothing

    def draw(done: int, total: int | None) -> None:
        size = f"{done / 1e6:3.0f} MB"
        if total:
            bar = "#" * (20 * done // total)
            size = f"[{bar:<20}] {done / 1e6:3.0f} of {total / 1e6:.0f} MB"
        out.write(f"weights {size}" + ("\n" if total and done >= total else "\r"))
        out.flush()

    return draw


def _say_nothing(_done: int, _total: int | None) -> None:
    pass


def sha256(path: str | Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal.

    Conventions:
        Read once per path, size and times of change; a file that changes is read again, also one
        that was put in its place with the old one's date.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.

    Raises:
        WeightsError: The file cannot be read.

    Example:
        >>> len(sha256(__file__))
        64
    """
    try:
        real = Path(path).resolve()
        status = real.stat()
        return _sha256(
            real, (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        )
    except OSError as error:
        raise WeightsError(f"{_shown(path)} cannot be read: {_reason(error)}") from error


@functools.lru_cache(maxsize=16)
def _sha256(path: Path, _state: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
