"""What the doctor prints, and its exit code."""

from __future__ import annotations

from json import loads

import pytest

from synthmed.doctor import Check, format_checks, run_doctor

CHECKS = [
    Check("numpy", True, "2.4.6", ""),
    Check("mmcv", False, "not installed", "pip install mmcv", "train"),
    Check("ray", False, "not installed", "pip install ray", "scale", optional=True),
]


def test_no_checks() -> None:
    assert format_checks([]) == []


def test_each_miss_has_its_remedy_below() -> None:
    lines = format_checks(CHECKS)
    assert [line for line in lines if line.startswith("  ")] == [
        "  ok       numpy  2.4.6",
        "  missing  mmcv   not installed",
        "           $ pip install mmcv",
        "  none     ray    not installed",
        "           $ pip install ray",
    ]


@pytest.mark.parametrize(
    ("checks", "code"), [([], 0), (CHECKS[:1], 0), (CHECKS[:2], 1), (CHECKS[2:], 0), (CHECKS, 1)]
)
def test_exit_code(
    checks: list[Check], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("synthmed.doctor.report.check_environment", lambda: checks)
    assert run_doctor() == code
    assert capsys.readouterr().out.startswith("synthmed ")
    assert run_doctor(json=True) == code
    document = loads(capsys.readouterr().out)
    assert document["ok"] is (code == 0)
    assert [check["name"] for check in document["checks"]] == [check.name for check in checks]
