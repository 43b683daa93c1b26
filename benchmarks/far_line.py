"""A server that is far away: what is sent to it on loopback, and back, arrives later."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

__all__ = ["far_line"]


@contextlib.contextmanager
def far_line(address: str, seconds: float) -> Iterator[str]:
    """Yields an address at which a server answers over a long line.

    Args:
        address: The server's own, ``http://HOST:PORT``.
        seconds: How much later everything arrives, each way.
    """
    parts = urlsplit(address)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> asyncio.Server:
        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = await asyncio.open_connection(parts.hostname, parts.port)
            ways = [_later(reader, there[1], seconds), _later(there[0], writer, seconds)]
            with contextlib.suppress(asyncio.CancelledError):  # asyncio would print a traceback
                await asyncio.gather(*ways)

        return await asyncio.start_server(meet, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    """Closes it, and drops what is still under way."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _later(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Passes on what comes, in its order, each piece so much later."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def pass_on() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.close()

    passing = asyncio.ensure_future(pass_on())
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            pieces.put_nowait((loop.time() + seconds, piece))
    pieces.put_nowait((loop.time() + seconds, b""))
    with contextlib.suppress(OSError):
        await passing
