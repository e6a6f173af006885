import json

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from synthmed.app.convert import boxes_to_px
from synthmed.app.patch_bank import bank_folder, build_patch_bank
from synthmed.app.read_points import read_points
from synthmed.app.runs import delete_run, view_run
from synthmed.app.synthesize import SCENES_FOLDER, preview, synthesize
from synthmed.bank import open_bank
from synthmed.errors import BankError, DatasetError
from synthmed.scenes import make_recipe
from tests.app.conftest import snapshot

RECIPE = make_recipe({"canvas": {"size_px": [96, 128]}})


@pytest.fixture
def bank_dir(imported):
    """A bank of the phantom."""
    return bank_folder(build_patch_bank(imported, sizes=["RBC=30px", "WBC=44px", "Bacteria=12px"]))


def test_scenes_are_samples_with_all_that_is_known_of_them(imported, bank_dir):
    run = synthesize(imported, bank_dir, count=5, recipe=RECIPE, seed=3)
    bank = open_bank(bank_dir)
    view = view_run(imported, run.key)
    assert view.values("scene_index") == [0, 1, 2, 3, 4]
    assert view.values("tags") == [["synthetic"]] * 5
    for index, sample in enumerate(view):
        scene = preview(bank_dir, RECIPE, 3, index)
        np.testing.assert_array_equal(np.asarray(Image.open(sample.filepath)), scene.image)
        found = sample.ground_truth.detections
        assert [label.label for label in found] == [bank.classes[label] for label in scene.labels]
        boxes = boxes_to_px([label.bounding_box for label in found], (96, 128))
        np.testing.assert_allclose(boxes, scene.boxes_px.reshape(-1, 4), atol=1e-6)
        assert sample.backdrop == bank.images[bank.backdrops.image_index[scene.plan.canvas.window.number]]
        assert {tag.label for tag in sample.present.classifications} == {label.label for label in found}
        for label, patch, visible in zip(found, scene.patch_index, scene.visible_fraction, strict=True):
            assert label.patch == patch
            assert label.source_image == bank.source_images[patch]
            assert label.annotation_id == bank.annotation_ids[patch]
            assert label.visible_fraction == pytest.approx(visible, abs=1e-4)


def test_the_record_makes_the_same_scenes_again(imported, bank_dir):
    first = synthesize(imported, bank_dir, count=3, recipe=RECIPE, seed=7)
    again = synthesize(
        imported,
        bank_dir,
        count=first.params["count"],
        recipe=make_recipe(first.params["recipe"]),
        seed=first.params["seed"],
    )
    names = ["coco.json", *(f"images/{index:08d}.png" for index in range(3))]
    for name in names:
        files = [(run.folder / SCENES_FOLDER / name).read_bytes() for run in (first, again)]
        assert files[0] == files[1]


def test_scenes_are_never_read_as_points(imported, bank_dir):
    before = read_points(imported, "ground_truth", check_images=False).points
    synthesize(imported, bank_dir, count=2, recipe=RECIPE)
    assert read_points(imported, "ground_truth", check_images=False).points.images == before.images


def test_undoing_leaves_the_dataset_as_before(imported, bank_dir):
    before = snapshot(imported)
    run = synthesize(imported, bank_dir, count=3, recipe=RECIPE)
    assert snapshot(imported) != before
    gone = delete_run(imported, run.key)
    assert gone.samples == 3
    assert not run.folder.exists()
    assert snapshot(imported) == before


def test_a_dataset_of_its_own(dataset, imported, bank_dir):
    own = fo.Dataset()
    synthesize(own, bank_dir, count=2, recipe=RECIPE)
    assert len(own) == 2
    own.delete()


def test_a_cancelled_run_is_undone(imported, bank_dir):
    before = snapshot(imported)

    def progress(done, total):
        if done > 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        synthesize(imported, bank_dir, count=2, recipe=RECIPE, progress=progress)
    assert snapshot(imported) == before


@pytest.mark.parametrize(
    ("count", "field", "error"), [(0, "ground_truth", DatasetError), (2, "points", DatasetError)]
)
def test_mistakes_leave_nothing_behind(imported, bank_dir, count, field, error):
    before = snapshot(imported)
    with pytest.raises(error):
        synthesize(imported, bank_dir, count=count, field=field, recipe=RECIPE)
    assert snapshot(imported) == before


def test_a_missing_bank(imported, tmp_path):
    with pytest.raises(BankError):
        synthesize(imported, tmp_path / "no_bank", count=1)


def test_the_manifest_stands_beside_the_scenes(imported, bank_dir):
    run = synthesize(imported, bank_dir, count=2, recipe=RECIPE)
    manifest = json.loads((run.folder / SCENES_FOLDER / "manifest.json").read_text())
    assert manifest["bank_hash"] == run.summary["bank_hash"]
