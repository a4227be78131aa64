"""The peers' side of training and sampling: the same network in pythae 0.1.2 and in Lightning, as their users write it.

Their modules are imported inside the functions, since a row does without a peer that is not installed.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import harness
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from vaematrix.models.architecture import Network
from vaematrix.models.networks import Decoder, Encoder

LEARNING_RATE = 1e-4  # pythae's default; each epoch measured starts Adam anew, which the wide network takes ill at 1e-3


def plain_decoder(network: Network) -> nn.Sequential:
    """Our decoder as those write it who do not think of memory layouts: z [b, latent] to images in [0, 1], NCHW."""
    decoder = Decoder(network, 0)
    return nn.Sequential(decoder.head, decoder.unflatten, decoder.stages, decoder.image, nn.Sigmoid())


def pythae_vae(network: Network) -> Any:
    """pythae's VAE with our network in its encoder and decoder."""
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class PythaeEncoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = Encoder(network, 0)

        def forward(self, x: Tensor) -> ModelOutput:
            mean, log_variance = self.layers(x, None).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class PythaeDecoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.layers = plain_decoder(network)

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.layers(z))

    config = VAEConfig(input_dim=(3, network.size, network.size), latent_dim=network.latent)
    return VAE(config, PythaeEncoder(), PythaeDecoder())


def pythae_training(network: Network, batch: int, images: np.ndarray, gpu: bool) -> Callable[[], float]:
    """One epoch of its BaseTrainer, in images/s. The images lie in memory as float32, as its tutorials have them."""
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    device = harness.device(gpu)
    if device.type == "cuda":
        torch.set_autocast_dtype("cuda", torch.bfloat16)  # its autocast("cuda") would take float16
    data = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 255
    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(),
        num_epochs=1,
        per_device_train_batch_size=batch,
        learning_rate=LEARNING_RATE,
        amp=device.type == "cuda",
    )
    trainer = BaseTrainer(pythae_vae(network), BaseDataset(data, torch.zeros(len(data))), training_config=config)
    trainer.prepare_training()
    return lambda: len(data) / harness.seconds(lambda: trainer.train_step(1))


def lightning_training(network: Network, batch: int, files: Sequence[Path], gpu: bool) -> Callable[[], float]:
    """One epoch of its Trainer over image files, in images/s."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = Encoder(network, 0), plain_decoder(network)

        def training_step(self, x: Tensor, _: int) -> Tensor:
            mean, log_variance = self.encoder(x, None).chunk(2, dim=1)
            z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            sse = functional.mse_loss(self.decoder(z), x, reduction="sum")
            kl = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
            return (0.5 * sse + kl) / len(x)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE)

        def on_train_epoch_start(self) -> None:
            self.start = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            harness.wait_for_gpu()
            self.took = time.perf_counter() - self.start

    device, module = harness.device(gpu), Module()
    loader = DataLoader(
        Files(files, network.size),
        batch,
        shuffle=True,
        num_workers=harness.CORES,
        pin_memory=device.type == "cuda",
        persistent_workers=True,
        multiprocessing_context="fork",  # the default on Linux, which the harness's processes are without
    )

    def epoch() -> float:
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator=device.type,
            devices=1,
            precision="bf16-mixed" if device.type == "cuda" else "32-true",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, loader)
        return len(files) / module.took

    return epoch


class Files(Dataset):
    """Image files, read, cropped, resized and converted by torchvision one by one."""

    def __init__(self, files: Sequence[Path], size: int) -> None:
        from torchvision import transforms

        self.files = files
        self.transform = transforms.Compose(
            [transforms.CenterCrop(harness.CROP), transforms.Resize(size), transforms.ToTensor()]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        with Image.open(self.files[index]) as image:
            return self.transform(image.convert("RGB"))
