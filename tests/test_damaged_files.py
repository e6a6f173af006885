"""Every reader on cut, changed and foreign bytes: a right answer or a message, never a traceback.

The readers and their samples are those of ``benchmarks/fuzz.py``, which looks much longer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from _fuzz_targets import Target, deep_pngs, targets

sys.path.pop(0)

TARGETS = targets()
FOREIGN = [
    b"",
    b"\0" * 100,
    b"\xff\xfe",
    b"{}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"a: " * 1000,
    b"a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (3,), }".ljust(128) + b"\n" * 99,
    b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,), }".ljust(128),
    b"\x93NUMPY\x01\x00v\x00{'descr': (".ljust(128),
    b"II*\0\x08\0\0\0\0\0\x08\0\0\0",  # a directory that is its own next one
    b"PK\x05\x06" + b"\0" * 18,
]


@pytest.fixture(scope="module", params=sorted(TARGETS))
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    yield TARGETS[request.param](tmp_path_factory.mktemp("damaged"))


def test_samples_and_foreign_files(target: Target) -> None:
    for content in (*target.samples, *FOREIGN):
        target.call(content)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_cut_and_changed_bytes(target: Target, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(target.samples)))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    target.call(bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))]))


def test_deep_png_samples_hold_what_they_should(tmp_path: Path) -> None:
    from synthmed.points.images import read_with_window

    pixels = np.random.default_rng(0).integers(0, 2**16, (9, 8, 4)).astype(np.uint16)
    for file, samples in zip(deep_pngs(pixels), (1, 3, 3), strict=True):
        (tmp_path / "a.png").write_bytes(file)
        image, window = read_with_window(tmp_path / "a.png")
        low, high = np.percentile(pixels[:, :, :samples], (0.1, 99.9))
        assert window == (low, high)
        expected = np.clip(np.rint((pixels[:, :, :samples] - low) / (high - low) * 255), 0, 255)
        np.testing.assert_array_equal(image, np.broadcast_to(expected, image.shape))
