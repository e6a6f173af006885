"""Refusing checkpoints of other classes.

The runner is a fake with MMEngine's own loops: a real one needs a model, an optimizer and data on disk to
come as far as loading, and the hook reads no more of it than its loops and whether it resumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from mmengine.runner import BaseLoop

from synthmed.errors import ModelError
from synthmed.nets.class_names_hook import ClassNamesHook

pytestmark = pytest.mark.mmdet


class Loop(BaseLoop):
    """A loop that is built, as the runner's are when it loads a checkpoint."""

    def run(self) -> None:
        """Never called."""


def loop(classes: Sequence[str] | None) -> Loop:
    dataset = SimpleNamespace() if classes is None else SimpleNamespace(metainfo={"classes": tuple(classes)})
    return Loop(None, SimpleNamespace(dataset=dataset))


def runner(*, resume: bool = False, **built: Sequence[str] | None) -> Any:
    """A runner in which only the loops of ``built`` are; the others are configs still, or not there."""
    loops: dict[str, Any] = {"_train_loop": {"type": "SceneTrainLoop"}, "_val_loop": {}, "_test_loop": None}
    loops |= {f"_{name}_loop": loop(classes) for name, classes in built.items()}
    return SimpleNamespace(cfg={"resume": resume}, **loops)


def checkpoint(classes: Any) -> dict[str, Any]:
    return {"state_dict": {}, "meta": {"dataset_meta": {"classes": classes}}}


@pytest.mark.parametrize(
    ("content", "run"),
    [
        ({"state_dict": {}}, runner(test=("a", "b"))),
        ({"meta": None}, runner(test=("a", "b"))),
        ({"meta": {"dataset_meta": None}}, runner(test=("a", "b"))),
        (checkpoint(("a", "b")), runner()),
        (checkpoint(("a", "b")), runner(test=None)),
        (checkpoint(["a", "b"]), runner(test=("a", "b"))),
        (checkpoint(("a", "b")), runner(train=("a", "b"), val=("a", "b"), resume=True)),
        (checkpoint(("c", "d")), runner(train=("a", "b"), val=("a", "b"))),
    ],
    ids=[
        "weights only",
        "no meta",
        "no dataset",
        "nothing built",
        "a dataset without classes",
        "test",
        "resume",
        "other weights to start from",
    ],
)
def test_checkpoints_that_fit(content: dict[str, Any], run: Any) -> None:
    ClassNamesHook().after_load_checkpoint(run, content)


@pytest.mark.parametrize("learned", [("b", "a"), ("a", "c"), ("a",), ()])
@pytest.mark.parametrize(
    "run",
    [runner(test=("a", "b")), runner(val=("a", "b")), runner(train=("a", "b"), val=("a", "b"), resume=True)],
    ids=["test", "val", "resume"],
)
def test_other_classes(learned: tuple[str, ...], run: Any) -> None:
    names = ", ".join(map(repr, learned)) or "none"
    with pytest.raises(ModelError, match=rf"trained on the classes {names}, and the dataset has 'a', 'b'\."):
        ClassNamesHook().after_load_checkpoint(run, checkpoint(learned))


@pytest.mark.parametrize(
    "run",
    [
        runner(),
        runner(train=("a", "b"), val=("a", "b")),
        runner(train=("a", "b"), val=None),
        runner(test=None),
    ],
)
def test_runs_of_one_class_list(run: Any) -> None:
    for model in (None, network(2)):
        run.model = model
        ClassNamesHook().before_run(run)


@pytest.mark.parametrize("other", [("b", "a"), ("a",), ()])
def test_datasets_of_different_banks(other: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="one dataset has the classes 'a', 'b', and another"):
        ClassNamesHook().before_run(runner(train=("a", "b"), val=other))


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_a_network_of_more_or_fewer_classes(count: int, wrapped: bool) -> None:
    run = runner(test=("a", "b"))
    run.model = SimpleNamespace(module=network(count)) if wrapped else network(count)
    with pytest.raises(ModelError, match=rf"tells {count} classes apart, and the dataset has 'a', 'b'"):
        ClassNamesHook().before_run(run)


def network(num_classes: int) -> Any:
    return SimpleNamespace(bbox_head=SimpleNamespace(num_classes=num_classes))
