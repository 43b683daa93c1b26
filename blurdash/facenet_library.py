"""facenet-pytorch, imported in a fraction of the time: without torch's compiler.

It imports torchvision, which for one question that only its RoI align asks imports all of
``torch._dynamo``, and with it SymPy: four of five seconds, and 140 MB, of every process that looks
for a face. Here the compiler is imported when it is asked something, and not before.
"""

from __future__ import annotations

import importlib
import sys
import threading
import types
from typing import Any

__all__ = ["facenet_library"]

_COMPILER = "torch._dynamo.utils"
_lock = threading.Lock()


def facenet_library() -> types.ModuleType:
    """Returns the module ``facenet_pytorch``.

    Example:
        >>> facenet_library().MTCNN.__name__
        'MTCNN'
    """
    with _lock:
        if "torchvision" not in sys.modules:
            _import_torchvision()
        return importlib.import_module("facenet_pytorch")


def _import_torchvision() -> None:
    """Imports torchvision with something in the compiler's place, which is gone afterwards."""
    importlib.import_module("torch")
    if _COMPILER in sys.modules:
        return
    in_its_place = types.ModuleType(_COMPILER)
    in_its_place.is_compile_supported = _is_compile_supported  # type: ignore[attr-defined]
    # Another release may take more of it: then the compiler is imported after all.
    in_its_place.__getattr__ = _of_the_compiler  # type: ignore[method-assign]
    sys.modules[_COMPILER] = in_its_place
    try:
        importlib.import_module("torchvision")
    finally:
        _make_way()


def _make_way() -> None:
    """Lets the compiler be imported by its name again."""
    there = sys.modules.get(_COMPILER)
    if there is not None and there.__spec__ is None:
        sys.modules.pop(_COMPILER, None)


def _of_the_compiler(name: str) -> Any:
    if name.startswith("__"):  # asked by whoever looks at all modules
        raise AttributeError(name)
    _make_way()
    return getattr(importlib.import_module(_COMPILER), name)


def _is_compile_supported(device_type: str) -> Any:
    return _of_the_compiler("is_compile_supported")(device_type)
