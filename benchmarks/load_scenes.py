"""Two scenes of the load benchmark: twelve large photos in one choice, and a stranger's flood."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from benchmarks.load import Server, Tally, dashboard, drag, percentiles
from benchmarks.visitor import Visitor
from blurdash.portrait import portrait_photo

MOST_BYTES = 1_990_000  # of a message, a little below server.maxWidgetStateSize
FLOOD_SECONDS = 12.0


def play(names: Sequence[str]) -> int:
    """Plays scenes and prints every figure beside its target; 1 where there was an error."""
    scenes = {"choice": choice, "flood": flood}
    return max([asyncio.run(scenes[name]()) for name in names], default=0)


def line(what: str, value: str, target: str = "") -> None:
    print(f"    {what:<46}{value:<58}{target}", flush=True)


def large_photo(number: int) -> bytes:
    """A photo of 12 megapixels as a phone takes it, a face in its middle."""
    face = Image.fromarray(portrait_photo()).resize((1600, 1600))
    photo = Image.new("RGB", (4000, 3000), (120 + number, 130, 140))
    photo.paste(face, (1200, 700))
    grain = np.random.default_rng(number).normal(0, 4, (3000, 4000, 1)).astype(np.float32)
    file = io.BytesIO()
    picture = np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(picture).save(file, "JPEG", quality=92)
    return file.getvalue()


async def choice() -> int:
    """Twelve photos of 12 megapixels in one choice, on a fresh server and after a restart."""
    photos = [large_photo(number) for number in range(12)]
    size = sum(map(len, photos)) / 1e6
    errors = 0
    for when in ("to a fresh server", "offered again to the next"):
        with dashboard() as server:
            visitor = Visitor(server.address)
            await visitor.open()
            start = time.perf_counter()
            taken = await visitor.add_photos(photos)
            took = time.perf_counter() - start
            line(
                f"12 photos of 12 MP, {size:.0f} MB, {when}", f"{taken} in {took:.1f} s", "12, 60 s"
            )
            await visitor.close()
            errors += taken != 12 or len(visitor.errors) + len(server.complaints())
            for text in [*visitor.errors, *server.complaints()]:
                line("", text[:100])
    return int(errors > 0)


async def flood() -> int:
    """What another visitor waits while a stranger floods with the largest messages allowed."""
    deep = "[" + ",".join(["[]"] * (MOST_BYTES // 3)) + "]"
    messages = {"deep lists": deep, "long strings": json.dumps("x" * MOST_BYTES)}
    errors = 0
    with dashboard() as server:
        visitor = Visitor(server.address)
        await visitor.open()
        await hand(visitor)
        alone = await hand(visitor)
        line("alone, p50 / p95", alone.line(FLOOD_SECONDS))
        for name, value in messages.items():
            for sockets in (1, 10):
                stop = asyncio.Event()
                strangers = [
                    asyncio.create_task(throw(server, value, stop.is_set)) for _ in range(sockets)
                ]
                beside = await hand(visitor)
                stop.set()
                thrown = sum(await asyncio.gather(*strangers))
                ratio = percentiles(beside.waits)[1] / percentiles(alone.waits)[1]
                line(
                    f"beside {name}, sockets {sockets}",
                    f"{beside.line(FLOOD_SECONDS)}; {thrown} messages",
                )
                line("p95 beside / alone", f"{ratio:.2f}", "≤ 3")
        await visitor.close()
        errors += len(visitor.errors) + len(server.complaints())
        for text in [*visitor.errors, *server.complaints()]:
            line("", text[:100])
    return int(errors > 0)


async def hand(visitor: Visitor) -> Tally:
    tally = Tally()
    await drag(visitor, 1, FLOOD_SECONDS, tally, set())
    return tally


async def throw(server: Server, value: str, stopped: Callable[[], bool]) -> int:
    """Sends a message again and again, by a new connection where the last was closed."""
    thrown = 0
    while not stopped():
        stranger = Visitor(server.address)
        try:
            await stranger.open()
            while not stopped():
                await stranger.throw(value)
                thrown += 1
        except (ConnectionError, OSError, TimeoutError):
            pass
        except Exception as error:
            if "close" not in type(error).__name__.lower() + str(error).lower():
                raise
        finally:
            await stranger.close()
    return thrown
