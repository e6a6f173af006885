import pytest

from synthmed.app.patch_bank import bank_folder, build_patch_bank, count_at_border, list_banks
from synthmed.app.read_points import read_points
from synthmed.app.runs import delete_run, list_runs
from synthmed.bank import BankSpec, build_bank, open_bank
from synthmed.errors import BankError
from tests.app.conftest import snapshot

SIZES = ["RBC=30px", "WBC=44px", "Bacteria=12px"]


def test_it_is_the_bank_that_the_package_builds(imported, phantom_dir, phantom_points):
    run = build_patch_bank(imported, sizes=SIZES, spec={"variation": 0.0})
    sizes_px = {"RBC": 30.0, "WBC": 44.0, "Bacteria": 12.0}
    spec = BankSpec(sizes_px=sizes_px, variation=0.0)
    expected = build_bank(phantom_points, phantom_dir / "images", spec)
    found = open_bank(bank_folder(run), verify=True)
    assert (found.pixels == expected.pixels).all()
    assert found.annotation_ids.tolist() == expected.annotation_ids.tolist()
    assert run.summary["patches"] == len(expected)
    assert list_banks(imported) == {run.key: bank_folder(run)}


def test_the_preview_counts_what_is_dropped(imported):
    run = build_patch_bank(imported, sizes=SIZES, spec={"variation": 0.0, "matte": "round"})
    sizes_px = {"RBC": 30.0, "WBC": 44.0, "Bacteria": 12.0}
    counts = count_at_border(read_points(imported, "points", check_images=False), sizes_px)
    assert counts == {row["name"]: (row["points"], row["crossing"]) for row in run.summary["report"]}
    assert sum(crossing for _, crossing in counts.values()) > 0


def test_progress_goes_once_from_none_to_all(imported):
    seen = []
    build_patch_bank(imported, sizes=SIZES, progress=lambda *step: seen.append(step))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    assert len({total for _, total in seen if total == seen[-1][1]}) == 1


@pytest.mark.parametrize(
    ("sizes", "message"),
    [(["RBC=huge"], "cannot be read"), (["Yeast=3px"], "no points"), (["RBC=2px"], "between")],
)
def test_a_mistake_leaves_nothing_behind(imported, sizes, message):
    before = snapshot(imported)
    with pytest.raises(BankError, match=message):
        build_patch_bank(imported, sizes=sizes)
    assert snapshot(imported) == before


def test_undoing_takes_the_folder_away(imported):
    before = snapshot(imported)
    run = build_patch_bank(imported, sizes=SIZES)
    assert run.folder is not None and run.folder.is_dir()
    delete_run(imported, run.key)
    assert not run.folder.exists()
    assert snapshot(imported) == before
    assert [run.kind for run in list_runs(imported)] == ["import_points"]
