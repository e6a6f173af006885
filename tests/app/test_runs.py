import fiftyone as fo
import pytest

from synthmed.app.names import RUN
from synthmed.app.runs import (
    Run,
    check_key,
    delete_run,
    dependents,
    get_run,
    list_runs,
    new_key,
    recorded,
    view_run,
)
from synthmed.errors import DatasetError
from tests.app.conftest import snapshot


def _add(dataset, run, *names):
    dataset.add_samples([fo.Sample(name, note="x", **{RUN: run.key}) for name in names], progress=False)


def _run(dataset, kind="synthesize", *names, key=None):
    with recorded(dataset, kind, key=key, params={"count": len(names)}) as run:
        run.share_fields(note=fo.StringField, **{RUN: fo.StringField})
        _add(dataset, run, *names)
    return run


def test_no_runs(dataset):
    assert list_runs(dataset) == []
    assert new_key(dataset, "synthesize") == "synthesize_1"


def test_a_run_is_kept_with_its_record(dataset):
    _run(dataset, "synthesize", "a.png", "b.png")
    _run(dataset, "import_points", "c.png")
    assert [run.key for run in list_runs(dataset)] == ["synthesize_1", "import_points_1"]
    assert [run.key for run in list_runs(dataset, "import_points")] == ["import_points_1"]
    run = get_run(dataset, "synthesize_1")
    assert (run.kind, run.state, run.params) == ("synthesize", "done", {"count": 2})
    assert run.started is not None
    assert view_run(dataset, "synthesize_1").values(RUN) == ["synthesize_1"] * 2


def test_a_run_is_shown_short(dataset):
    run = _run(dataset, key="mine")
    assert repr(run) == f"<Run 'mine' of dataset {dataset.name!r}, done>"


def test_runs_of_others_are_not_ours(dataset):
    dataset.register_run("theirs", dataset.init_run(method="something"))
    assert list_runs(dataset) == []
    with pytest.raises(DatasetError, match="no such run"):
        delete_run(dataset, "theirs")


@pytest.mark.parametrize("key", ["1st", "a b", "a-b", ""])
def test_keys_are_names(dataset, key):
    with pytest.raises(DatasetError, match="not a name"):
        check_key(dataset, key)


def test_a_key_is_used_once(dataset):
    _run(dataset, key="mine")
    with pytest.raises(DatasetError, match="taken"):
        _run(dataset, key="mine")
    assert new_key(dataset, "mine") == "mine_1"


def test_undoing_in_any_order_leaves_nothing(dataset):
    dataset.add_samples([fo.Sample("own.png", tags=["keep"])], progress=False)
    before = snapshot(dataset)
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        runs = [_run(dataset, "synthesize", f"{number}.png") for number in range(3)]
        for position, number in enumerate(order):
            gone = delete_run(dataset, runs[number].key)
            assert gone.samples == 1
            assert ("note" in gone.fields) == (position == 2)
        assert snapshot(dataset) == before


def test_a_shared_field_that_was_there_before_stays(dataset):
    dataset.add_samples([fo.Sample("own.png")], progress=False)
    dataset.add_sample_field("note", fo.StringField)
    run = _run(dataset, "synthesize", "a.png")
    assert run.shared_fields == [RUN]
    delete_run(dataset, run.key)
    assert dataset.has_field("note")


def test_a_users_values_in_a_shared_field_stay(dataset):
    run = _run(dataset, "synthesize", "a.png")
    dataset.add_samples([fo.Sample("own.png", note="mine")], progress=False)
    delete_run(dataset, run.key)
    assert dataset.values("note") == ["mine"]


def test_a_shared_field_has_one_type(dataset):
    dataset.add_sample_field("note", fo.IntField)
    with pytest.raises(DatasetError, match="another type"):
        _run(dataset, "synthesize", "a.png")
    assert list_runs(dataset) == []


def test_a_field_that_exists_is_not_written(dataset):
    dataset.add_samples([fo.Sample("own.png", predictions="mine")], progress=False)
    with pytest.raises(DatasetError, match="exists already"), recorded(dataset, "apply_models") as run:
        run.create_fields("predictions")
    assert dataset.values("predictions") == ["mine"]


def test_the_run_that_has_a_field_is_named(dataset):
    with recorded(dataset, "apply_models") as run:
        run.create_fields("predictions")
        dataset.add_sample_field("predictions", fo.StringField)
    with pytest.raises(DatasetError) as caught, recorded(dataset, "apply_models") as run:
        run.create_fields("predictions")
    assert "apply_models_1" in str(caught.value.remedy)


@pytest.mark.parametrize("name", ["", "a b", "_private", "1st", "a.b"])
def test_fields_have_names(dataset, name):
    with (
        pytest.raises(DatasetError, match="not a name for a field"),
        recorded(dataset, "apply_models") as run,
    ):
        run.create_fields(name)


def test_a_run_that_fails_is_undone(dataset, tmp_path):
    dataset.add_samples([fo.Sample("own.png")], progress=False)
    before = snapshot(dataset)
    with pytest.raises(KeyboardInterrupt), recorded(dataset, "synthesize") as run:
        run.share_fields(note=fo.StringField, **{RUN: fo.StringField})
        folder = run.make_folder(tmp_path / "run")
        (folder / "half.png").write_text("half")
        _add(dataset, run, "a.png")
        raise KeyboardInterrupt
    assert snapshot(dataset) == before
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_killed_can_be_undone(dataset, tmp_path):
    before = snapshot(dataset)
    run = Run(dataset, "synthesize_1", "synthesize")
    run.register()
    run.share_fields(note=fo.StringField, **{RUN: fo.StringField})
    folder = run.make_folder(tmp_path / "run")
    (folder / "half.png").write_text("half")
    _add(dataset, run, "a.png")
    assert get_run(dataset, run.key).state == "running"
    gone = delete_run(dataset, run.key)
    assert (gone.samples, gone.files) == (1, 1)
    after = snapshot(dataset)
    assert {name: after[name] for name in ("samples", "runs")} == {
        name: before[name] for name in ("samples", "runs")
    }


def test_dependents_go_only_when_asked(dataset):
    _run(dataset, "apply_models")
    with recorded(dataset, "evaluate") as run:
        run.depends_on.append("apply_models_1")
    assert dependents(dataset, "apply_models_1") == ["evaluate_1"]
    with pytest.raises(DatasetError, match="other runs depend"):
        delete_run(dataset, "apply_models_1")
    assert delete_run(dataset, "apply_models_1", with_dependents=True).runs == (
        "evaluate_1",
        "apply_models_1",
    )
    assert list_runs(dataset) == []
