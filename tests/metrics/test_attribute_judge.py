"""The judge of attributes on faces whose answers are known."""

from pathlib import Path

import numpy as np
import pytest

from vaematrix.metrics.attribute_judge import balanced, judgeable, load_judge, save_judge, shares_shown, train_judge

NAMES = ("Bright_Left", "Coin", "Rare")


def faces(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise of 8x8; with the first attribute the left half is brighter. The second is a coin, the third never there."""
    rng = np.random.default_rng(seed)
    labels = rng.random((count, 3)) < [0.3, 0.5, 0.0]
    images = rng.normal(100, 30, (count, 8, 8, 3))
    images[labels[:, 0], :, :4] += 60
    return images.clip(0, 255).astype(np.uint8), labels


def test_too_few_of_a_class_are_not_judged() -> None:
    y = np.zeros((30, 4), bool)
    y[:10, 0], y[:9, 1], y[:21, 2], y[:20, 3] = True, True, True, True
    assert judgeable(y).tolist() == [True, False, False, True]
    assert judgeable(y, ~y[:20]).tolist() == [True, False, False, False]


def test_the_judge_sees_what_can_be_seen_and_says_so() -> None:
    judge = train_judge(*faces(600, 0), *faces(400, 1), NAMES, seed=0)
    assert (judge.names, judge.skipped) == (NAMES[:2], NAMES[2:])
    assert judge.auc[0] > 0.99
    assert judge.auc[1] == pytest.approx(0.5, abs=0.12)
    left, coin = balanced(judge.shown)
    assert left > 0.95
    assert coin == pytest.approx(0.5, abs=0.12)
    images, labels = faces(300, 2)
    scores = judge.scores(images)
    assert scores.shape == (300, 2)
    assert ((scores[:, 0] > 0) == labels[:, 0]).mean() > 0.95, "weights of pixels do what the components did"


def test_a_judge_is_read_as_it_was_written(tmp_path: Path) -> None:
    judge = train_judge(*faces(200, 0), *faces(100, 1), NAMES, seed=0)
    save_judge(tmp_path / "judge.parquet", judge, {"vaematrix.key": "k"})
    back = load_judge(tmp_path / "judge.parquet")
    assert (back.names, back.skipped, back.about) == (judge.names, judge.skipped, judge.about)
    np.testing.assert_array_equal(back.scores(faces(20, 3)[0]), judge.scores(faces(20, 3)[0]))
    np.testing.assert_array_equal(back.shown, judge.shown)


def test_no_attribute_may_be_judgeable(tmp_path: Path) -> None:
    images, labels = faces(60, 0)
    judge = train_judge(images, labels[:, 2:], images, labels[:, 2:], NAMES[2:], seed=0)
    save_judge(tmp_path / "judge.parquet", judge, {})
    assert load_judge(tmp_path / "judge.parquet").names == ()


def test_shares_by_hand() -> None:
    scores = np.array([[1, -1], [2, -1], [-1, 3], [0.5, -2]])
    asked = np.array([[1, 0], [1, 1], [1, 1], [0, 0]], bool)
    shown = shares_shown(scores, asked)
    np.testing.assert_allclose(shown, [[1, 2 / 3], [0, 1 / 2]])
    np.testing.assert_allclose(balanced(shown), [1 / 3, 3 / 4])
