import asyncio
from pathlib import Path

import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, ExecutionError, Executor

from synthmed.app.read_points import read_points
from synthmed.app.runs import get_run, list_runs, recorded
from synthmed.app.targets import find_targets
from synthmed.app.write_results import write_results
from synthmed.errors import DatasetError, ModelError, SynthmedError
from tests.app.conftest import as_classifier, as_detector, snapshot

SIZES = ["RBC=30px", "WBC=44px", "Bacteria=12px"]
SMALL = {"canvas": {"size_px": [96, 96]}}


def _context(operator, dataset, **params):
    request = {"dataset_name": dataset.name, "params": params}
    return ExecutionContext(request, executor=Executor(), operator_uri=operator.uri)


def _form(operator, dataset, **params):
    """The form of an operator: its properties by name, once filled in like this."""
    return operator.resolve_input(_context(operator, dataset, **params)).type.properties


def _wrong(form):
    return {name: prop.error_message for name, prop in form.items() if prop.invalid}


@pytest.fixture
def banked(imported, operator):
    """The phantom with a bank."""
    operator("build_patch_bank")(imported, SIZES)
    return imported


@pytest.fixture
def judged(imported):
    """The phantom with results."""
    truth = read_points(imported, "ground_truth", check_images=False).points
    write_results(find_targets(imported), as_detector(truth), as_classifier(truth))
    return imported


def test_the_whole_path_from_python(dataset, phantom_dir, operator):
    run = operator("import_points")(
        dataset,
        phantom_dir / "images",
        phantom_dir / "points.csv",
        boxes=str(phantom_dir / "boxes_{split}.json"),
    )
    assert (run.key, run.summary["images"], len(dataset)) == ("import_points_1", 9, 9)
    assert run.summary["boxes"] > 0
    run = operator("build_patch_bank")(dataset, SIZES, border="pad")
    assert run.summary["sizes_px"] == {"Bacteria": 12.0, "RBC": 30.0, "WBC": 44.0}
    assert run.params["border"] == "pad"
    run = operator("synthesize")(dataset, count=3, seed=5, recipe=SMALL, key="mine")
    assert (run.key, run.summary["scenes"], run.params["seed"]) == ("mine", 3, 5)
    assert len(operator("show_run")(dataset, "mine")) == 3
    for key in ("mine", "build_patch_bank_1", "import_points_1"):
        operator("delete_run")(dataset, key)
    assert (len(dataset), list_runs(dataset)) == (0, [])


def test_execute_operator_with_plain_values(dataset, phantom_dir):
    params = {"images_dir": str(phantom_dir / "images"), "points": str(phantom_dir / "points.csv")}
    foo.execute_operator("@synthmed/synthmed/import_points", {"dataset": dataset, "params": params})
    assert len(dataset) == 9


def test_mistakes_from_python_keep_their_remedy(judged, operator, tmp_path):
    mistakes = [
        ("import_points", (tmp_path / "none", tmp_path / "none.csv"), {}, "none.csv.*Remedy"),
        ("build_patch_bank", (["RBC=huge"],), {}, "cannot be read.*Remedy"),
        ("build_patch_bank", (), {"border": "cut"}, "border: there is no 'cut'. Remedy: choose one of: drop"),
        ("build_patch_bank", (), {"field": "none"}, "field: there is no 'none'. Remedy: .*points"),
        ("synthesize", (tmp_path,), {}, "Remedy"),
        ("evaluate", ("none",), {}, "of: there is no 'none'. Remedy: choose one of: apply_models_1"),
        ("evaluate", (), {"split": "none"}, "split: there is no 'none'. Remedy: .*train, val"),
        ("delete_run", ("none",), {}, "run: there is no 'none'. Remedy: .*import_points_1"),
        ("delete_run", (None,), {}, "no run is named. Remedy: name one of: import_points_1"),
        ("show_run", ("none",), {}, "no such run.*Remedy"),
    ]
    for name, arguments, options, message in mistakes:
        with pytest.raises(SynthmedError, match=message):
            operator(name)(judged, *arguments, **options)
    with pytest.raises(DatasetError, match=r"no such dataset .*'nowhere'.*Remedy"):
        operator("delete_run")("nowhere", "import_points_1")
    assert [run.key for run in list_runs(judged)] == ["import_points_1", "apply_models_1"]


