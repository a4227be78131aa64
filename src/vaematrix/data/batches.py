"""Faces as batches of tensors on the device that computes."""

import numpy as np
import torch
from torch import Tensor


class Batches:
    """A thin view of images and their attributes as tensors, in host memory or on a device, for random access.

    Attributes:
        images: uint8 [n, h, w, 3], so that the permuted view is channels_last without a copy.
        attributes: bool [n, k].
    """

    def __init__(self, images: np.ndarray, attributes: np.ndarray, device: torch.device) -> None:
        """Share the arrays' memory, or copy them to `device` where they fill less than half of a GPU's free memory.

        Args:
            images: uint8 [n, h, w, 3], as in :class:`vaematrix.data.shards.Faces`. attributes: bool [n, k].
            device: where :meth:`batch` puts its batches.
        """
        self.device = device
        self.images, self.attributes = torch.from_numpy(images), torch.from_numpy(attributes)
        if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            self.images, self.attributes = self.images.to(device), self.attributes.to(device)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """x float32 [b, 3, h, w] in [0, 1], channels_last, and y bool [b, k], on the device. Args: index int64 [b]."""
        index = index.to(self.images.device)
        images, attributes = self.images[index], self.attributes[index]
        if self.device.type == "cuda" and not images.is_cuda:
            # Pinned, so that nobody waits for the copy: the next batch is gathered while the GPU computes.
            images, attributes = images.pin_memory(), attributes.pin_memory()
        x = images.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float() / 255
        return x, attributes.to(self.device, non_blocking=True)

    def __len__(self) -> int:
        return len(self.images)
