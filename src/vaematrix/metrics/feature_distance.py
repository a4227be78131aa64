"""How far a reconstruction is from its original in a network's features f: the cosine distance, half the squared
distance of the features at unit length:

    d(x, y) = 1 - f(x)·f(y) / (‖f(x)‖ ‖f(y)‖) = ½ ‖f(x)/‖f(x)‖ - f(y)/‖f(y)‖‖²

0 where the features point the same way; 1 where they share nothing, since features after a ReLU are not negative. LPIPS
(Zhang et al. 2018) compares features at unit length too, but place by place in several layers, with weights learnt from
what people see; this one compares what is pooled over the image, so that a face that moves a little stays near.
docs/features.png shows that it orders blurs, noises and the like as an eye does.
"""

import numpy as np


def feature_distance(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Features [n, dims], twice, in the same order, none all zero, to the cosine distances, float64 [n], in [0, 2]."""
    units = [
        features / np.linalg.norm(features, axis=1, keepdims=True)
        for features in (originals.astype(np.float64), reconstructions.astype(np.float64))
    ]
    return ((units[0] - units[1]) ** 2).sum(axis=1) / 2
