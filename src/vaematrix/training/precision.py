"""In which floating-point format the networks compute."""

import torch


def autocast(device: torch.device) -> torch.autocast:
    """A context of bfloat16 on CUDA where the GPU has it; of float32 elsewhere."""
    return torch.autocast(
        device.type,
        torch.bfloat16,
        enabled=device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False),
    )
