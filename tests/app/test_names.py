import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.app.names import class_fields, slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "class"),
        ("RBC", "rbc"),
        (" Living  Cell ", "living_cell"),
        ("3rd-type", "3rd_type"),
        ("µ", "class"),
    ],
)
def test_slug(name, expected):
    assert slug(name) == expected


@given(st.lists(st.text(max_size=6), unique=True, max_size=8))
def test_fields_are_distinct_identifiers(classes):
    fields = class_fields("cam", classes, taken=["cam_peaks"])
    assert list(fields) == classes
    assert len(set(fields.values())) == len(classes)
    assert all(field.isidentifier() and field != "cam_peaks" for field in fields.values())
