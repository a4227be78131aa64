"""The exponential moving average of a model's weights (Polyak & Juditsky, 1992), which is what gets evaluated.

    w̄ ← d·w̄ + (1 - d)·w    after every step, with d = 1 - 1/(share · steps of the training)

The share says how far the average reaches back, so that a training of any length forgets where it began.
"""

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def moving_average(model: nn.Module, share: float, steps: int) -> AveragedModel:
    """A copy of the model that follows its weights and batch-norm statistics with every `update_parameters(model)`.

    Args:
        share: of the training's `steps` that the average reaches back, in (0, 1].
    """
    decay = max(0.0, 1 - 1 / (share * steps))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    return average.requires_grad_(False)
