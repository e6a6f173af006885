from __future__ import annotations

from pathlib import Path

import pytest

from synthmed.errors import PointsError
from synthmed.points import folder
from synthmed.points.problems import Reason


def test_each_file_is_read_once(images_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    real = folder.check_image
    monkeypatch.setattr(folder, "check_image", lambda path: (read.append(path), real(path))[1])
    images = folder.ImageFolder(images_dir)
    assert images.look("a.png") is images.look("a.png") is images.look("./a.png")
    assert images.look("cut.png").problem is images.look("cut.png").problem is Reason.IMAGE_UNREADABLE
    assert len(read) == 2


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", Reason.IMAGE_EMPTY),
        ("a.png", None),
        ("none.png", Reason.IMAGE_MISSING),
        ("sub", Reason.IMAGE_MISSING),
        ("a.png/b.png", Reason.IMAGE_MISSING),
        ("x" * 5000, Reason.IMAGE_MISSING),
        ("text.png", Reason.IMAGE_UNREADABLE),
    ],
)
def test_what_a_name_leads_to(images_dir: Path, name: str, problem: Reason | None) -> None:
    found = folder.ImageFolder(images_dir).look(name)
    assert found.problem is problem
    assert found.shape_px == ((0, 0) if problem else (40, 60))


def test_a_name_that_leaves_the_folder_is_an_error(images_dir: Path) -> None:
    with pytest.raises(PointsError, match="leaves"):
        folder.ImageFolder(images_dir).look("../a.png")


def test_a_link_that_leads_nowhere_is_missing(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "Other.png").symlink_to(tmp_path / "nowhere.png")
    images = folder.ImageFolder(tmp_path)
    assert images.look("gone.png").problem is Reason.IMAGE_MISSING
    assert images.look("other.png").problem is Reason.IMAGE_CASE
