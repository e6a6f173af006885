"""What is freed stays with the process: seen by the pages that it touches for the first time."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
from mmdet.registry import HOOKS

from synthmed.nets.keep_memory_hook import KeepMemoryHook, keep_memory

# In a process of its own, since the C library cannot be told to forget.
PROGRAM = """
import resource
from synthmed.nets.keep_memory_hook import KeepMemoryHook

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        b"1" * 2**26
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

given_back = new_pages()
KeepMemoryHook().before_train(None)
new_pages()
print(given_back, new_pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="memory is kept with glibc alone")
def test_a_step_touches_the_pages_of_the_one_before() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    given_back, kept = map(int, done.stdout.split())
    assert given_back > 10_000
    assert kept < given_back / 100


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)
    assert keep_memory() is False


def test_configs_find_it_by_name() -> None:
    assert HOOKS.get("KeepMemoryHook") is KeepMemoryHook
