import json
from pathlib import Path

import fiftyone as fo
import pytest

from synthmed.app.run_folder import MARKER, claim_folder, default_folder, empty_folder, seal_folder
from synthmed.errors import DatasetError


def _write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_all_of_an_unsealed_folder_goes(dataset, tmp_path):
    folder = tmp_path / "run"
    claim_folder(folder, dataset, "r")
    _write(folder, "a.txt", "deep/er/b.txt")
    assert empty_folder(folder, dataset, "r") == (2, 0)
    assert not folder.exists()


def test_files_added_later_stay(dataset, tmp_path):
    folder = tmp_path / "run"
    claim_folder(folder, dataset, "r")
    _write(folder, "a.txt", "deep/b.txt")
    seal_folder(folder, dataset, "r")
    _write(folder, "deep/mine.txt")
    assert empty_folder(folder, dataset, "r") == (2, 1)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["mine.txt"]


@pytest.mark.parametrize(
    "content", [None, "not json", "[]", '{"dataset": "other", "run": "r", "files": null}']
)
def test_a_folder_with_another_marker_is_left_alone(dataset, tmp_path, content):
    _write(tmp_path, "precious.txt")
    if content is not None:
        (tmp_path / MARKER).write_text(content)
    assert empty_folder(tmp_path, dataset, "r")[0] == 0
    assert (tmp_path / "precious.txt").exists()


def test_links_are_not_followed(dataset, tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "run"
    _write(outside, "precious.txt")
    claim_folder(folder, dataset, "r")
    (folder / "link").symlink_to(outside)
    seal_folder(folder, dataset, "r")
    assert empty_folder(folder, dataset, "r") == (1, 0)
    assert (outside / "precious.txt").exists()
    assert not folder.exists()


def test_a_forged_list_reaches_nothing_outside(dataset, tmp_path):
    _write(tmp_path, "precious.txt")
    folder = tmp_path / "run"
    claim_folder(folder, dataset, "r")
    marker = json.loads((folder / MARKER).read_text()) | {"files": ["../precious.txt"]}
    (folder / MARKER).write_text(json.dumps(marker))
    assert empty_folder(folder, dataset, "r") == (0, 0)
    assert (tmp_path / "precious.txt").exists()


def test_a_folder_in_use_is_refused(dataset, tmp_path):
    _write(tmp_path, "precious.txt")
    with pytest.raises(DatasetError, match="not empty"):
        claim_folder(tmp_path, dataset, "r")


def test_a_folder_that_cannot_be_made_is_refused(dataset, tmp_path):
    _write(tmp_path, "file")
    with pytest.raises(DatasetError, match="cannot be written"):
        claim_folder(tmp_path / "file" / "run", dataset, "r")


def test_what_an_earlier_dataset_left_is_not_reused(dataset):
    first = default_folder(dataset, "r")
    claim_folder(first, fo.Dataset(), "r")
    assert default_folder(dataset, "r") != first
