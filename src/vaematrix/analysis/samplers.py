"""What samplers make of models: which is the likeliest, by codes that neither fit nor judgement has seen."""

import statistics
from collections.abc import Sequence

from vaematrix.common.records import RunMetrics
from vaematrix.metrics.catalogue import CODES_LOG_LIKELIHOOD

Sampled = dict[tuple[str, str], list[RunMetrics]]


def by_sampler(metrics: Sequence[RunMetrics]) -> Sampled:
    """The metrics of each model's runs under each sampler, by seed."""
    groups: Sampled = {}
    for run in sorted(metrics, key=lambda run: run.seed):
        groups.setdefault((run.model, run.protocol.sampler or "?"), []).append(run)
    return groups


def likeliest(sampled: Sequence[RunMetrics]) -> dict[str, str]:
    """The sampler of each model that finds codes of the validation split likeliest, as the mean over its seeds.

    Samplers are chosen by codes and judged by images of the evaluation split: what chooses does not judge. Nats of two
    models are of different codes, and are not compared.
    """
    likelihoods: dict[str, dict[str, float]] = {}
    for (model, sampler), runs in by_sampler(sampled).items():
        values = [run.metrics[CODES_LOG_LIKELIHOOD.key].value for run in runs]
        likelihoods.setdefault(model, {})[sampler] = statistics.mean(values)
    return {model: max(of, key=of.__getitem__) for model, of in likelihoods.items()}
