from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from synthmed.bank import QUALITY_COLUMNS, PatchBank, Quality, open_bank, require_free, save_bank
from synthmed.bank.backdrops import Backdrops
from synthmed.bank.clicks import Clicks, clicks_bytes
from synthmed.bank.distractors import Distractors, distractors_bytes
from synthmed.bank.patchbank import content_hash
from synthmed.errors import BankError

Damage = Callable[[Path], object]


@pytest.fixture
def bank(phantom_bank_dir: Path) -> PatchBank:
    return open_bank(phantom_bank_dir)


@pytest.fixture
def folder(phantom_bank_dir: Path, tmp_path: Path) -> Path:
    """A bank that a test may damage."""
    return Path(shutil.copytree(phantom_bank_dir, tmp_path / "bank"))


def assert_same(first: PatchBank, second: PatchBank) -> None:
    for field in fields(PatchBank):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, Quality):
            for name in QUALITY_COLUMNS:
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
                assert getattr(one, name).dtype == getattr(other, name).dtype
        elif isinstance(one, Backdrops):
            for name in ("pixels", "shapes_px", "image_index"):
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
        elif isinstance(one, Clicks):
            assert clicks_bytes(one) == clicks_bytes(other)
        elif isinstance(one, Distractors):
            assert distractors_bytes(one) == distractors_bytes(other)
        elif isinstance(one, np.ndarray):
            assert one.shape == other.shape, field.name
            assert one.dtype.kind == other.dtype.kind, field.name
            np.testing.assert_array_equal(one, other, err_msg=field.name)
        else:
            assert one == other, field.name


def test_round_trip_keeps_every_bit(bank: PatchBank, tmp_path: Path) -> None:
    odd = replace(
        bank,
        annotation_ids=np.array(['a,"b"\r\n;' + str(i) for i in range(len(bank))]),
        groups=np.array(["", "\r", "Ärzte ×"] * len(bank))[: len(bank)],
        centers_px=bank.centers_px + np.pi,
        cut_off=np.nextafter(bank.cut_off, 1),
    )
    odd = replace(odd, hash=content_hash(odd))
    save_bank(odd, tmp_path / "new" / "bank")
    opened = open_bank(tmp_path / "new" / "bank", verify=True)
    assert_same(odd, opened)
    assert isinstance(opened.pixels, np.memmap) and not opened.pixels.flags.writeable
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["bank"]


def test_the_same_bank_is_the_same_bytes(bank: PatchBank, phantom_bank_dir: Path, tmp_path: Path) -> None:
    save_bank(bank, tmp_path / "again")
    names = sorted(path.name for path in phantom_bank_dir.iterdir())
    assert names == [
        "backdrops.csv",
        "backdrops.npy",
        "bank.json",
        "clicks.npy",
        "distractor_mattes.npy",
        "distractors.csv",
        "distractors.npy",
        "images.csv",
        "mattes.npy",
        "patches.csv",
        "patches.npy",
        "pixels.npy",
    ]
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (phantom_bank_dir / name).read_bytes(), name


def test_nothing_is_overwritten(bank: PatchBank, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    for taken in (tmp_path, tmp_path / "note.txt"):
        with pytest.raises(BankError, match="not an empty folder"):
            require_free(taken)
        with pytest.raises(BankError, match="not an empty folder"):
            save_bank(bank, taken)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
    (tmp_path / "empty").mkdir()
    save_bank(bank, tmp_path / "empty")
    assert open_bank(tmp_path / "empty").hash == bank.hash


def test_no_half_bank_where_writing_fails(
    bank: PatchBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr("synthmed.bank.store.images_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        save_bank(bank, tmp_path / "bank")
    assert list(tmp_path.iterdir()) == []


def edit_meta(**changes: object) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / "bank.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return damage


def cut_short(name: str, keep: float) -> Damage:
    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * keep)])

    return damage