def test_numbers_are_numbers(banked, operator):
    with pytest.raises(SynthmedError, match=r"count is not a number .*'many'.*Remedy"):
        operator("synthesize")(banked, count="many")
    with pytest.raises(SynthmedError, match="count: Value must be greater than 1"):
        operator("synthesize")(banked, count=0)


def test_mistakes_told_by_execute_operator_keep_their_remedy(judged):
    for params, message in (
        ({"of": "none"}, "there is no 'none'. Remedy: choose one of: apply_models_1"),
        ({"class_sizes_px": {"RBC": -1.0}}, "Remedy"),
    ):
        with pytest.raises(ExecutionError, match=message):
            foo.execute_operator("@synthmed/synthmed/evaluate", {"dataset": judged, "params": params})


def test_the_dataset_may_be_named_and_a_loop_may_run(imported, operator):
    async def in_a_notebook():
        return operator("build_patch_bank")(imported.name, SIZES)

    assert asyncio.run(in_a_notebook()).summary["patches"] > 0


def test_import_points_tells_what_it_skipped(dataset, phantom_dir, operator, tmp_path):
    text = (phantom_dir / "points.csv").read_text()
    columns = text.splitlines()[0].split(",")
    first = dict(zip(columns, text.splitlines()[1].split(","), strict=True)) | {"x": "-7"}
    points = tmp_path / "points.csv"
    points.write_text(f"{text}{','.join(first[name] for name in columns)}\n")
    params = {"images_dir": str(phantom_dir / "images"), "points": str(points)}
    told = f"points.csv, row {text.count(chr(10)) + 1}: the point is outside its image"
    form = _form(operator("import_points"), dataset, **params)
    assert told in form["preview"].view.label
    run_points = operator("import_points")
    context = _context(run_points, dataset, **params)
    messages = [message.body.params.get("message", "") for message in run_points.execute(context)]
    assert any(told in message and "1 row skipped" in message for message in messages)


def test_progress_is_sent_to_the_app(imported, operator):
    build = operator("build_patch_bank")
    sent = [message.body.params for message in build.execute(_context(build, imported))]
    bars = [params["progress"] for params in sent if "progress" in params]
    assert bars == sorted(bars) and bars
    assert any("patches" in params.get("message", "") for params in sent)


def test_leaving_undoes_what_was_begun(banked, operator):
    before = snapshot(banked)
    synthesize = operator("synthesize")
    steps = synthesize.execute(_context(synthesize, banked, count=400, size_px=64))
    next(steps)
    steps.close()
    assert snapshot(banked) == before


def test_import_points_shows_what_is_in_the_files(dataset, phantom_dir, operator, phantom_points):
    images, points = str(phantom_dir / "images"), str(phantom_dir / "points.csv")
    form = _form(operator("import_points"), dataset, images_dir=images, points=points)
    assert f"{len(phantom_points)} points on 9 images" in form["preview"].view.label
    assert not _wrong(form)
    form = _form(operator("import_points"), dataset, images_dir=images, points=images + "/no.csv")
    assert "no.csv" in _wrong(form)["problem"]


def test_build_patch_bank_tells_what_the_border_costs(imported, operator):
    form = _form(operator("build_patch_bank"), imported, sizes=SIZES)
    assert "at the border are dropped" in form["preview"].view.label
    form = _form(operator("build_patch_bank"), imported, sizes={"class_1": "7.5um"})
    assert "micrometres" in _wrong(form)["problem"]
    form = _form(operator("build_patch_bank"), imported)
    assert "estimated" in form["preview"].view.label.lower()


