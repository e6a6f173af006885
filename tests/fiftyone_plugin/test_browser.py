"""The real App in chromium: a user's way from points to predictions beside maps, with pictures of it.

The pictures go to the folder that SYNTHMED_SCREENSHOTS names, else to pytest's temporary folder.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from synthmed.app.cams import RAW_FOLDER
from synthmed.app.evaluate import evaluate
from synthmed.app.launch import launch
from synthmed.app.patch_bank import build_patch_bank
from synthmed.app.read_points import read_points
from synthmed.app.runs import get_run, list_runs
from synthmed.app.targets import find_targets
from synthmed.app.write_results import write_results
from tests.app.conftest import as_classifier, as_detector
from tests.fiftyone_plugin.app_driver import browser

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture
def shown(imported):
    """The phantom with a bank, results that miss some objects, and their evaluation, in the App."""
    imported.persistent = True
    build_patch_bank(imported, sizes=["RBC=30px", "WBC=44px", "Bacteria=12px"])
    truth = read_points(imported, "ground_truth", check_images=False).points
    seen = truth.select((truth.centers_px[:, 1] > 60) | truth.edge)
    results = write_results(find_targets(imported), as_detector(seen), as_classifier(truth))
    evaluate(imported, results.key)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    session = launch(imported.name, port=port, wait=False)
    yield imported, f"http://127.0.0.1:{port}/datasets/{imported.slug}"
    session.close()


@pytest.fixture
def pictures(tmp_path):
    """Where the pictures go."""
    return Path(os.environ.get("SYNTHMED_SCREENSHOTS") or tmp_path / "screenshots")


def _pixels(picture: Path) -> np.ndarray:
    """The part of a screenshot that shows samples."""
    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB"), dtype=float)[200:-50, 320:1200]


def test_from_the_grid_to_predictions_beside_maps(shown, pictures):
    dataset, url = shown
    with browser(pictures) as app:
        app.open(url)
        assert _pixels(app.picture("1_grid")).std() > 20

        app.open_operator("synthmed: synthesize")
        app.fill("Scenes", "6")
        app.page.get_by_text("6 scenes will be added").wait_for()
        app.page.locator("img[src^='/media']").wait_for()
        app.page.locator("img[src^='/media']").scroll_into_view_if_needed()
        app.picture("2_synthesize")
        app.execute("synthesize_1: 6 scenes with")
        app.picture("3_synthesized")
        assert fo.load_dataset(dataset.name).count_sample_tags() == {"synthetic": 6}

        app.open_sample()
        plain = _pixels(app.picture("4_sample"))
        app.toggle("cam_rbc")
        heated = _pixels(app.picture("5_cam"))
        change = heated - plain
        reddened = (change[..., 0] - change[..., 2]) > 20
        assert 0.002 < reddened.mean() < 0.5


def test_a_mistake_is_told_and_leaves_nothing(shown, pictures):
    dataset, url = shown
    runs = [run.key for run in list_runs(dataset)]
    with browser(pictures) as app:
        app.open(url)
        app.open_operator("synthmed: delete run")
        app.choose("evaluate_1", "apply_models_1")
        app.page.get_by_text("Other runs depend on it: evaluate_1").first.wait_for()
        app.picture("6_dependents")
        assert app.page.get_by_role("button", name="Execute", exact=True).is_disabled()
        app.page.get_by_role("button", name="Cancel", exact=True).click()

        # What no form can foresee.
        next((get_run(dataset, "apply_models_1").folder / RAW_FOLDER).iterdir()).unlink()
        app.open_operator("synthmed: evaluate")
        app.page.get_by_role("button", name="Execute", exact=True).click()
        app.page.get_by_text("apply the models again").first.wait_for()
        app.picture("7_mistake")
    assert [run.key for run in list_runs(dataset)] == runs
