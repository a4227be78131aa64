"""What metrics.json says of sets, codes and attributes, and what is left out of it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vaematrix.common.records import as_json
from vaematrix.metrics import entries
from vaematrix.metrics.attribute_judge import Judge
from vaematrix.metrics.catalogue import in_features, in_inception
from vaematrix.metrics.entries import Measured
from vaematrix.metrics.feature_distance import feature_distance
from vaematrix.metrics.frechet import distance, statistics

LITE0 = SimpleNamespace(metrics=in_features("efficientnet_lite0", "EfficientNet-Lite0"))
FID = SimpleNamespace(metrics=in_inception("Inception-v3", official=True))
ENDLESS = "endless samples against these 50 images"


def features(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


def measured_sets(network: SimpleNamespace, count: int) -> Measured:
    measured, made, real = Measured(), features(count, 0), features(50, 1)
    entries.measure_extrapolation(measured, network, made, statistics(real), 0.95)
    entries.measure_features(measured, network, made, real, torch.device("cpu"))
    return measured


@pytest.mark.parametrize(
    ("network", "keys", "labels"),
    [
        (FID, {"fid_infinity", "kid", "precision", "recall", "density", "coverage"},
            {f"FID, {ENDLESS}", "KID", "Precision"}),
        (
            LITE0,
            {f"{word}_efficientnet_lite0" for word in ("kernel_distance", "precision", "recall", "density", "coverage")}
            | {"frechet_efficientnet_lite0_infinity"},
            {f"Fréchet distance (EfficientNet-Lite0), {ENDLESS}", "Kernel distance (EfficientNet-Lite0)",
             "Recall (EfficientNet-Lite0)"},
        ),
    ],
)  # fmt: skip
def test_names_say_which_features_and_fid_of_inceptions_alone(
    network: SimpleNamespace, keys: set[str], labels: set[str]
) -> None:
    measured = measured_sets(network, 60)
    assert measured.entries.keys() == keys
    assert not measured.left_out
    assert labels <= {entry.label for entry in measured.entries.values()}
    if network is not FID:
        named = " ".join([*measured.entries, *(entry.label for entry in measured.entries.values())])
        assert not any(word in named.lower() for word in ("fid", "kid", "inception"))
    for entry in measured.entries.values():
        assert np.isfinite(entry.value)
        assert entry.protocol["reference_count"] == 50
        assert (entry.count, entry.about) == (60, "generation")
    assert {key for key, entry in measured.entries.items() if entry.subset_sd is not None} == {
        key for key in keys if key.startswith(("kid", "kernel_distance"))
    }, "and no entry has an sd that might be taken for one over seeds"
    assert not any("sd" in as_json(entry) for entry in measured.entries.values())
    assert [point["count"] for point in measured.details["frechet_by_count"]] == [6, 12, 20, 30, 60]


@pytest.mark.parametrize(("about", "key"), [("generation", "fid"), ("reconstruction", "reconstruction_fid")])
def test_a_frechet_distance_stands_beside_its_check(about: str, key: str) -> None:
    measured, network = Measured(), SimpleNamespace(**vars(FID), identity={"network": "a"})
    reference = statistics(features(50, 1), network.identity)
    entries.measure_frechet(measured, network, features(60, 0), reference, about)
    entry = measured.entries[key]
    assert entry.value == distance(statistics(features(60, 0), network.identity), reference)
    assert (entry.about, entry.count, entry.better) == (about, 60, "lower")
    assert entry.label == ("FID" if about == "generation" else "FID of reconstructions")
    assert measured.checks.keys() == {key}


def test_the_feature_distance_has_a_name_an_interval_and_a_value_an_image() -> None:
    measured, originals, others = Measured(), abs(features(40, 0)), abs(features(40, 1))
    identity = {"network": "EfficientNet-Lite0", "weights_sha256": "00", "dims": 4}
    network = SimpleNamespace(metrics=LITE0.metrics, identity=identity)
    values = entries.measure_feature_distance(measured, network, originals, others, resamples=200, confidence=0.9)
    entry = measured.entries["feature_distance_efficientnet_lite0"]
    assert values["feature_distance_efficientnet_lite0"] == pytest.approx(feature_distance(originals, others))
    assert entry.value == pytest.approx(feature_distance(originals, others).mean())
    assert entry.low < entry.value < entry.high
    assert (entry.label, entry.about) == ("Feature distance (EfficientNet-Lite0)", "reconstruction")
    assert entry.protocol == {"distance": "1 - cosine", **identity}, "so that other weights are not compared"


@pytest.mark.parametrize(("made", "said"), [("collapsed", True), ("alive", False)])
def test_samples_that_cover_no_face_are_said(made: str, said: bool) -> None:
    """A thousandth of the faces' spread around one of them, against as many faces of the same kind."""
    network = SimpleNamespace(metrics=in_features("efficientnet_lite0", "name"), identity={})
    real, others = features(300, 0), features(300, 1)
    samples = real[:1] + 0.001 * others if made == "collapsed" else others
    measured = Measured()
    entries.measure_features(measured, network, samples, real, torch.device("cpu"))
    entries.warn_of_collapse(measured, network)
    assert any("recall is 0.00" in warning for warning in measured.warnings) == said


