"""facenet-pytorch without torch's compiler, which is there all the same for whoever asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STRICT = ("-W", "error::ImportWarning")


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs some Python in a process of its own."""
    line = [sys.executable, *options, "-c", code]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_library_comes_without_the_compiler() -> None:
    code = """
import sys
from blurdash.facenet_library import facenet_library
assert facenet_library().MTCNN.__name__ == "MTCNN"
print([name in sys.modules for name in ["torch._dynamo", "torch._dynamo.utils", "sympy"]])
"""
    done = run(code, *STRICT)
    assert done.stdout == "[False, False, False]\n", done.stderr


@pytest.mark.long
def test_the_compiler_is_imported_when_it_is_asked_and_not_before() -> None:
    code = """
import sys
from blurdash.facenet_library import facenet_library
assert facenet_library().MTCNN.__name__ == "MTCNN"
names = ["torch._dynamo", "torch._dynamo.utils", "sympy"]
print([name in sys.modules for name in names])
from torchvision.ops import roi_align
print(sys.modules[roi_align.__module__].is_compile_supported("cpu"))
print([name in sys.modules for name in names])
from torch._dynamo.utils import counters, is_compile_supported
print(is_compile_supported("cpu"))
"""
    done = run(code, *STRICT)
    assert done.returncode == 0, done.stderr
    before, asked, after, own = done.stdout.split("\n")[:4]
    assert before == "[False, False, False]"
    assert asked == own, "the answer is the compiler's own"
    assert after == "[True, True, True]"


@pytest.mark.long
def test_where_more_of_the_compiler_is_taken_it_is_imported_after_all() -> None:
    code = """
import sys
import blurdash.facenet_library as library
import torch
real = library.importlib.import_module
def greedy(name, *more, **options):
    if name == "torchvision":
        from torch._dynamo.utils import counters  # as another release of torchvision might
    return real(name, *more, **options)
library.importlib.import_module = greedy
library.facenet_library()
from torch._dynamo.utils import counters
print(type(counters).__name__, library.facenet_library().__name__)
"""
    done = run(code)
    assert done.stdout.split() == ["defaultdict", "facenet_pytorch"], done.stderr
