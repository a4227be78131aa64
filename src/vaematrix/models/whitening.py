"""An affine map of the latent after which the codes of the training split have the prior's mean and covariance.

    z' = A(z - m),   with  mean(q(z')) = 0  and  A Cov(μ) Aᵀ + diag((A∘A) E[σ²]) = I

Encoder and decoder share it: posterior means are mapped by A, codes are mapped back by A⁻¹ before the decoder, so that
no reconstruction changes. A is symmetric up to what the posteriors' own variance asks for (ZCA; Kessy et al., 2018): of
all such maps the one that moves the codes least, so that axes which mean something keep their meaning. Posteriors stay
diagonal: of A diag(σ²) Aᵀ the diagonal is kept, which is exact for a diagonal A and else small beside Cov(μ).
"""

import torch
from torch import Tensor, nn

ROUNDS = 100  # of a fixed-point iteration whose error shrinks by the posteriors' share of the variance each time


class Whitening(nn.Module):
    """The map, as buffers float32: `matrix` A and `inverse` A⁻¹ [latent, latent], and `shift` m [latent]."""

    matrix: Tensor
    inverse: Tensor
    shift: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(latent))
        self.register_buffer("inverse", torch.eye(latent))
        self.register_buffer("shift", torch.zeros(latent))

    def forward(self, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the mapped posterior. Args: two float32 [b, latent]."""
        with torch.autocast(mean.device.type, enabled=False):
            variance = log_variance.exp() @ self.matrix.square().T
            return (mean - self.shift) @ self.matrix.T, variance.log()

    def undo(self, z: Tensor) -> Tensor:
        """The code that the decoder was trained with. Args: z float32 [b, latent]."""
        with torch.autocast(z.device.type, enabled=False):
            return z.float() @ self.inverse.T + self.shift


def fitted(mean: Tensor, variance: Tensor) -> Whitening:
    """The whitening of the posteriors of a training split. Args: two [n, latent], n >= 2."""
    mean, variance = mean.double().cpu(), variance.double().cpu().mean(0)
    shift, covariance = mean.mean(0), torch.atleast_2d(torch.cov(mean.T))
    matrix = torch.eye(len(shift), dtype=torch.float64)
    for _ in range(ROUNDS):
        noise = (matrix.square() @ variance).diag()
        eigenvalues, vectors = torch.linalg.eigh(matrix @ covariance @ matrix.T + noise)
        matrix = vectors @ eigenvalues.rsqrt().diag() @ vectors.T @ matrix
    whitening = Whitening(len(shift))
    whitening.matrix, whitening.inverse, whitening.shift = (
        tensor.float() for tensor in (matrix, torch.linalg.inv(matrix), shift)
    )
    return whitening
