import pytest

from synthmed.app.evaluate import evaluate
from synthmed.app.import_points import import_points
from synthmed.app.patch_bank import bank_folder, build_patch_bank
from synthmed.app.read_points import read_points
from synthmed.app.results import DetectorOutput
from synthmed.app.runs import delete_run, dependents, get_run, list_runs
from synthmed.app.synthesize import synthesize
from synthmed.app.targets import find_targets
from synthmed.app.write_results import ResultOptions, write_results
from synthmed.errors import DatasetError
from synthmed.scenes import make_recipe
from tests.app.conftest import as_classifier, as_detector, snapshot

CHAIN = ["import_points_1", "build_patch_bank_1", "synthesize_1", "apply_models_1", "evaluate_1"]
NEEDS = {
    "import_points_1": set(),
    "build_patch_bank_1": {"import_points_1"},
    "synthesize_1": {"build_patch_bank_1"},
    "apply_models_1": {"import_points_1", "build_patch_bank_1"},
    "evaluate_1": {"import_points_1", "build_patch_bank_1", "apply_models_1"},
}


@pytest.fixture
def chain(dataset, phantom_dir, phantom_points, phantom_truths):
    """A dataset with a run of each kind, and what it was before each."""
    before = [snapshot(dataset)]
    import_points(dataset, phantom_points, phantom_dir / "images", truths=phantom_truths)
    before.append(snapshot(dataset))
    bank = build_patch_bank(dataset, sizes=["RBC=30px", "WBC=44px", "Bacteria=12px"])
    before.append(snapshot(dataset))
    synthesize(dataset, bank_folder(bank), count=2, recipe=make_recipe({"canvas": {"size_px": [64, 64]}}))
    before.append(snapshot(dataset))
    truth = read_points(dataset, "ground_truth", check_images=False).points
    write_results(find_targets(dataset), as_detector(truth), as_classifier(truth))
    before.append(snapshot(dataset))
    evaluate(dataset, "apply_models_1")
    return dataset, before


def _plain(state):
    """A state without the kind of metadata, which FiftyOne decides by the first image of a dataset."""
    return {
        **state,
        "schema": {name: kind for name, kind in state["schema"].items() if "metadata" not in name},
    }


def test_the_first_goes_with_all_that_need_it_or_not_at_all(chain):
    dataset, before = chain
    assert {run.key: set(run.depends_on) for run in list_runs(dataset)} == NEEDS
    assert dependents(dataset, "import_points_1") == CHAIN[1:]
    assert dependents(dataset, "synthesize_1") == []
    for key in CHAIN:
        if any(key in needs for needs in NEEDS.values()):
            with pytest.raises(DatasetError, match="other runs depend") as caught:
                delete_run(dataset, key)
            assert caught.value.value == ", ".join(dependents(dataset, key))
    assert delete_run(dataset, CHAIN[0], with_dependents=True).runs == tuple(reversed(CHAIN))
    assert _plain(snapshot(dataset)) == _plain(before[0])


def test_from_the_last_to_the_first(chain):
    dataset, before = chain
    for key, earlier in zip(reversed(CHAIN), reversed(before), strict=True):
        assert delete_run(dataset, key).runs == (key,)
        assert _plain(snapshot(dataset)) == _plain(earlier)


def test_results_on_scenes_need_the_scenes_and_a_copied_bank_needs_nobody(chain, tmp_path):
    dataset, _ = chain
    targets = find_targets(dataset.match_tags("synthetic"), synthetic=True)
    options = ResultOptions(predictions_field="on_scenes")
    run = write_results(targets, DetectorOutput(("RBC",), []), options=options)
    assert run.depends_on == ["synthesize_1"]
    copy = tmp_path / "bank"
    folder = bank_folder(get_run(dataset, "build_patch_bank_1"))
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    recipe = make_recipe({"canvas": {"size_px": [64, 64]}})
    assert synthesize(dataset, copy, count=1, recipe=recipe).depends_on == []


def test_points_on_samples_of_another_run_need_it(imported, phantom_dir, phantom_points):
    run = import_points(imported, phantom_points, phantom_dir / "images", field="again", truth_field="boxes")
    assert get_run(imported, run.key).depends_on == ["import_points_1"]
