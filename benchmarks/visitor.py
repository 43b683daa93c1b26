"""A visitor of the dashboard without a browser: the page's own WebSocket protocol, in Python.

It does what Streamlit's page and ``blurdash/ui/components/frontend`` do: sends the state of every
component with each request, remembers large messages by their hash, reruns fragments that ask for
it, and keeps one request for numbers in flight.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

GIVE_UP_SECONDS = 4.0  # as GIVE_UP_MS in controls.js
LOADING_SECONDS = 120.0
PHOTO_SECONDS = 60.0
LOOK_SECONDS = 0.4  # as CARRIER_LOOK_MS in carrier.js
TRIES = 12


@dataclass
class Answer:
    """What the controls were told once.

    Attributes:
        at: When, as ``time.perf_counter``.
        data: The data, as ``controls_data`` makes it.
    """

    at: float
    data: dict[str, Any]

    @property
    def face(self) -> str:
        """Id of the face that the numbers are of."""
        return str(self.data["key"]).split("|")[0]


@dataclass
class Visitor:
    """One open page.

    Attributes:
        address: Host and port of the dashboard.
        page: Which page is open, such as ``sweeps``; empty for Explore.
        answer: What the controls were told last.
        errors: What went wrong, in words.
        received: Bytes that have come so far.
    """

    address: str
    page: str = ""
    answer: Answer | None = None
    errors: list[str] = field(default_factory=list)
    received: int = 0

    def __post_init__(self) -> None:
        self._states: dict[str, dict[str, str]] = {}
        self._triggers: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self._known: dict[str, ForwardMsg] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._page = ""
        self._widgets: dict[str, Any] = {}
        self._pressed = ""
        self._seq = self._said = 0
        self._carried: dict[str, Any] = {"photos": [], "busy": False, "ack": 0}
        self._news = asyncio.Condition()

    async def open(self) -> None:
        """Opens the page and waits for the first numbers."""
        await self._connect()
        await self._wait(lambda answer: answer.data["values"] is not None, LOADING_SECONDS)

    async def open_sweeps(self) -> None:
        """Opens Sweeps, for one's own photos: the portrait, every degree."""
        await self._connect()
        await self._widget("Sweep of")
        self._states[self._widgets["Sweep of"].id] = {"string_value": "My photos"}
        await self._send()
        every = await self._widget("Every")
        self._states[every.id] = {"string_value": every.options[0]}
        faces = await self._widget("Faces")
        self._states[faces.id] = {"string_array_value": {"data": list(faces.options)}}

    async def sweep_again_and_again(self) -> None:
        """Presses *Sweep* and again when it is done, or nearly."""
        button = await self._widget("Sweep")
        while True:
            self._pressed = button.id
            await self._send()
            await asyncio.sleep(6)

    async def _widget(self, label: str) -> Any:
        async with self._news:
            await asyncio.wait_for(
                self._news.wait_for(lambda: label in self._widgets), LOADING_SECONDS
            )
        return self._widgets[label]

    async def _connect(self) -> None:
        self._socket = await websockets.connect(
            f"ws://{self.address}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            origin=websockets.Origin(f"http://{self.address}"),
            max_size=None,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read())
        await self._send()

    async def add_photo(self, photo: bytes) -> None:
        """Uploads a photo in pieces and waits for the first numbers of its face."""
        await self.add_photos([photo])
        await self._wait(
            lambda answer: answer.face != "portrait" and answer.data["values"] is not None,
            PHOTO_SECONDS,
        )

    async def add_photos(self, photos: Sequence[bytes]) -> int:
        """Uploads photos in one choice, as ``carrier.js`` does; returns how many came."""
        kept = {f"{secrets.token_hex(8)}": photo for photo in photos}
        async with self._news:
            drawn = self._news.wait_for(lambda: "blurdash_carrier" in self._ids)
            await asyncio.wait_for(drawn, LOADING_SECONDS)
        before = len(self._carried["photos"])
        await self._say(offer=[{"key": key, "size": len(kept[key])} for key in kept])
        while self._carried["busy"]:
            wanted = self._carried["want"]
            if wanted is None:
                await asyncio.sleep(LOOK_SECONDS)
                await self._say(look=1)
                continue
            part = kept[wanted["key"]][wanted["at"] : wanted["at"] + self._carried["piece"]]
            await self._say(piece={**wanted, "data": base64.b64encode(part).decode()})
        self.errors += [
            f"a photo was not taken in: {text}" for _, text in self._carried["problems"]
        ]
        return len(self._carried["photos"]) - before

    async def _say(self, **what: Any) -> None:
        """Says something about photos until there is an answer; a run may swallow it."""
        self._said += 1
        number = self._said
        identity = self._ids["blurdash_carrier"]
        for _ in range(TRIES):
            self._triggers[f"$$STREAMLIT_INTERNAL_KEY_{identity}__events"] = json.dumps(
                [{"event": "said", "value": {"number": number, **what}}]
            )
            await self._send(self._fragments["blurdash_carrier"])
            with contextlib.suppress(TimeoutError):
                await self._wait(lambda _: self._carried["ack"] >= number, GIVE_UP_SECONDS)
                return
        raise TimeoutError("no answer to what was said of photos")

    async def ask(self, position: tuple[float, float, float, float]) -> float | None:
        """Asks for the numbers of a position and waits for them.

        Returns:
            Seconds from the request to the answer; None where none came in time.
        """
        self._seq += 1
        number = self._seq
        state = {"pos": [*position, number], "rest": ""}
        self._states[self._ids["blurdash_controls"]] = {"json_value": json.dumps(state)}
        start = time.perf_counter()
        await self._send(self._fragments["blurdash_controls"])
        try:
            answer = await self._wait(lambda one: one.data["ack"] >= number, GIVE_UP_SECONDS)
        except TimeoutError:
            self.errors.append("no answer in time")
            return None
        self._check(answer, position)
        return answer.at - start

    async def throw(self, value: str) -> None:
        """Sends any text as the state of the sliders, and waits a little for what becomes of it."""
        self._states[self._ids["blurdash_controls"]] = {"json_value": value}
        await self._send(self._fragments["blurdash_controls"])
        await asyncio.sleep(0.01)
        if self._closed:
            raise ConnectionError("the dashboard closed the connection")

    async def close(self) -> None:
        """Closes the page."""
        for timer in self._timers.values():
            timer.cancel()
        await self._socket.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    def _check(self, answer: Answer, position: tuple[float, ...]) -> None:
        if answer.data["values"] is None:
            self.errors.append(f"no numbers: {answer.data['message']}")
        elif list(position) != answer.data["pos"]:
            self.errors.append("numbers of another position")

    async def _wait(self, wanted: Any, seconds: float) -> Answer:
        async def until() -> Answer:
            async with self._news:
                await self._news.wait_for(lambda: self._closed or self._matches(wanted))
            if self._closed or self.answer is None:
                raise ConnectionError("the dashboard closed the connection")
            return self.answer

        return await asyncio.wait_for(until(), seconds)

    def _matches(self, wanted: Any) -> bool:
        return self.answer is not None and bool(wanted(self.answer))

    @property
    def _closed(self) -> bool:
        return self._reader.done()

    async def _send(self, fragment: str = "", *, automatic: bool = False) -> None:
        message = BackMsg()
        rerun = message.rerun_script
        rerun.page_script_hash = "" if self.page else self._page
        rerun.page_name = self.page
        rerun.fragment_id = fragment
        rerun.is_auto_rerun = automatic
        rerun.cached_message_hashes.extend(self._known)
        for identity, value in self._states.items():
            rerun.widget_states.widgets.add(id=identity, **value)
        for identity, value in self._triggers.items():
            rerun.widget_states.widgets.add(id=identity, json_trigger_value=value)
        self._triggers.clear()
        if self._pressed:
            rerun.widget_states.widgets.add(id=self._pressed, trigger_value=True)
            self._pressed = ""
        await self._socket.send(message.SerializeToString())

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for raw in self._socket:
                self.received += len(raw)
                message = ForwardMsg.FromString(raw)
                if message.WhichOneof("type") == "ref_hash":
                    message = self._known[message.ref_hash]
                elif message.metadata.cacheable:
                    self._known[message.hash] = message
                await self._take(message)
        async with self._news:
            self._news.notify_all()

    async def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._page = message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:
                self._stop_timers(list(self._timers))
        elif kind == "auto_rerun":
            fragment = message.auto_rerun.fragment_id
            self._start_timer(fragment, fragment, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            self._stop_timers(message.stop_auto_rerun.fragment_ids)
        elif kind == "session_event":
            self.errors.append(f"session event {message.session_event.WhichOneof('type')}")
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            await self._take_element(message.delta)

    async def _take_element(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(f"exception {element.exception.type}")
        label = getattr(getattr(element, kind), "label", "")
        if label:
            async with self._news:
                self._widgets[label] = getattr(element, kind)
                self._news.notify_all()
        if kind == "selectbox" and element.selectbox.options:
            box = element.selectbox
            value = box.raw_value if box.set_value else box.options[box.default]
            if box.set_value or box.id not in self._states:
                self._states[box.id] = {"string_value": value}
        elif kind == "bidi_component":
            component = element.bidi_component
            self._ids[component.component_name] = component.id
            self._fragments[component.component_name] = delta.fragment_id
            if component.component_name == "blurdash_curve":
                self._look_again(delta.fragment_id, json.loads(component.json)["look_again"])
            if component.component_name == "blurdash_carrier":
                async with self._news:
                    self._carried = json.loads(component.json)
                    self._news.notify_all()
            if component.component_name == "blurdash_controls":
                await self._take_answer(json.loads(component.json))

    async def _take_answer(self, data: dict[str, Any]) -> None:
        async with self._news:
            self.answer = Answer(time.perf_counter(), data)
            self._seq = max(self._seq, data["ack"])
            self._news.notify_all()

    def _look_again(self, fragment: str, seconds: float | None) -> None:
        name = f"look {fragment}"
        self._stop_timers([name])
        if seconds:
            self._start_timer(name, fragment, seconds)

    def _start_timer(self, name: str, fragment: str, seconds: float) -> None:
        async def rerun() -> None:
            while True:
                await asyncio.sleep(seconds)
                await self._send(fragment, automatic=True)

        self._stop_timers([name])
        self._timers[name] = asyncio.create_task(rerun())

    def _stop_timers(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._timers:
                self._timers.pop(name).cancel()
