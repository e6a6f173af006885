from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmed.errors import RecipeError
from synthmed.scenes import Recipe, make_recipe, read_recipe, recipe_to_yaml, with_size

byte = st.integers(0, 255)
side = st.integers(8, 16384)
share = st.floats(0, 1)
factor = st.floats(0, 1, exclude_max=True)
weight = st.floats(0, 1_000_000)
counts = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["joint", "decorrelated", "balanced"]),
        "balanced_share": share,
        "presence": share,
        "spread": st.floats(1, 100),
        "by_area": st.booleans(),
        "class_weights": st.dictionaries(st.text(), weight),
        "patch_weights": st.dictionaries(st.text(), st.dictionaries(st.text(), weight)),
        "fixed": st.dictionaries(st.text(), st.integers(0, 10**6), min_size=1),
    }
)
recipes = st.fixed_dictionaries(
    {
        "canvas": st.fixed_dictionaries(
            {
                "size_px": st.tuples(side, side),
                "kind": st.sampled_from(["backdrop", "illumination", "background", "fixed"]),
                "color": st.tuples(byte, byte, byte),
                "noise": st.booleans(),
                "like_counts": st.booleans(),
            }
        ),
        "counts": counts,
        "placement": st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["uniform", "clustered"]),
                "overlap": st.sampled_from(["smaller", "iou", "visible"]),
                "max_overlap": share,
                "min_visible": share,
                "max_truncation": st.floats(0, 1, exclude_max=True),
                "tries": st.integers(1, 256),
            }
        ),
        "objects": st.fixed_dictionaries(
            {
                "flips": st.booleans(),
                "rotation": st.sampled_from(["quarter", "any", "none"]),
                "size_jitter": st.just("natural") | factor,
                "blend": st.sampled_from(["matte", "hard", "poisson"]),
                "match_background": st.booleans(),
                "brightness": share,
                "contrast": factor,
                "stain": factor,
                "blur_px": st.floats(0, 50),
            }
        ),
        "finish": st.fixed_dictionaries(
            {
                "brightness": share,
                "contrast": factor,
                "stain": factor,
                "illumination": share,
                "blur_px": st.floats(0, 50),
                "noise": st.floats(0, 100),
                "jpeg_quality": st.none() | st.tuples(st.integers(1, 50), st.integers(50, 100)),
            }
        ),
        "distractors": st.fixed_dictionaries(
            {"per_scene": st.tuples(st.integers(0, 9), st.integers(9, 10_000))}
        ),
        "scale": st.just("fit") | st.floats(0.01, 100),
    }
)