def write(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def save_array(name: str, array: np.ndarray) -> Damage:
    return lambda folder: np.save(folder / name, array)


def edit_cell(name: str, row: int, column: str, value: str) -> Damage:
    def damage(folder: Path) -> None:
        lines = (folder / name).read_text().splitlines()
        header = [cell.strip('"') for cell in lines[0].split(",")]
        cells = lines[row].split(",")
        cells[header.index(column)] = value
        lines[row] = ",".join(cells)
        (folder / name).write_text("\n".join(lines) + "\n")

    return damage


def without_patches(folder: Path) -> None:
    for name in ("patches.npy", "pixels.npy", "mattes.npy"):
        np.save(folder / name, np.load(folder / name)[:0])


def edit_field(column: str, value: object, name: str = "patches.npy") -> Damage:
    def damage(folder: Path) -> None:
        table = np.load(folder / name)
        table[column][0] = value
        np.save(folder / name, table)

    return damage


def edit_click(column: str, value: object) -> Damage:
    return edit_field(column, value, "clicks.npy")


def without_field(column: str) -> Damage:
    def damage(folder: Path) -> None:
        table = np.load(folder / "patches.npy")
        np.save(folder / "patches.npy", table[[name for name in table.dtype.names if name != column]])

    return damage


@pytest.mark.parametrize("version", [0, 1, 4, 6, "5", None])
def test_other_schema_versions_are_refused(folder: Path, version: object) -> None:
    edit_meta(schema_version=version)(folder)
    with pytest.raises(BankError, match=r"bank\.json.*another schema version than 5"):
        open_bank(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "bank.json").unlink(), "there is no patch bank here"),
        (lambda folder: shutil.rmtree(folder), "there is no patch bank here"),
        (write("bank.json", b""), r"bank\.json cannot be read"),
        (write("bank.json", b"\xff\xfe{"), r"bank\.json cannot be read"),
        (write("bank.json", b"[" * 100_000), r"bank\.json cannot be read"),
        (write("bank.json", b"[1]"), "another schema version"),
        (write("bank.json", b'{"schema_version": 5}'), "damaged: KeyError"),
        (edit_meta(spec={}), "damaged: ValidationError"),
        (edit_meta(classes=["RBC"]), "do not fit together"),
        (edit_meta(classes=7), "damaged: TypeError"),
        (edit_meta(report=[{}]), "damaged: TypeError"),
        (lambda folder: (folder / "patches.npy").unlink(), "damaged: FileNotFoundError"),
        (lambda folder: (folder / "pixels.npy").unlink(), "damaged: FileNotFoundError"),
        (write("patches.npy", b""), "damaged: ValueError"),
        (write("patches.npy", b"\x80\x04K\x01."), "damaged: ValueError"),
        (cut_short("patches.npy", 0.5), "damaged: ValueError"),
        (without_field("focus"), "damaged: ValueError: patches.npy has other columns"),
        (save_array("patches.npy", np.zeros(9)), "damaged: ValueError: patches.npy has other columns"),
        (cut_short("images.csv", 0.4), "damaged|do not fit"),
        (write("pixels.npy", b""), "damaged: ValueError"),
        (cut_short("pixels.npy", 0.5), "damaged: ValueError"),
        (cut_short("mattes.npy", 0.9), "damaged: ValueError"),
        (write("mattes.npy", b"PK\x03\x04 a zip file, as .npz is"), "damaged: ValueError"),
        (write("mattes.npy", b"\x80\x04K\x01."), "damaged: ValueError"),
        (save_array("pixels.npy", np.zeros((3, 3), dtype=np.uint8)), "do not fit together"),
        (without_patches, "the bank has no patch.*click objects"),
        (edit_field("label", 3), "do not fit together"),
        (edit_field("label", -1), "do not fit together"),
        (edit_field("height_px", -3), "do not fit together"),
        (edit_field("height_px", 2**62), "do not fit together"),
        (edit_cell("images.csv", 1, "height_px", "tall"), "damaged: ValueError"),
        (edit_cell("images.csv", 1, "height_px", "9" * 30), "damaged: OverflowError"),
        (edit_field("background_red", np.nan), "do not fit together"),
        (edit_cell("backdrops.csv", 1, "height_px", "7"), "do not fit together"),
        (edit_cell("backdrops.csv", 1, "width_px", "0"), "do not fit together"),
        (edit_cell("backdrops.csv", 1, "image", "other.png"), "damaged: KeyError"),
        (cut_short("backdrops.npy", 0.9), "damaged: ValueError"),
        (edit_cell("distractors.csv", 1, "height_px", "7000"), "do not fit together"),
        (edit_cell("distractors.csv", 1, "width_px", "-1"), "do not fit together"),
        (edit_cell("distractors.csv", 1, "background_red", "nan"), "do not fit together"),
        (edit_cell("distractors.csv", 1, "image", "other.png"), "damaged: KeyError"),
        (write("distractors.csv", b""), "damaged: ValueError"),
        (write("distractors.csv", b"a,b\n1,2\n"), "damaged: ValueError: distractors.csv has other columns"),
        (cut_short("distractors.npy", 0.9), "damaged: ValueError"),
        (save_array("distractor_mattes.npy", np.zeros(3, np.uint8)), "do not fit together"),
        (save_array("clicks.npy", np.zeros(9)), "damaged: ValueError: the table of clicks"),
        (edit_click("image", 10**6), "do not fit together"),
        (edit_click("label", -1), "do not fit together"),
        (edit_click("center_row_px", np.inf), "do not fit together"),
        (edit_cell("images.csv", 1, "noise", "-1.0"), "do not fit together"),
        (edit_cell("images.csv", 1, "count RBC", "-1"), "do not fit together"),
        (edit_cell("images.csv", 1, "width_px", "0"), "do not fit together"),
    ],
)
def test_damage_is_a_message(folder: Path, damage: Damage, message: str) -> None:
    damage(folder)
    with pytest.raises(BankError, match=message):
        open_bank(folder)


def test_pickles_are_never_loaded(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return (Path.touch, (folder / "exploded",))  # type: ignore[return-value]

    np.save(folder / "pixels.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(BankError, match="damaged: ValueError"):
        open_bank(folder)
    assert not (folder / "exploded").exists()


def test_verify_reads_the_pixels(folder: Path) -> None:
    pixels = np.load(folder / "pixels.npy")
    pixels[-1, 2] ^= 1
    np.save(folder / "pixels.npy", pixels)
    open_bank(folder)
    with pytest.raises(BankError, match="does not fit its hash"):
        open_bank(folder, verify=True)


def test_verify_reads_the_table_for_people(folder: Path) -> None:
    open_bank(folder, verify=True)
    edit_cell("patches.csv", 1, "focus", "9.0")(folder)
    open_bank(folder)
    with pytest.raises(BankError, match=r"patches\.csv: the table for people is not that of the bank"):
        open_bank(folder, verify=True)
