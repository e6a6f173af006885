import uuid

import fiftyone as fo
import pytest

from synthmed.app.import_points import import_points
from synthmed.app.owned import fresh_dataset, owned_datasets
from synthmed.points import read_points


@pytest.fixture
def name():
    chosen = f"test-owned-{uuid.uuid4().hex[:8]}"
    yield chosen
    for left in fo.list_datasets(f"{chosen}*"):
        fo.delete_dataset(left)


def _make(name, owner, phantom_dir):
    points = read_points(phantom_dir / "points.csv", phantom_dir / "images").of_split("val")
    with fresh_dataset(name, owner) as dataset:
        import_points(dataset, points, phantom_dir / "images")
    return dataset


def test_what_nobody_touched_is_made_again(name, tmp_path, phantom_dir):
    before = owned_datasets()
    first = _make(name, tmp_path, phantom_dir)
    assert owned_datasets() == [name, *before]
    first_id = first._doc.id
    again = _make(name, tmp_path, phantom_dir)
    assert again._doc.id != first_id
    assert fo.list_datasets(f"{name}*") == [name]


@pytest.mark.parametrize(
    "work",
    [
        lambda dataset: dataset[:1].tag_samples("look"),
        lambda dataset: dataset.delete_samples(dataset[:1]),
        lambda dataset: dataset.save_view("mine", dataset[:2]),
        lambda dataset: dataset.add_sample_field("note", fo.StringField),
    ],
    ids=["tag", "delete", "view", "field"],
)
def test_what_somebody_worked_on_is_kept(name, tmp_path, phantom_dir, work):
    dataset = _make(name, tmp_path, phantom_dir)
    work(dataset)
    count = len(dataset)
    assert _make(name, tmp_path, phantom_dir).name == f"{name}-2"
    assert len(fo.load_dataset(name)) == count
    assert _make(name, tmp_path, phantom_dir).name == f"{name}-2"


def test_what_was_cut_off_is_made_again(name, tmp_path, phantom_dir):
    with pytest.raises(KeyboardInterrupt), fresh_dataset(name, tmp_path) as dataset:
        dataset.add_sample(fo.Sample(str(tmp_path / "image.png")))
        raise KeyboardInterrupt
    assert _make(name, tmp_path, phantom_dir).name == name


def test_what_belongs_to_others_is_not_touched(name, tmp_path, phantom_dir):
    fo.Dataset(name, persistent=True)
    assert _make(name, tmp_path, phantom_dir).name == f"{name}-2"
    assert len(fo.load_dataset(name)) == 0