def test_synthesize_shows_the_first_scene(banked, operator):
    form = _form(operator("synthesize"), banked, count=7, size_px=64)
    text = form["preview"].default
    path = text.split("filepath=")[1].rstrip(")")
    assert Path(path).is_file()
    assert "7 scenes" in form["plan"].view.label
    form = _form(operator("synthesize"), banked, size_px=4)
    assert "size_px" in _wrong(form)["problem"]
    for choice in (
        {"canvas": "illumination"},
        {"rotation": "any"},
        {"blend": "poisson"},
        {"places": "clustered", "distractors": 3},
    ):
        assert not _wrong(_form(operator("synthesize"), banked, size_px=64, **choice))
    assert (
        "sideways"
        in _wrong(_form(operator("synthesize"), banked, size_px=64, rotation="sideways"))["problem"]
    )


def test_synthesize_needs_a_bank(imported, operator):
    assert "No patch bank" in _wrong(_form(operator("synthesize"), imported))["no_bank"]
    with pytest.raises(SynthmedError, match=r"No patch bank chosen. Remedy: Build one"):
        operator("synthesize")(imported)


def test_a_bank_may_be_a_folder(banked, dataset, operator):
    run = get_run(banked, "build_patch_bank_1")
    made = operator("synthesize")(banked, run.folder / "bank", count=1, recipe=SMALL)
    assert made.params["bank"] == str(run.folder / "bank")


def test_apply_models_wants_a_model(imported, operator, tmp_path):
    assert "none" in _wrong(_form(operator("apply_models"), imported))
    form = _form(operator("apply_models"), imported, detector_checkpoint=str(tmp_path / "a.pth"))
    assert "no config" in _wrong(form)["config"]
    with pytest.raises(ModelError, match=r"no such file.*Remedy: check the path"):
        operator("apply_models")(imported, detector=(tmp_path / "a.py", tmp_path / "a.pth"))
    assert [run.kind for run in list_runs(imported)] == ["import_points"]


def test_evaluate(judged, operator):
    form = _form(operator("evaluate"), judged)
    assert form["of"].default == "apply_models_1"
    assert form["truth_field"].default == "ground_truth"
    assert form["split"].default == "val"
    assert "predictions" not in form["truth_field"].type.values
    run = operator("evaluate")(judged)
    assert run.summary["report"]["overall"]["detector"]["f1_iou"] == 1


def test_evaluate_wants_results(imported, operator):
    assert "no results" in _wrong(_form(operator("evaluate"), imported))["none"]


def test_delete_run_tells_what_goes(judged, operator):
    operator("evaluate")(judged)
    form = _form(operator("delete_run"), judged, run="apply_models_1")
    assert "predictions" in form["plan"].view.label
    assert "evaluate_1" in _wrong(form)["dependents"]
    with pytest.raises(SynthmedError, match=r"depend on it: evaluate_1. Remedy: Delete them first"):
        operator("delete_run")(judged, "apply_models_1")
    operator("delete_run")(judged, "apply_models_1", with_dependents=True)
    assert [run.kind for run in list_runs(judged)] == ["import_points"]


def test_show_run_shows_the_record(imported, operator):
    form = _form(operator("show_run"), imported)
    assert "images_dir" in form["record"].default
    assert list(form["run"].type.values) == ["import_points_1"]


@pytest.mark.parametrize("name", ["show_run", "delete_run"])
def test_without_runs_there_is_nothing_to_choose(dataset, operator, name):
    assert "none" in _wrong(_form(operator(name), dataset))


@pytest.mark.parametrize("name", ["import_points", "synthesize", "build_patch_bank"])
def test_a_taken_name_is_refused_in_the_form(banked, operator, name):
    assert "taken" in _wrong(_form(operator(name), banked, key="import_points_1"))["key"]


def test_without_synthmed_the_form_says_how_to_get_it(imported, operator, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    form = _form(operator("synthesize"), imported)
    assert list(form) == ["missing"]
    assert 'pip install -c constraints.txt -e ".[app]"' in form["missing"].view.description
    assert form["missing"].invalid


def test_a_run_that_was_cut_off_is_marked(imported, operator):
    with recorded(imported, "synthesize") as run:
        form = _form(operator("delete_run"), imported, run=run.key)
        labels = [choice.label for choice in form["run"].view.choices]
    assert "cut off" in labels[0] and "cut off" not in labels[1]