@settings(max_examples=50)
@given(values=recipes)
def test_yaml_round_trip(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    recipe = make_recipe(values)
    path = tmp_path_factory.getbasetemp() / "recipe.yaml"
    path.write_text(recipe_to_yaml(recipe), encoding="utf-8")
    assert read_recipe(path) == recipe
    assert recipe.model_dump() == values


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "counts: {kind: joint}\nscale: fit\n"])
def test_what_is_left_out_is_the_default(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    assert read_recipe(path) == read_recipe(str(path)) == Recipe()


def test_part_of_a_recipe() -> None:
    recipe = make_recipe({"canvas": {"size_px": [384, 400]}, "scale": 2})
    assert recipe.canvas.size_px == (384, 400)
    assert recipe.scale == 2.0
    assert recipe.placement == Recipe().placement


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"foo": 1}, r"^foo: Extra inputs.*got 1.*synthmed recipe"),
        ({"counts": {"knd": "joint"}}, r"^counts\.knd: Extra"),
        (
            {"counts": {"kind": "some"}},
            r"^counts\.kind: .*'joint', 'decorrelated', 'balanced' or 'fixed'.*got 'some'",
        ),
        ({"counts": {"kind": "fixed"}}, r"^counts: .*fixed names no class"),
        (
            {"counts": {"kind": "fixed", "fixed": {"RBC": 1}, "class_weights": {"RBC": 2}}},
            r"^counts: .*class_weights would change nothing",
        ),
        ({"counts": {"class_weights": {"RBC": -1}}}, r"^counts\.class_weights\.RBC: .*got -1"),
        ({"counts": {"class_weights": {"RBC": float("nan")}}}, r"^counts\.class_weights\.RBC: "),
        ({"counts": {"patch_weights": {"a.png": 2}}}, r"^counts\.patch_weights\.a\.png: "),
        ({"counts": {"patch_weights": {"a.png": {12: 2}}}}, r"annotation ids are text: write them in quotes"),
        ({"counts": {"patch_weights": {"a.png": {"1": 1e7}}}}, r"^counts\.patch_weights\.a\.png\.1: "),
        ({"placement": {"overlap": "boxes"}}, r"^placement\.overlap: .*got 'boxes'"),
        ({"placement": {"min_visible": 1.1}}, r"^placement\.min_visible: "),
        ({"distractors": {"per_scene": [3, 2]}}, r"^distractors: .*the fewest, then the most"),
        ({"distractors": {"per_scene": [3]}}, r"^distractors\.per_scene\.1: "),
        ({"counts": {"fixed": {"RBC": -1}}}, r"^counts\.fixed\.RBC: "),
        ({"counts": {"fixed": {"RBC": 10**19}}}, r"^counts\.fixed\.RBC: "),
        ({"counts": {"presence": float("nan")}}, r"^counts\.presence: "),
        ({"counts": {"spread": float("inf")}}, r"^counts\.spread: "),
        ({"canvas": {"size_px": [416]}}, r"^canvas\.size_px\.1: "),
        ({"canvas": {"size_px": [416, 4]}}, r"^canvas\.size_px\.1: .*got 4"),
        ({"canvas": {"color": [0, 0, 256]}}, r"^canvas\.color\.2: .*got 256"),
        ({"canvas": []}, r"^canvas: "),
        ({"placement": {"max_truncation": 1}}, r"^placement\.max_truncation: "),
        ({"placement": {"tries": 257}}, r"^placement\.tries: "),
        ({"objects": {"blend": "round"}}, r"^objects\.blend: "),
        ({"objects": {"matte": "hard"}}, r"^objects: matte is now objects\.blend: .*blend: hard for hard"),
        ({"objects": {"quarter_turns": True}}, r"^objects: quarter_turns is now objects\.rotation.*quarter"),
        ({"objects": {"rotation": 45}}, r"^objects\.rotation: .*got 45"),
        ({"objects": {"size_jitter": "some"}}, r"^objects\.size_jitter: neither 'natural' nor a number"),
        ({"objects": {"size_jitter": True}}, r"^objects\.size_jitter: neither"),
        ({"objects": {"stain": 1}}, r"^objects\.stain: "),
        ({"objects": {"blur_px": 51}}, r"^objects\.blur_px: "),
        ({"finish": {"noise": -1}}, r"^finish\.noise: "),
        ({"finish": {"jpeg_quality": [0, 90]}}, r"^finish\.jpeg_quality\.0: "),
        ({"finish": {"jpeg_quality": [90, 50]}}, r"^finish: jpeg_quality is the lowest, then the highest"),
        ({"scale": 0}, r"^scale: neither 'fit' nor a number from 0.01 to 100 \(got 0\)"),
        ({"scale": "big"}, r"^scale: neither .*got 'big'"),
        ({"scale": True}, r"^scale: neither"),
        ({"scale": float("nan")}, r"^scale: neither"),
        ({1: 2}, r"^1: "),
        ([], r"valid dictionary"),
    ],
)
def test_mistakes_name_the_field(values: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make_recipe(values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a: [", "cannot be read"),
        (b"a: !!python/object:os.system {}", "cannot be read"),
        (b"a: 2020-99-99", "cannot be read"),
        (b"a: !!timestamp soon", "cannot be read"),
        (b"a: !!bool maybe", "cannot be read"),
        (b"? {a: b}\n: c", "cannot be read"),
        (b"[" * 3_000, "cannot be read"),
        (b"- 1\n- 2\n", "a mapping of fields.*got 'list'"),
        (b"just words", "a mapping of fields.*got 'str'"),
        (b"scale: -1", r"recipe\.yaml: scale: "),
    ],
)
def test_files_that_are_no_recipe(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


@pytest.mark.parametrize(("size", "expected"), [(64, (64, 64)), ((32, 48), (32, 48))])
def test_with_size_changes_the_size_alone(size: int | tuple[int, int], expected: tuple[int, int]) -> None:
    before = make_recipe({"counts": {"kind": "decorrelated"}, "scale": 3})
    after = with_size(before, size)
    assert after.canvas.size_px == expected
    assert with_size(after, (416, 416)) == before
    with pytest.raises(RecipeError, match=r"canvas\.size_px"):
        with_size(before, 7)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"canvas: &a {noise: true}\ncounts: *a\n", "aliases"),
        (b"scale: " + b"1" * 2**21, "more than 1024 KiB"),
        (b"[" * 100_000, "cannot be read"),
        (b"scale: [[[[[[[[1]]]]]]]]", "neither 'fit' nor a number"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_hostile_recipes(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "recipe.yaml").write_bytes(content)
    with pytest.raises(RecipeError, match=message) as caught:
        read_recipe(tmp_path / "recipe.yaml")
    assert caught.value.remedy
    assert len(str(caught.value)) < 3000
