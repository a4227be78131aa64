"""The linear probe on codes whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from vaematrix.metrics.probe import probe


def test_the_probes_auc_is_that_of_two_gaussians() -> None:
    """Two classes two standard deviations apart have an AUC of Φ(2/√2) = 0.921; a coin has 0.5."""
    rng = np.random.default_rng(0)

    def codes(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.random((count, 2)) < 0.4
        z = rng.normal(size=(count, 5)) * [1, 10, 0.1, 1, 1]
        z[:, 2] += 0.2 * labels[:, 0]
        return z, labels

    (train, y_train), (test, y_test) = codes(4000), codes(8000)
    separated, coin = probe(train, y_train, test, y_test)
    assert separated == pytest.approx(stats.norm.cdf(np.sqrt(2)), abs=0.01)
    assert coin == pytest.approx(0.5, abs=0.03)
