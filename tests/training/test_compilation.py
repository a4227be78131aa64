"""Compiled losses. The compiler is the same on the CPU; CUDA graphs are tested in test_gpu.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vaematrix.models import families
from vaematrix.models.architecture import Network
from vaematrix.models.weights import build
from vaematrix.training import compilation

OPTIONS = {"beta_vae": {"capacity": 20.0}}  # the one setting in which the loss depends on the progress


def test_only_long_trainings_on_a_gpu_are_compiled() -> None:
    def loss() -> dict:
        return {}

    assert compilation.compiled(loss, torch.device("cpu"), 10**6) is loss
    assert compilation.compiled(loss, torch.device("cuda"), compilation.STEPS - 1) is loss
    assert compilation.compiled(loss, torch.device("cuda"), compilation.STEPS) is not loss


@pytest.mark.nightly
@pytest.mark.parametrize("family", families.names())
def test_the_compiled_loss_is_the_loss(family: str) -> None:
    """In value and gradient, for whatever progress, after one compilation."""
    torch.manual_seed(0)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    model = build(family, Network(16, (4, 8), 5, 3), None, OPTIONS.get(family, {})).train()
    x, y = torch.rand(8, 3, 16, 16).contiguous(memory_format=torch.channels_last), torch.rand(8, 3) > 0.5
    fused = compilation.fused(model.loss)
    for step in range(4):
        noise, progress = torch.randn(2, 8, 5), torch.tensor(step / 4)
        results = []
        for loss in (model.loss, fused):
            model.zero_grad()
            terms = loss(x, y, noise, progress)
            terms["loss"].backward()
            results.append((terms, [parameter.grad.clone() for parameter in model.parameters()]))
        (expected, gradients), (terms, ours) = results
        for name in model.terms:
            assert terms[name].item() == pytest.approx(expected[name].item(), rel=1e-4, abs=1e-5), name
        for gradient, ours_of_it in zip(gradients, ours, strict=True):
            torch.testing.assert_close(ours_of_it, gradient, rtol=1e-3, atol=1e-3 * float(gradient.abs().max()))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


@pytest.mark.nightly
def test_without_a_compiler_the_loss_runs_as_it_is(tmp_path: Path) -> None:
    program = (
        "import torch; from vaematrix.training.compilation import fused\n"
        "def loss(x):\n    return {'loss': (x * x).sum().exp()}\n"
        "print(float(fused(loss)(torch.full((3,), 0.5))['loss']))"
    )
    scripts = Path(compilation.__file__).parents[2]
    environment = {
        **os.environ,
        "PYTHONPATH": str(scripts),
        "CXX": "/no/compiler",
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path),
    }
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert float(run.stdout) == pytest.approx(2.1170000166)  # e^0.75
    assert "compiler" in run.stderr, "nobody was told"
