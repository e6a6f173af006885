from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmed.metrics import matching
from synthmed.metrics.boxes import boxes_at, pairwise_iou
from synthmed.metrics.matching import match_boxes, match_centers

A, B = (0, 0, 10, 10), (20, 20, 30, 30)
NONE = np.zeros((0, 4))


@pytest.mark.parametrize(
    ("found", "scores", "truth", "ignored", "truth_index", "set_aside"),
    [
        pytest.param(NONE, [], NONE, [], [], [], id="nothing"),
        pytest.param([A], [0.5], NONE, [], [-1], [False], id="no truth"),
        pytest.param(NONE, [], [A], [False], [], [], id="no prediction"),
        pytest.param([B, A], [0.5, 0.6], [A, B], [False, False], [1, 0], [False, False], id="both"),
        pytest.param([A, A], [0.5, 0.6], [A], [False], [-1, 0], [False, False], id="duplicate"),
        pytest.param([(0, 0, 10, 5)], [0.5], [A], [False], [0], [False], id="IoU of exactly one half"),
        pytest.param([(0, 0, 10, 4.9)], [0.5], [A], [False], [-1], [False], id="IoU just below"),
        pytest.param([A, A], [0.5, 0.6], [A], [True], [-1, -1], [True, True], id="region takes several"),
        pytest.param([A], [0.5], [A, A], [True, False], [1], [False], id="a real truth goes first"),
        pytest.param([(0, 0, 4, 4)], [0.5], [A], [True], [-1], [True], id="small part of a region"),
        pytest.param([(0, 6, 10, 14)], [0.5], [A], [True], [-1], [False], id="exactly half in a region"),
        pytest.param(
            [(0, 0, 10, 10), (0, 1, 10, 11)],
            [0.9, 0.8],
            [(0, 2, 10, 12), (0, 3, 10, 13)],
            [False, False],
            [0, 1],
            [False, False],
            id="the second takes what is still free",
        ),
    ],
)
def test_match_boxes(
    found: object, scores: object, truth: object, ignored: object, truth_index: object, set_aside: object
) -> None:
    match = match_boxes(
        np.array(found, dtype=float),
        np.array(scores, dtype=float),
        np.array(truth, dtype=float),
        np.array(ignored, dtype=bool),
    )
    assert match.truth_index.tolist() == truth_index
    assert match.ignored.tolist() == set_aside


@pytest.mark.parametrize(
    ("found", "scores", "truth", "ignored", "truth_index", "set_aside"),
    [
        pytest.param(np.zeros((0, 2)), [], np.zeros((0, 2)), [], [], [], id="nothing"),
        pytest.param([(3, 4)], [1], [(0, 0)], [False], [0], [False], id="distance of exactly the limit"),
        pytest.param([(3, 4.01)], [1], [(0, 0)], [False], [-1], [False], id="just beyond"),
        pytest.param([(0, 3)], [1], [(0, 0), (0, 5)], [False, False], [1], [False], id="the closer one"),
        pytest.param([(0, 1)], [1], [(0, 0), (0, 5)], [True, False], [1], [False], id="a real truth first"),
        pytest.param([(0, 1), (1, 0)], [1, 1], [(0, 0)], [True], [-1, -1], [True, True], id="region"),
        pytest.param([(1, 1, 1)], [1], [(0, 0, 0)], [False], [0], [False], id="three axes"),
    ],
)
def test_match_centers(
    found: object, scores: object, truth: object, ignored: object, truth_index: object, set_aside: object
) -> None:
    match = match_centers(
        np.array(found, dtype=float),
        np.array(scores, dtype=float),
        np.array(truth, dtype=float),
        np.array(ignored, dtype=bool),
        max_distance_px=5,
    )
    assert match.truth_index.tolist() == truth_index
    assert match.ignored.tolist() == set_aside


def test_a_centre_in_the_box_of_an_ignored_truth_is_set_aside() -> None:
    truth = np.array([[50.0, 50.0], [150.0, 150.0]])
    boxes = np.array([[0.0, 0, 100, 100], [np.nan] * 4])
    match = match_centers(
        np.array([[10.0, 90.0], [120.0, 150.0]]),
        np.ones(2),
        truth,
        np.array([True, True]),
        max_distance_px=5,
        truth_boxes_px=boxes,
    )
    assert match.ignored.tolist() == [True, False]


@st.composite
def crowds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Crowded boxes on a coarse lattice, so that ties of score and of IoU are common."""
    spot = st.tuples(st.integers(0, 6), st.integers(0, 6))
    found, truth = draw(st.lists(spot, max_size=12)), draw(st.lists(spot, max_size=12))
    scores = draw(st.lists(st.sampled_from([0.2, 0.5, 0.8]), min_size=len(found), max_size=len(found)))
    ignored = draw(st.lists(st.booleans(), min_size=len(truth), max_size=len(truth)))
    to_boxes = [boxes_at(np.array(s, dtype=float).reshape(-1, 2), 4) for s in (found, truth)]
    return to_boxes[0], np.array(scores, dtype=float), to_boxes[1], np.array(ignored, dtype=bool)


@given(crowds())
def test_matching_is_one_to_one_and_close_enough(crowd: tuple[np.ndarray, ...]) -> None:
    found, scores, truth, ignored = crowd
    match = match_boxes(found, scores, truth, ignored)
    hit = np.flatnonzero(match.truth_index >= 0)
    taken = match.truth_index[hit]
    assert len(set(taken.tolist())) == len(taken)
    assert not ignored[taken].any()
    assert not match.ignored[hit].any()
    assert (pairwise_iou(found, truth)[hit, taken] >= 0.5).all()


@given(crowds(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(crowd: tuple[np.ndarray, ...], random: object) -> None:
    found, scores, truth, ignored = crowd
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    rows, columns = rng.permutation(len(found)), rng.permutation(len(truth))

    def hits(match: matching.Matching, boxes: np.ndarray, truths: np.ndarray) -> list[tuple[float, ...]]:
        verdicts = [
            (*box, *(truths[t] if t >= 0 else [-99.0]), float(i))
            for box, t, i in zip(boxes, match.truth_index, match.ignored, strict=True)
        ]
        return sorted(tuple(float(v) for v in verdict) for verdict in verdicts)

    first = match_boxes(found, scores, truth, ignored)
    second = match_boxes(found[rows], scores[rows], truth[columns], ignored[columns])
    assert hits(first, found, truth) == hits(second, found[rows], truth[columns])


@given(crowds())
def test_a_threshold_may_be_applied_after_matching(crowd: tuple[np.ndarray, ...]) -> None:
    found, scores, truth, ignored = crowd
    kept = scores >= 0.5
    after = match_boxes(found, scores, truth, ignored)
    before = match_boxes(found[kept], scores[kept], truth, ignored)
    assert after.truth_index[kept].tolist() == before.truth_index.tolist()
    assert after.ignored[kept].tolist() == before.ignored.tolist()


@given(crowds())
def test_working_in_blocks_changes_nothing(crowd: tuple[np.ndarray, ...]) -> None:
    whole = match_boxes(*crowd)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_BLOCK", 1)
        blocks = match_boxes(*crowd)
    assert whole.truth_index.tolist() == blocks.truth_index.tolist()
    assert whole.ignored.tolist() == blocks.ignored.tolist()
