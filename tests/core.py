"""The page's own core, run from Python: the bytes that browsers get, by the wasmtime wheel."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import wasmtime

from blurdash.blur import LANCZOS_TAPS, Change, _lanczos
from blurdash.embed.crops import CROP_KINDS, CropPlan
from blurdash.kernel import KERNELS
from blurdash.ui.components.scripts import FRONTEND

__all__ = ["CORE", "Core", "Network"]

Picture = npt.NDArray[np.uint8]

CORE = FRONTEND / "wasm" / "core.wasm"
AS_GIVEN, LIKE_OPENCV = 1, 2  # how the core does a sum again that lies near the middle
OPENCV_ADDS_UP = 121  # places of the largest kernel that cv2.filter2D does not transform


class Instance:
    """One instance of the core, with a memory of its own."""

    def __init__(self, most_memory: int | None = None) -> None:
        engine = wasmtime.Engine()
        self._store = wasmtime.Store(engine)
        if most_memory:
            self._store.set_limits(memory_size=most_memory)
        module = wasmtime.Module.from_file(engine, str(CORE))
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)

    def call(self, name: str, *values: float) -> Any:
        """Calls an exported function."""
        return self._exports[name](self._store, *values)

    def _write(self, at: int, data: bytes) -> None:
        self._exports["memory"].write(self._store, data, at)

    def _read(self, at: int, length: int) -> bytes:
        return bytes(self._exports["memory"].read(self._store, at, at + length))

    @property
    def memory(self) -> int:
        """Bytes that the instance has taken."""
        return int(self._exports["memory"].data_len(self._store))


class Core(Instance):
    """One instance, working on one clean picture.

    Args:
        clean: uint8 ``(n, n, 3)``.
        most_memory: Bytes that it may take; None: as much as it wants.
    """

    def __init__(self, clean: Picture, most_memory: int | None = None) -> None:
        super().__init__(most_memory)
        self.n = len(clean)
        self._door = self.call("open", self.n, 1)
        assert self._door
        alpha = np.full((self.n, self.n, 1), 255, np.uint8)
        self._write(self._door, np.concatenate([clean, alpha], 2).tobytes())
        self.call("take_clean")

    def reference(self, kernel: str) -> Picture:
        """Makes the reference of a kernel, and returns it."""
        self.change(Change(degree=0, kernel=kernel))
        self.call("take_reference")
        return self.given("give_reference")

    def take_kernel(self, taps: npt.NDArray[np.float64], parts: float) -> bool:
        """Hands a kernel over; whether the core can do it."""
        rows, columns = np.nonzero(taps)
        anchor = taps.shape[0] // 2, taps.shape[1] // 2
        flat = np.stack([columns - anchor[1], rows - anchor[0], taps[rows, columns]], 1)
        self._write(self.call("taps_at"), flat.astype("<f8").tobytes())
        again = LIKE_OPENCV if taps.size <= OPENCV_ADDS_UP else AS_GIVEN
        return bool(self.call("take_kernel", len(flat), parts, again))

    def change(self, change: Change, *, parts: float | None = None, plain: bool = False) -> Picture:
        """Makes the changed picture, and returns it.

        Args:
            change: What to do.
            parts: Number in whose parts the kernel's weights are whole; None: the browser's own.
            plain: Without the stretch, also where the kernel has one.
        """
        row = KERNELS[change.kernel]
        if change.degree:
            if parts is None:  # as kernels.js has it
                parts = change.degree * 1024.0 if row.name == "study" else 0.0
            assert self.take_kernel(change.taps(), parts)
            self.call("blur", 0, self.n)
        whole = [math.floor(change.shift_x), math.floor(change.shift_y)]
        rest = [change.shift_x - whole[0], change.shift_y - whole[1]]
        for name, fraction in zip(("across_at", "along_at"), rest, strict=True):
            taps = _lanczos(fraction)[: 2 * LANCZOS_TAPS]
            self._write(self.call(name), taps.astype("<f4").tobytes())
        stretched = row.stretched and not plain
        between = bool(rest[0]) + 2 * bool(rest[1])
        self.call("change", bool(change.degree), stretched, *whole, between)
        return self.given("give_changed")

    def psnr(self) -> float:
        """Of the changed picture against the reference, dB."""
        error = self.call("squared_error")
        return 10 * math.log10(255**2 * 3 * self.n**2 / error) if error else math.inf

    def ssim(self) -> float:
        """Of the changed picture against the reference."""
        return float(self.call("ssim"))

    def sharpness(self, *, of_reference: bool = False) -> float:
        """Of the changed picture, or of the reference."""
        return float(self.call("sharpness", int(of_reference)))

    def light(self, gain: float) -> Picture:
        """Puts the changed picture into other light, and returns it."""
        levels = np.arange(256, dtype=np.float32) * np.float32(gain)
        lit = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        self._write(self.call("lit_at"), lit.tobytes())
        self.call("light")
        return self.given("give_changed")

    def given(self, name: str) -> Picture:
        """Has the core give a picture out by one of its functions."""
        self.call(name)
        data = self._read(self._door, 4 * self.n * self.n)
        return np.frombuffer(data, np.uint8).reshape(self.n, self.n, 4)[..., :3]

    def crop(self, plan: CropPlan, *, of_reference: bool = False) -> Picture | None:
        """Cuts a crop out of the changed picture, or of the reference; None where it cannot."""
        self._write(self.call("grid_at"), struct.pack("<6d", *(plan.grid or (0.0,) * 6)))
        kind = CROP_KINDS.index(plan.kind)
        at = self.call("crop", int(of_reference), kind, *plan.box, plan.side, plan.levels)
        data = self._read(at, 3 * plan.side**2) if at else None
        return None if data is None else np.frombuffer(data, np.uint8).reshape(plan.side, -1, 3)


class Network(Instance):
    """One instance that runs a packed program.

    Args:
        packed: As ``Program.packed`` gives it.
    """

    def __init__(self, packed: bytes) -> None:
        super().__init__()
        (length,) = struct.unpack_from("<I", packed, 4)
        self.header = json.loads(packed[8 : 8 + length])
        place = 8 + length
        layers, size = self.header["layers"], self.header["bytes"]
        self._write(self.call("net_open", len(layers)), b"".join(map(as_struct, layers)))
        biases = self.call("net_room", self.header["biases"], 3 * self.header["side"] ** 2)
        self._write(biases, packed[place : place + 4 * self.header["biases"]])
        place += 4 * self.header["biases"]
        for number, layer in enumerate(layers):
            if layer[-2] > 0:
                self._write(self.call("net_staged"), packed[place : place + size * layer[-2]])
                self.call("net_weights", number, size)
                place += size * layer[-2]
        assert place == len(packed)

    def embed(self, crop: Picture) -> npt.NDArray[np.float32]:
        """Returns the embedding of a crop."""
        self._write(self.call("net_input"), crop.tobytes())
        self.call("net_run")
        found = self._read(self.call("net_output"), 4 * self.header["dim"])
        return np.frombuffer(found, np.float32)


def as_struct(layer: list[float | None]) -> bytes:
    """A layer of a header as the core wants it."""
    *whole, least, most, weights, biases = layer
    bounds = (-math.inf if least is None else least, math.inf if most is None else most)
    return struct.pack("<15i2f2i", *map(int, whole), *bounds, int(weights), int(biases))
