import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from synthmed.metrics.raw_maps import map_levels, map_range, read_raw, write_raw

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("raw") / "maps.npz"


def maps(*rows):
    """One image of maps of one row each."""
    return np.array(rows, dtype=np.float32)[:, None]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([], (0, 1)),
        # Evidence nowhere: what there is of a scale begins at the background, and shows nothing above.
        ([maps([-3, -3, -2])], (-3, 1)),
        # The background of a class that is on most of the image lies above 0.
        ([maps([4, 4, 8])], (0, 8)),
        # The scale begins at the highest background, and ends where the class in the middle gets.
        ([maps([-4, -4, 8], [-6, -6, 4], [-9, -9, 2])], (-4, 4)),
        # What one image of 100 reaches is cut off, and one strange background does not move the scale.
        ([maps([-4, -4, 8])] * 99 + [maps([50, 50, 60])], (-4, 8)),
    ],
)
def test_range_of_maps(images, expected):
    assert map_range([map_levels(cams) for cams in images]) == expected


@given(cams=arrays(np.float32, array_shapes(min_dims=3, max_dims=3, max_side=6), elements=FLOATS))
def test_maps_come_back_bit_by_bit(file, cams):
    write_raw(file, cams)
    assert read_raw(file).tobytes() == cams.tobytes()


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 0), (1, 1, 1)])
def test_shapes_come_back(file, shape):
    write_raw(file, np.zeros(shape))
    assert read_raw(file).shape == shape


def test_damaged_files_are_told_and_never_read_as_something_else(file):
    cams = np.random.default_rng(0).normal(size=(2, 5, 7)).astype(np.float32)
    write_raw(file, cams)
    whole = file.read_bytes()
    told = 0
    for place in range(len(whole)):
        for bit in (0x01, 0x80):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            try:
                # Bytes that matter to nobody, such as the date, are there too.
                assert read_raw(file).tobytes() == cams.tobytes()
            except ValueError:
                told += 1
    assert told > len(whole)


@pytest.mark.parametrize("planes", [np.zeros((4, 1, 2, 3)), np.zeros((4, 2, 3), np.uint8), np.uint8(0)])
def test_other_archives_are_told(file, planes):
    np.savez_compressed(file, planes=planes)
    with pytest.raises(ValueError, match="damaged"):
        read_raw(file)


def test_smooth_maps_are_small(file):
    grid = np.random.default_rng(0).normal(size=13)
    line = np.interp(np.linspace(0, 12, 400), np.arange(13), grid)
    write_raw(file, (line[:, None] + line)[None])
    assert file.stat().st_size < 0.5 * 4 * 400 * 400
