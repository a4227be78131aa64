"""What of the attributes stands in the latent, as far as a linear probe finds it."""

import numpy as np


def probe(train: np.ndarray, y_train: np.ndarray, test: np.ndarray, y_test: np.ndarray) -> np.ndarray:
    """The AUC of each attribute for a linear probe (Alain and Bengio, 2017): logistic regression on standardised codes.

    Args:
        train, test: posterior means, [n, d] and [m, d]. y_train, y_test: bool [n, k] and [m, k], both classes present.

    Returns:
        float64 [k]; 0.5 is chance.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    columns = zip(y_train.T, y_test.T, strict=True)
    return np.array([roc_auc_score(y, model.fit(train, x).decision_function(test)) for x, y in columns])