def test_too_few_samples_are_left_out_by_name() -> None:
    few = measured_sets(LITE0, 15)
    assert few.entries.keys() == {
        f"{word}_efficientnet_lite0" for word in ("kernel_distance", "precision", "recall", "density", "coverage")
    }
    assert few.left_out == {
        "frechet_efficientnet_lite0_infinity": "15 samples are fewer than 16, four for each of the features' dimensions"
    }
    none = measured_sets(LITE0, 5)
    assert not none.entries
    assert len(none.left_out) == 6
    assert none.left_out["recall_efficientnet_lite0"] == "5 samples and 50 others: more than 5 are needed of each"


def test_units_are_sorted_by_kl_and_counted_when_active() -> None:
    rng = np.random.default_rng(0)
    scales = np.array([0.0, 2.0, 0.05, 0.5])
    mean = (rng.normal(size=(400, 4)) * scales).astype(np.float32)
    variance = np.repeat([[1.0, 0.1, 1.0, 0.6]], 400, axis=0).astype(np.float32)
    measured = Measured()
    entries.measure_latent(measured, mean, variance)
    assert [unit["unit"] for unit in measured.details["units"]] == [1, 3, 2, 0]
    assert measured.entries["active_units"].value == 2
    assert measured.entries["active_units"].scale == "of 4"
    expected = 0.5 * (scales**2 + [1.0, 0.1, 1.0, 0.6] - 1 - np.log([1.0, 0.1, 1.0, 0.6])).sum()
    assert measured.entries["kl"].value == pytest.approx(expected, rel=0.15)
    assert sum(unit["kl"] for unit in measured.details["units"]) == pytest.approx(measured.entries["kl"].value)


@pytest.mark.parametrize(("scale", "warned"), [(1.0, False), (2.0, True)])
def test_where_the_codes_lie_is_measured_and_warned_of(scale: float, warned: bool) -> None:
    """Draws, not means: half of the variance is the posteriors' own."""
    mean = scale * np.random.default_rng(1).normal(size=(2000, 3)).astype(np.float32) / np.sqrt(2)
    entries.measure_latent(measured := Measured(), mean, np.full((2000, 3), scale**2 / 2, np.float32))
    assert measured.entries["codes_variance"].value == pytest.approx(scale**2, rel=0.1)
    for key in ("codes_mean", "codes_correlation", "codes_largest_correlation"):
        assert measured.entries[key].value < 0.1 * scale
        assert "formula" in measured.entries[key].protocol
    assert [("variance" in warning, "decoder" in warning) for warning in measured.warnings] == [(True, True)] * warned


def test_the_probe_names_what_it_skips() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random((300, 2)) < [0.5, 0.001]
    labels[0, 1] = True
    codes = rng.normal(size=(300, 3)) + 3 * labels[:, :1]
    measured = Measured()
    entries.measure_probe(measured, (codes, labels), (codes, labels), ("Seen", "Rare"))
    entry = measured.entries["probe_auc"]
    assert entry.value > 0.95
    assert (entry.protocol["attributes"], entry.protocol["skipped"]) == (1, ["Rare"])
    assert measured.details["probe_auc"].keys() == {"Seen"}
    entries.measure_probe(nothing := Measured(), (codes, labels[:, 1:]), (codes, labels[:, 1:]), ("Rare",))
    assert (nothing.entries, list(nothing.left_out)) == ({}, ["probe_auc"])


def judge() -> Judge:
    """Sees an attribute where its pixel, 1 by 2, is brighter than half; of real faces it is right 9 times in 10."""
    weights, shown = np.zeros((2, 6), np.float32), np.array([[0.1, 0.9], [0.1, 0.9]])
    weights[0, 0] = weights[1, 3] = 1
    about = {"trained_on": 100, "judged_on": 50, "components": 6}
    return Judge(("A", "B"), ("Rare",), weights, np.full(2, -0.5, np.float32), np.array([0.95, 0.95]), shown, about)


def test_obedient_deaf_and_contrary_samples() -> None:
    asked = np.random.default_rng(0).random((400, 2)) < [0.5, 0.2]
    rest = np.zeros(400, bool)
    for shown, expected in ((asked, 1.0), (~asked, 0.0), (np.ones_like(asked), 0.5)):
        samples = np.zeros((400, 1, 2, 3), np.uint8)
        samples[:, 0, :, 0] = 255 * shown
        measured = Measured()
        entries.measure_asked(measured, judge(), samples, {"A": asked[:, 0], "Rare": rest, "B": asked[:, 1]})
        assert measured.entries["attribute_shown"].value == pytest.approx(expected)
        assert measured.entries["attribute_shown_real"].value == pytest.approx(0.9)
        assert measured.entries["attribute_shown"].protocol["skipped"] == ["Rare"]
        assert measured.details["attribute_shown"]["B"]["asked"] == asked[:, 1].sum()
        assert measured.details["attribute_shown"]["B"]["samples_shown_with"] == shown[asked[:, 1], 1].mean()


def test_attributes_that_few_samples_were_asked_for_are_left_out() -> None:
    measured, samples = Measured(), np.zeros((12, 1, 2, 3), np.uint8)
    asked = np.arange(12) < 6
    entries.measure_asked(measured, judge(), samples, {"A": asked, "B": asked, "Rare": asked})
    assert not measured.entries
    assert list(measured.left_out) == ["attribute_shown"]
