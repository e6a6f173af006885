from __future__ import annotations

import pytest

from synthmed.bank import make_spec
from synthmed.bank.report import ClassReport, warnings


def row(points: int, patches: int, **counts: int) -> ClassReport:
    return ClassReport(
        "RBC", points, counts.pop("crossing", 0), counts.pop("dropped", 0), patches, 0, **counts
    )


@pytest.mark.parametrize(
    ("report", "matte", "expected"),
    [
        (row(0, 0), "round", []),
        (row(40, 12, dropped=28), "round", []),
        (
            row(100, 10, dropped=90),
            "round",
            ["90 of 100 points gave no patch (at the border: 90); give a smaller size if 30 px"],
        ),
        (
            row(10, 0, dropped=1, faint=9),
            "round",
            ["none of 10 points gave a patch (no contrast: 9, at the border: 1), and no scene will show it"],
        ),
        (row(100, 10, duplicates=90), "round", ["check the points file for doubled rows"]),
        (row(100, 10, hidden=90), "segmented", ["lower --min-solidity"]),
        (row(100, 10, blurred=90), "round", ["lower --min-focus"]),
        (row(10, 10, unsegmented=6), "segmented", ["6 of 10 objects could not be segmented"]),
        (row(10, 10, unsegmented=6), "round", []),
        (row(10, 10, unsegmented=5), "segmented", []),
        (row(10, 10, rounded=5), "halo", []),
        (row(10, 10, rounded=6), "halo", ["6 of 10 patches are discs, not outlines"]),
        (row(10, 10, rounded=6, unsegmented=6), "halo", ["6 of 10 objects could not be segmented"]),
        (row(9, 9), "round", ["only 9 patches, which every scene repeats"]),
        (row(1, 1), "round", ["only 1 patch, which"]),
        (row(10, 10, truncated=9), "round", []),
        (row(10, 10, truncated=10), "round", ["may cut every one of the 10 objects"]),
    ],
)
def test_warnings_name_the_remedy(report: ClassReport, matte: str, expected: list[str]) -> None:
    found = warnings([report], make_spec(sizes_px={"RBC": 30.0}, matte=matte))
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(expected, found, strict=True))
