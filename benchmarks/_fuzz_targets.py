"""The readers that `fuzz.py` feeds with damaged files: what a sample of each is, and how it is read."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from synthmed.errors import SynthmedError
from synthmed.points import FORMATS, PointSet, read_points, write_points

Call = Callable[[bytes], None]


class Target(NamedTuple):
    """One reader.

    Attributes:
        samples: files that are read without a complaint.
        call: reads the bytes of a file; raises whatever is a fault of ours.
    """

    samples: list[bytes]
    call: Call


def targets() -> dict[str, Callable[[Path], Target]]:
    """Every reader by its name; each is made in a folder of its own."""
    made: dict[str, Callable[[Path], Target]] = {}
    for kind in FORMATS:
        made[kind] = lambda folder, kind=kind: _points(folder, (kind,), kind)
    made["points"] = lambda folder: _points(folder, FORMATS, None)
    for kind in ("png", "jpeg", "tiff", "picture"):
        made[kind] = lambda folder, kind=kind: _image(folder, kind)
    tables = "images.csv", "backdrops.csv", "distractors.csv"
    for name in ("bank.json", "patches.npy", "pixels.npy", "clicks.npy", *tables):
        made[name] = lambda folder, name=name: _bank(folder, name)
    return (
        made
        | {"recipe": _recipe, "manifest": _manifest, "unfinished": _unfinished, "note": _note}
        | {"maps": _maps}
    )


def _known_points(boxes: bool) -> PointSet:
    rng = np.random.default_rng(0)
    sizes = rng.uniform(4, 9, (6, 2)).round(1) if boxes else np.full((6, 2), np.nan)
    return PointSet(
        classes=("RBC", "weißes Blut"),
        images=("a.png", "sub/b.jpg"),
        image_shapes_px=np.array([[40, 60], [40, 60]]),
        splits=("train", "val"),
        groups=("p1", ""),
        centers_px=rng.uniform(5, 35, (6, 2)).round(1),
        image_index=np.array([0, 0, 0, 0, 1, 1]),
        labels=np.array([0, 1, 0, 0, 1, 0]),
        annotation_ids=np.array(list("abcdef")),
        edge=np.array([True, False, False, False, False, False]),
        sizes_px=sizes,
    )


def _points(folder: Path, kinds: tuple[str, ...], forced: str | None) -> Target:
    images = folder / "images"
    (images / "sub").mkdir(parents=True)
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    picture.save(images / "a.png")
    picture.save(images / "sub" / "b.jpg")
    samples = []
    for kind in kinds:
        for boxes in (False, True):
            if boxes or kind not in ("voc", "yolo"):
                out = folder / f"{kind}-{boxes}"
                write_points(_known_points(boxes), out, kind)
                files = [path for path in out.rglob("*") if path.is_file()] if out.is_dir() else [out]
                samples += [path.read_bytes() for path in files if path.name != "classes.txt"]
    file = folder / "file"

    def call(data: bytes) -> None:
        file.write_bytes(data)
        try:
            points = read_points(file, images, format=forced, image=None if forced is None else "a.png")
        except SynthmedError as error:
            _said(error)
            return
        shapes = points.image_shapes_px[points.image_index]
        inside = (points.centers_px >= 0) & (points.centers_px < shapes)
        if not inside.all() or not set(points.images) <= {"a.png", "sub/b.jpg"}:
            raise AssertionError("points outside their images")
        if forced is None:
            again = folder / "again.csv"
            again.unlink(missing_ok=True)
            write_points(points, again, "csv")

    return Target(samples, call)


def _said(error: SynthmedError) -> None:
    if not error.remedy or len(str(error)) > 4000:
        raise AssertionError(f"a message that does not help: {str(error)[:300]!r}")


def _image(folder: Path, kind: str) -> Target:
    from synthmed.points.images import check_image, exif_orientation, image_shape_px, read_image
    from synthmed.points.regions import open_image

    file = folder / "image"

    def call(data: bytes) -> None:
        file.write_bytes(data)
        shapes: list[object] = []
        for read in (image_shape_px, check_image, lambda f: read_image(f).shape[:2], _opened(open_image)):
            try:
                shapes.append(read(file))
            except SynthmedError as error:
                _said(error)
        if len(set(shapes)) > 1:
            raise AssertionError(f"one image of several shapes: {shapes}")
        try:
            exif_orientation(file)
        except SynthmedError as error:
            _said(error)

    return Target(_IMAGES[kind](), call)


def _opened(open_image: Callable[..., object]) -> Callable[[Path], object]:
    def shape(file: Path) -> object:
        with open_image(file) as source:  # type: ignore[attr-defined]
            if source.sample().shape[2] != 3:
                raise AssertionError("not RGB")
            return source.shape_px

    return shape


def _saved(array: np.ndarray, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(array).save(data, kind, **options)
    return data.getvalue()


def _pixels(*shape: int, depth: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(2).integers(0, np.iinfo(depth).max, shape).astype(depth)


def _pngs() -> list[bytes]:
    kinds = [
        _pixels(8, 9),
        _pixels(8, 9, 2),
        _pixels(8, 9, 3),
        _pixels(8, 9, 4),
        _pixels(8, 9, depth=np.uint16),
    ]
    palette = io.BytesIO()
    Image.fromarray(_pixels(8, 9, 3)).quantize(8).save(palette, "PNG", transparency=0)
    return [
        *(_saved(kind, "PNG") for kind in kinds),
        palette.getvalue(),
        *deep_pngs(_pixels(8, 9, 4, depth=np.uint16)),
    ]


def deep_pngs(pixels: np.ndarray) -> list[bytes]:
    """PNG files of 16 bits in grey and alpha, RGB, and RGBA, which Pillow does not write."""
    import struct
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    files = []
    for color, samples in ((4, 2), (2, 3), (6, 4)):
        rows = pixels[:, :, :samples].astype(">u2")
        head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, color, 0, 0, 0)
        body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
        files.append(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return files


def _jpegs() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    Image.fromarray(_pixels(8, 16, 3)).save(turned, "JPEG", exif=exif)
    more = [{"progressive": True}, {"quality": 40, "subsampling": 2}]
    return [
        turned.getvalue(),
        _saved(_pixels(9, 9), "JPEG"),
        *(_saved(_pixels(9, 9, 3), "JPEG", **o) for o in more),
    ]


def _tiffs() -> list[bytes]:
    import tifffile

    files = []
    deep = _pixels(32, 32, 3, depth=np.uint16)
    for array, options in (
        (_pixels(20, 30), {}),
        (_pixels(20, 30, 3), {"compression": "zlib", "predictor": True}),
        (deep, {"tile": (16, 16)}),
        (deep, {"tile": (16, 16), "compression": "zlib", "bigtiff": True}),
        (deep.transpose(2, 0, 1), {"planarconfig": "separate", "photometric": "rgb"}),
        (_pixels(3, 20, 30, depth=np.uint16), {"ome": True}),
        (_pixels(20, 30).astype(np.float32), {"rowsperstrip": 4}),
    ):
        data = io.BytesIO()
        tifffile.imwrite(data, array, **options)
        files.append(data.getvalue())
    return [*files, _saved(_pixels(20, 30, 3), "TIFF", compression="tiff_lzw")]


def _pictures() -> list[bytes]:
    return [_saved(_pixels(9, 9, 3), kind) for kind in ("BMP", "GIF", "WEBP", "PPM", "JPEG2000")]


_IMAGES = {"png": _pngs, "jpeg": _jpegs, "tiff": _tiffs, "picture": _pictures}


def _small_bank(folder: Path) -> Path:
    from synthmed.bank import BankSpec, build_bank, save_bank

    images = folder / "images"
    images.mkdir(parents=True)
    rng = np.random.default_rng(3)
    for name in ("a.png", "b.png"):
        pixels = rng.normal(200, 3, (60, 80, 3))
        for row in (15, 40):
            for column in (15, 40, 60):
                pixels[row - 4 : row + 5, column - 4 : column + 5] -= rng.uniform(60, 90)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(images / name)
    rows = "".join(
        f"{name},{column},{row},{label},train\n"
        for name in ("a.png", "b.png")
        for row, label in ((15.5, "RBC"), (40.5, "WBC"))
        for column in (15.5, 40.5, 60.5)
    )
    (folder / "points.csv").write_text("image,x,y,label,split\n" + rows)
    points = read_points(folder / "points.csv", images)
    spec = BankSpec(sizes_px={"RBC": 11, "WBC": 12}, backdrops=1)
    save_bank(build_bank(points, images, spec), folder / "bank")
    return folder / "bank"


def _bank(folder: Path, name: str) -> Target:
    from synthmed.bank import open_bank
    from synthmed.scenes import draw_plan, make_recipe, render

    bank_dir = _small_bank(folder)
    sample = (bank_dir / name).read_bytes()
    recipes = [
        make_recipe({"canvas": {"size_px": (48, 48), "kind": kind}}) for kind in ("backdrop", "background")
    ]

    def call(data: bytes) -> None:
        (bank_dir / name).unlink()
        (bank_dir / name).write_bytes(data)
        try:
            bank = open_bank(bank_dir)
            for recipe in recipes:
                render(draw_plan(recipe, bank, 0, 0), bank)
        except SynthmedError:
            pass

    return Target([sample], call)


def _recipe(folder: Path) -> Target:
    from synthmed.scenes import Recipe, make_recipe, read_recipe, recipe_to_yaml

    file = folder / "recipe.yaml"
    fixed = make_recipe({"counts": {"kind": "fixed", "fixed": {"RBC": 3}}, "scale": 0.5})

    def call(data: bytes) -> None:
        file.write_bytes(data)
        try:
            recipe_to_yaml(read_recipe(file))
        except SynthmedError as error:
            if len(str(error)) > 4000:
                raise AssertionError("a message that does not help") from error

    samples = [recipe_to_yaml(recipe).encode() for recipe in (Recipe(), fixed)]
    return Target([*samples, b"a: &a [1, 2]\nb: *a\nc: !!float 1e3\n"], call)


def _rendering(folder: Path) -> tuple[Path, Callable[[], object]]:
    from synthmed.datasets import render_dataset
    from synthmed.scenes import make_recipe

    bank_dir = _small_bank(folder)
    recipe = make_recipe({"canvas": {"size_px": (32, 32)}, "counts": {"kind": "fixed", "fixed": {"RBC": 1}}})
    return folder / "out", lambda: render_dataset(bank_dir, folder / "out", count=2, recipe=recipe)


def _manifest(folder: Path) -> Target:
    from synthmed.datasets import read_report
    from synthmed.datasets.manifest import read_manifest

    out, render = _rendering(folder)
    render()
    file = out / "manifest.json"

    def call(data: bytes) -> None:
        file.write_bytes(data)
        for use in (lambda: read_report(out), lambda: read_manifest(out), render):
            try:
                use()
            except SynthmedError as error:
                _said(error)

    return Target([file.read_bytes()], call)


def _interrupted(folder: Path) -> tuple[Path, bytes, bytes, Callable[[], object]]:
    """A rendering just before its end, by what it leaves behind."""
    from synthmed.datasets import chunks
    from synthmed.datasets import render as module

    out, render = _rendering(folder)
    kept: dict[str, bytes] = {}
    finish = module._finish

    def stop(*arguments: object) -> None:
        for path in (out / "unfinished.json", out / chunks.note_name(0), *(out / "parts").iterdir()):
            kept[path.relative_to(out).as_posix()] = path.read_bytes()
        finish(*arguments)  # type: ignore[arg-type]

    module._finish = stop  # type: ignore[assignment]
    render()
    module._finish = finish
    for path, data in kept.items():
        (out / path).parent.mkdir(exist_ok=True)
        (out / path).write_bytes(data)
    (out / "manifest.json").unlink()
    shutil.copytree(out, folder / "before")
    return out, kept["unfinished.json"], kept[chunks.note_name(0)], render


def _resumed(folder: Path, name: str) -> Target:
    out, _, _, render = _interrupted(folder)
    sample = (out / name).read_bytes()

    def call(data: bytes) -> None:
        shutil.rmtree(out)
        shutil.copytree(folder / "before", out)
        (out / name).write_bytes(data)
        try:
            render()
        except SynthmedError as error:
            _said(error)
        else:
            json.loads((out / "coco.json").read_text())

    return Target([sample], call)


def _unfinished(folder: Path) -> Target:
    return _resumed(folder, "unfinished.json")


def _note(folder: Path) -> Target:
    return _resumed(folder, "parts/00000000.json")


def _maps(folder: Path) -> Target:
    from synthmed.metrics.raw_maps import read_raw, write_raw

    file = folder / "maps.npz"
    write_raw(file, np.random.default_rng(4).random((2, 5, 6)))

    def call(data: bytes) -> None:
        file.write_bytes(data)
        try:
            if read_raw(file).ndim != 3:
                raise AssertionError("no maps")
        except ValueError:  # what it promises of a damaged file
            pass

    return Target([file.read_bytes()], call)
