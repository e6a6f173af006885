import fiftyone as fo

from synthmed.app.appearance import HEAT, color_heatmaps, color_labels, forget_fields, shade, show_fields


def _colors(dataset, field):
    (entry,) = [entry for entry in dataset.app_config.color_scheme.fields if entry["path"] == field]
    return {pair["value"]: pair["color"] for pair in entry["valueColors"]}


def test_a_class_has_one_colour_everywhere(dataset):
    color_labels(dataset, "ground_truth", ["b", "a"], truth=True)
    color_labels(dataset, "predictions", ["a", "c"])
    truth, predictions = _colors(dataset, "ground_truth"), _colors(dataset, "predictions")
    assert truth["a"] == shade(predictions["a"], 0.55)
    assert len(set(predictions.values()) | {"x"}) == 3


def test_more_classes_than_colours(dataset):
    color_labels(dataset, "predictions", [f"class {number}" for number in range(40)])
    assert len(_colors(dataset, "predictions")) == 40


def test_what_a_user_set_stays(dataset):
    own = {"path": "predictions", "fieldColor": "#123456"}
    dataset.app_config.color_scheme = fo.ColorScheme(color_by="field", opacity=0.9, fields=[own])
    dataset.save()
    color_labels(dataset, "predictions", ["a"])
    color_heatmaps(dataset, ["cam_a"])
    scheme = dataset.app_config.color_scheme
    assert (scheme.color_by, scheme.opacity, scheme.fields) == ("field", 0.9, [own])
    forget_fields(dataset, ["cam_a"])
    assert dataset.app_config.color_scheme.fields == [own]
    assert dataset.app_config.color_scheme.colorscales == []


def test_forgetting_all_leaves_no_scheme(dataset):
    color_labels(dataset, "predictions", ["a"])
    color_heatmaps(dataset, ["cam_a", "cam_b"])
    color_heatmaps(dataset, ["cam_a"])
    scales = dataset.app_config.color_scheme.colorscales
    assert scales == [{"path": "cam_a", "name": HEAT}, {"path": "cam_b", "name": HEAT}]
    forget_fields(dataset, ["cam_a", "predictions"])
    assert dataset.app_config.color_scheme is not None
    forget_fields(dataset, ["cam_b"])
    assert dataset.app_config.color_scheme is None


def test_quiet_fields_are_not_shown(dataset):
    for name in ("points", "boxes", "later"):
        dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Keypoints)
    show_fields(dataset, ["boxes"], quiet=["points"])
    assert set(dataset.app_config.active_fields.paths) == {"boxes", "later"}
    show_fields(dataset, ["points"])
    assert "points" in dataset.app_config.active_fields.paths


def test_without_quiet_fields_the_default_stays(dataset):
    show_fields(dataset, ["boxes"])
    assert dataset.app_config.active_fields is None
