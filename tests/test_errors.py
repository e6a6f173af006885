from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from synthmed import errors
from synthmed.errors import PointsError, Problem, ProblemLog, SynthmedError, first_complaint


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "wrong"),
        ({"file": "a.csv"}, "a.csv: wrong"),
        ({"file": "a.csv", "row": 7}, "a.csv, row 7: wrong"),
        ({"row": 7}, "wrong"),
        ({"value": ""}, "wrong (got '')"),
        ({"value": 0}, "wrong (got 0)"),
        ({"remedy": "mend it"}, "wrong. Remedy: mend it"),
        (
            {"file": "a.csv", "row": 1, "value": "x", "remedy": "mend it"},
            "a.csv, row 1: wrong (got 'x'). Remedy: mend it",
        ),
    ],
)
def test_messages(parts: dict[str, Any], message: str) -> None:
    assert str(SynthmedError("wrong", **parts)) == message


FAMILY = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SynthmedError)
]


@pytest.mark.parametrize("kind", FAMILY)
def test_errors_pass_from_process_to_process(kind: type[SynthmedError]) -> None:
    error = kind("wrong", file="a.csv", row=3, value=[1], remedy="mend it")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert (copy.what, copy.file, copy.row, copy.value, copy.remedy) == ("wrong", "a.csv", 3, [1], "mend it")


def problem(reason: str) -> Problem:
    return Problem("a.csv", 2, "x", reason, "mend it")


@pytest.mark.parametrize(
    ("reasons", "summary"),
    [
        ([], ""),
        (["late"], "1 row skipped: 1 × late"),
        (["late", "lost", "lost"], "3 rows skipped: 2 × lost, 1 × late"),
    ],
)
def test_a_log_counts_by_reason(reasons: list[str], summary: str) -> None:
    log = ProblemLog()
    for reason in reasons:
        log.add(problem(reason))
    assert log.summary() == summary
    assert [p.reason for p in log.problems] == reasons


def test_a_strict_log_stops_at_the_first_problem_but_not_at_a_note() -> None:
    log = ProblemLog(strict=True)
    log.note("chosen for you")
    with pytest.raises(PointsError, match=r"a\.csv, row 2: late \(got 'x'\)\. Remedy: mend it"):
        log.add(problem("late"))
    assert log.notes == ["chosen for you"]
    assert log.problems == []


class Part(BaseModel):
    count: int = Field(ge=0)

    @model_validator(mode="after")
    def _even(self) -> Part:
        if self.count % 2:
            raise ValueError("count is odd")
        return self


class Whole(BaseModel):
    parts: dict[str, Part]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, ("parts: Field required", {})),
        ({"parts": {"a": {"count": -1}}}, ("parts.a.count: Input should be greater than or equal to 0", -1)),
        ({"parts": {"a": {"count": 3}}}, ("parts.a: count is odd", {"count": 3})),
        (3, ("Input should be a valid dictionary or instance of Whole", 3)),
    ],
)
def test_complaints_name_the_field(values: Any, complaint: tuple[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(values)
    assert first_complaint(caught.value) == complaint


def test_a_value_that_is_long_is_shortened() -> None:
    nested: list = ["x" * 5000]
    for _ in range(40):
        nested = [nested] * 9
    for value in (nested, "x" * 5000, dict.fromkeys(range(9999)), 10**900):
        assert len(str(SynthmedError("what", value=value, remedy="do"))) < 1200
