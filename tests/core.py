"""The page's own core, run from Python: the bytes that browsers get, by the wasmtime wheel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import wasmtime

from blurdash.blur import LANCZOS_TAPS, Change, _lanczos
from blurdash.kernel import KERNELS
from blurdash.ui.components.scripts import FRONTEND

__all__ = ["CORE", "Core"]

Picture = npt.NDArray[np.uint8]

CORE = FRONTEND / "wasm" / "core.wasm"
AS_GIVEN, LIKE_OPENCV = 1, 2  # how the core does a sum again that lies near the middle
OPENCV_ADDS_UP = 121  # places of the largest kernel that cv2.filter2D does not transform


class Core:
    """One instance, working on one clean picture.

    Args:
        clean: uint8 ``(n, n, 3)``.
        most_memory: Bytes that it may take; None: as much as it wants.
    """

    def __init__(self, clean: Picture, most_memory: int | None = None) -> None:
        engine = wasmtime.Engine()
        self._store = wasmtime.Store(engine)
        if most_memory:
            self._store.set_limits(memory_size=most_memory)
        module = wasmtime.Module.from_file(engine, str(CORE))
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        self.n = len(clean)
        self._door = self.call("open", self.n, 1)
        assert self._door
        alpha = np.full((self.n, self.n, 1), 255, np.uint8)
        self._write(self._door, np.concatenate([clean, alpha], 2).tobytes())
        self.call("take_clean")

    def call(self, name: str, *values: float) -> Any:
        """Calls an exported function."""
        return self._exports[name](self._store, *values)

    def _write(self, at: int, data: bytes) -> None:
        self._exports["memory"].write(self._store, data, at)

    @property
    def memory(self) -> int:
        """Bytes that the instance has taken."""
        return int(self._exports["memory"].data_len(self._store))

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

    def given(self, name: str) -> Picture:
        """Has the core give a picture out by one of its functions."""
        self.call(name)
        end = self._door + 4 * self.n * self.n
        data = self._exports["memory"].read(self._store, self._door, end)
        return np.frombuffer(bytes(data), np.uint8).reshape(self.n, self.n, 4)[..., :3]
