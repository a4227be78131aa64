"""What any model has to beat: the mean face for every image, and PCA with as many components as the latent.

They give the metrics a scale, and they need no training to speak of.
"""

import numpy as np

from vaematrix.common.errors import UserError
from vaematrix.data.subsets import MOST_FACES, at_most

_IMAGES_AT_ONCE = 1024


def mean_face(train: np.ndarray) -> np.ndarray:
    """The mean of uint8 [n, height, width, 3], rounded to uint8 [height, width, 3].

    Of all constant reconstructions it has the least MSE on the images it is the mean of.
    """
    return np.rint(train.mean(axis=0, dtype=np.float64)).astype(np.uint8)


def pca_reconstructions(train: np.ndarray, test: np.ndarray, components: int, seed: int) -> tuple[np.ndarray, int]:
    """Project test images onto the principal components of training images, and back.

    No linear model with so many latent dimensions reconstructs the training images better.

    Args:
        train: uint8 [n, height, width, 3]; of more than 20,000 images, 20,000 are chosen by the seed.
        test: uint8 [m, height, width, 3].
        components: how many; at most as many as training images and as values in an image.
        seed: of that choice and of scikit-learn's randomised solver.

    Returns:
        The reconstructions of `test`, uint8, and how many training images were used.

    Raises:
        UserError: there are fewer training images than components.
    """
    from sklearn.decomposition import PCA

    if len(train) < components:
        raise UserError(f"PCA with {components} components needs as many training images; there are {len(train)}")
    train = train[at_most(MOST_FACES, len(train), seed)]
    flat = train.reshape(len(train), -1).astype(np.float32)
    # copy=False: centring in place halves the memory.
    pca = PCA(components, svd_solver="randomized", random_state=seed, copy=False).fit(flat)
    reconstructions = np.empty_like(test)
    for start in range(0, len(test), _IMAGES_AT_ONCE):
        batch = test[start : start + _IMAGES_AT_ONCE]
        values = pca.inverse_transform(pca.transform(batch.reshape(len(batch), -1).astype(np.float32)))
        reconstructions[start : start + len(batch)] = np.rint(values).clip(0, 255).reshape(batch.shape)
    return reconstructions, len(train)
