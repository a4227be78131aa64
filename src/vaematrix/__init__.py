"""Train variational autoencoders on faces and judge them by a weighted evaluation matrix.

What a trained model can do without Snakemake begins with :func:`load_model`, and :func:`judge` measures anybody's
images. Both import what they need when they are called: `import vaematrix` itself brings no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from vaematrix.data.image_sets import ImageSet
    from vaematrix.generation.trained import TrainedModel

__all__ = ["__version__", "judge", "load_model"]
__version__ = "0.1.0"


def load_model(path: str | Path, device: str | torch.device | None = None) -> TrainedModel:
    """A trained model.

    Args:
        path: the folder of a run, such as results/demo/beta_vae/seed-0, or its `model.safetensors` alone. The folder
            also says which faces the model was trained on, which attributes that it is not told of need.
        device: where it computes; a GPU where there is one.

    Raises:
        UserError: there are no weights, they are damaged, or not a model of this library.
    """
    from vaematrix.generation.trained import load_model

    return load_model(path, device)


def judge(
    samples: ImageSet,
    reference: ImageSet,
    features: str = "efficientnet_lite0",
    *,
    weights: str | Path | None = None,
    split: str | None = None,
    paired: bool = False,
    device: str | torch.device | None = None,
) -> dict[str, Any]:
    """The metrics of metrics.json for any images, with the protocol that made them.

    Args:
        samples, reference: uint8 [n, h, w, 3]; or the path of a folder or zip of JPEG and PNG, a parquet file or folder
            of shards that vaematrix wrote, or a .npy file. A model must not be judged by images it was trained on.
        features: the network of the Fréchet and kernel distances, "efficientnet_lite0" (its weights come with the
            package) or "inception" (then the distances are FID and KID).
        weights: Inception's weight file; where there is none, torch.hub's folder is looked into.
        split: of a reference of shards, "train", "valid" or "test".
        paired: whether the samples are reconstructions of the reference, in its order: then MSE, SSIM and PSNR of the
            pairs are measured, and the distance is of reconstructions.
        device: where the features are computed; a GPU where there is one.

    Returns:
        metrics (by key: value, count, label, better, interval …), left_out (why, by key), checks (against the packages
        that define a metric) and protocol, all of it JSON values.

    Raises:
        UserError: images that cannot be read or differ in size, no such network, or no weights of it.
    """
    from vaematrix.judging import judge

    return judge(samples, reference, features, weights=weights, split=split, paired=paired, device=device)
