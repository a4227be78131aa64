"""How the metrics of a run came about, from what its files say of themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from vaematrix.common import provenance
from vaematrix.common.files import sha256
from vaematrix.common.images import read_metadata
from vaematrix.common.records import Protocol, RunRecord


def protocol_of(
    run: RunRecord,
    shards: Sequence[str],
    samples: str,
    *,
    features: Mapping[str, Any],
    images: int,
    device: torch.device,
    **further: Any,
) -> Protocol:
    """The protocol of a run's metrics.

    Args:
        run: of the training. shards: of the faces. samples: the file of the samples that were measured.
        features: the network's identity. images: of the evaluation split.
        further: what else is known, by the names of :class:`Protocol`.
    """
    made, prepared = read_metadata(samples), read_metadata(shards[0])
    sampling, parameters = made["vaematrix.sampling"], run.parameters or {}
    return Protocol(
        data=run.data,
        **{name: prepared[f"vaematrix.{name}"] for name in ("source", "crop", "size", "filter")},
        images=images,
        train_images=run.train_images,
        sampler=sampling["sampler"],
        sample_count=sampling["count"],
        sample_seed=sampling["seed"],
        sampler_fit=sampling["fit"],
        sample_labels=made["vaematrix.labels"],
        features=features,
        reference_count=images,
        training=parameters.get("training"),
        network_settings=parameters.get("network"),
        weights_sha256=run.weights_sha256,
        weights_key=run.key,
        samples_sha256=sha256(samples),
        training_code=run.code,
        device=provenance.device_name(device),
        versions=provenance.versions(),
        **further,
    )
