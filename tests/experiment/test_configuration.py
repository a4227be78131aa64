"""The configuration's checks: what is wrong, in which file, and what was probably meant."""

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaematrix.common.errors import UserError
from vaematrix.common.options import options
from vaematrix.data.layout import ATTRIBUTES
from vaematrix.experiment import configuration
from vaematrix.models import families
from vaematrix.models.family import Family

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def changed(path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    *parents, name = path.split(".")
    place = config
    for parent in parents:
        place = place[parent]
    place[name] = value
    return config


def lost(model: str, seed: int) -> dict[str, Any]:
    return {"model": model, "seed": seed, "reason": "diverged"}


def complaint(config: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        configuration.check_configuration(config, SCHEMA, "config/mine.yaml")
    return str(caught.value)


def test_the_shipped_configurations_are_right() -> None:
    config = copy.deepcopy(CONFIG)
    assert configuration.check_configuration(config, SCHEMA, "config/config.yaml") == CONFIG["models"]
    assert config == CONFIG
    configuration.check_attributes(config, ATTRIBUTES, "config/config.yaml")


def test_images_of_any_size_are_allowed() -> None:
    configuration.check(changed("dataset.image_size", None), SCHEMA, "config/mine.yaml")
    configuration.check_sizes(changed("dataset.image_size", None), "config/mine.yaml")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("training.epoch", 3, "config/mine.yaml: training.epoch is not a key here; did you mean 'epochs'?"),
        ("datset", {}, "config/mine.yaml: datset is not a key here; did you mean 'dataset'?"),
        ("dataset.filter", "bilinar", "'bilinar' is not one of bilinear, bicubic, lanczos, box; did you mean"),
        ("training.epochs", 0, "training.epochs 0 must be at least 1"),
        ("training.epochs", 2.5, "training.epochs 2.5 is not a whole number"),
        ("training.learning_rate", "1e-3", "(YAML takes it as text; write 0.001)"),
        ("training.learning_rate", 0, "must be above 0"),
        ("training.learning_rate", float("nan"), "training.learning_rate nan is not a finite number"),
        ("models.beta_vae.beta", float("inf"), "models.beta_vae.beta inf is not a finite number"),
        ("training", 5, "training 5 is not a section"),
        ("training.sigma", "calibrate", "training.sigma 'calibrate' is none of: calibrated, a number"),
        ("training.seeds", [], "training.seeds needs at least 1 entries"),
        ("training.seeds", [0, 0], "repeats an entry"),
        ("dataset.source", "path", "dataset.path null is not text: with source: path, it says where your faces are"),
        ("dataset.source", "drawn", "dataset.count null is not a whole number: with source: drawn"),
        ("dataset.name", "../../etc", "dataset.name '../../etc' must be a folder's name"),
        ("experiment", "a/b", "experiment 'a/b' must be a folder's name"),
        ("models", {}, "models needs at least 1 entries"),
        ("models.tables", {"family": "vae"}, "is taken, like dataset, floors, tables, figures, report; choose another"),
        ("models.a/b", {"family": "vae"}, "'a/b' must be a folder's name: no slash, comma, braces, angle brackets"),
        ("models.a, b", {"family": "vae"}, "'a, b' must be a folder's name: no slash, comma"),
        ("evaluation.features.dims", 192, "evaluation.features.dims is not a key here; known: network, weights"),
        ("evaluation.features.network", "random", "'random' is not one of inception, efficientnet_lite0 (efficientnet_l"
         "ite0 replaces the random features of earlier versions)"),
        ("evaluation.features", {"network": "efficientnet_lite0", "weights": "a.pth"},
         "evaluation.features.weights 'a.pth' is not null: the weights of efficientnet_lite0 come with its package"),
        ("dataset.crop", 200, "dataset has a crop of 200, which does not fit into its image_size of 178x218 pixels"),
        ("dataset.size", 40, "network.widths has 4 stages, each of which halves the image: dataset.size 40 is no"),
        ("models.beta_vae.family", "beta_vea", "no file in vaematrix/models/families; did you mean 'beta_vae'?"),
        ("models.beta_vae.bta", 1, "models.beta_vae.bta is not an option of the family beta_vae; did you mean 'beta'?"),
        ("models.beta_vae.beta", "four", "models.beta_vae.beta 'four' is not a number"),
        ("models.info_vae.kernel", "rfb", "models.info_vae.kernel 'rfb' is not one of rbf, imq"),
        ("models.beta_vae.learning_rate", 1e-4, "training settings are shared by all models"),
        ("missing", [{"model": "vae", "seed": 0}], "config/mine.yaml: missing.0.reason is missing"),
        ("missing", [lost("info_vea", 0)], "missing.0.model 'info_vea' is not a model here; did you mean 'info_vae'?"),
        ("missing", [lost("info_vae", 0), lost("info_vae", 3)], "missing.1.seed 3 is not a seed here; known: 0, 1, 2"),
        ("models.conditional_vae.latent", 8, "network and training settings are shared"),
        ("models.beta_vae.beta", [1, "two"], "config/mine.yaml: models.beta_vae.beta 'two' is not a number"),
        ("models.beta_vae.bta", [1, 2], "models.beta_vae.bta is not an option of the family beta_vae; did you mean"),
        ("models.beta_vae.family", ["vae", "beta_vae"], "models.beta_vae.family ['vae', 'beta_vae'] is not text"),
        ("models.beta_vae.beta", [], "models.beta_vae.beta is an empty list; a sweep needs one value or more"),
        ("models.beta_vae.beta", [4, 2, 4.0], "models.beta_vae.beta [4, 2, 4.0] repeats a value"),
        ("models.beta_vae", {"family": "beta_vae", "beta": [1], "gamma": [2], "capacity": [1.0, 1]}, "repeats a value"),
        ("models.x", {"family": "beta_vae", "beta": [1, 10**99]}, "is longer than 100 characters"),
        ("models.beta_vae.beta", -4, "config/mine.yaml: models.beta_vae.beta -4 must be above 0"),
        ("models.beta_vae.beta", [1, -4, 2], "config/mine.yaml: models.beta_vae.beta -4 must be above 0"),
        ("models.beta_vae.capacity", -1, "models.beta_vae.capacity -1 must be at least 0"),
        ("models.info_vae.alpha", 1.5, "models.info_vae.alpha 1.5 must be at most 1"),
        ("models.info_vae.lambda", [0.5, 10], "models.info_vae has alpha + lambda = 0.5, which must be at least 1"),
        ("models.beta_vae.adversary", True, "models.beta_vae.adversary true is not a section or null"),
        ("models.beta_vae.adversary", {"wieght": 1}, "config/mine.yaml: models.beta_vae.adversary.wieght is not a key "
         "here; did you mean 'weight'?"),
        ("models.beta_vae.adversary", {"weight": -1}, "models.beta_vae.adversary.weight -1 must be at least 0"),
        ("models.beta_vae.adversary", {"learning_rate": "2e-4"}, "(YAML takes it as text; write 0.0002)"),
        ("models.beta_vae.adversary", {"start": 0.3, "full": 0.1}, "config/mine.yaml: models.beta_vae.adversary has "
         "start 0.3 and full 0.1; the weight rises from one to the other, so `full` must be larger."),
        ("models.beta_vae.adversary", {"weight": [0.1, 0.1]}, "models.beta_vae.adversary.weight [0.1, 0.1] repeats"),
        ("models.beta_vae.prior", "flwo", "'flwo' is no file in vaematrix/models/priors; did you mean 'flow'?"),
        ("models.beta_vae.prior", {"layers": 3}, "prior None is no file in vaematrix/models/priors; write its"),
        ("models.beta_vae.prior", {"kind": "flow", "layers": 0}, "models.beta_vae.prior.layers 0 must be at least 1"),
        ("models.beta_vae.prior", {"kind": "flow", "layres": 3}, "models.beta_vae.prior.layres is not a key "),
        ("models.beta_vae.prior", "conditional", "models.beta_vae.prior is conditioned on attributes y"),
        ("models.beta_vae.advresary", {}, "is not an option of the family beta_vae; did you mean 'adversary'?"),
        ("training.seeds", [1.0], "training.seeds.0 1.0 is not a whole number (write 1)"),
        ("training.seeds", [2**64], "must be at most 18446744073709551615"),
        ("dataset.seed", 2**64, "must be at most 18446744073709551615"),
        ("dataset.shards", 2.0, "dataset.shards 2.0 is not a whole number (write 2)"),
        ("network.latent", 8.0, "network.latent 8.0 is not a whole number (write 8)"),
        ("experiment", "e\n", r"experiment 'e\n' must be a folder's name: letters from A to Z, digits"),
        ("experiment", "ünï", "experiment 'ünï' must be a folder's name: letters from A to Z, digits"),
        ("experiment", "a b", "experiment 'a b' must be a folder's name: letters from A to Z, digits"),
        ("experiment", "e" * 300, "is longer than 100 characters"),
        ("dataset.size", 8, "dataset.size 8 must be at least 11: SSIM's window has 11 pixels"),
        ("dataset.path", "", "dataset.path is empty: it says where your faces are"),
        ("dataset.image_size", [128, 128], "a crop of 140, which does not fit into its image_size of 128x128"),
        ("training.sigma", 0, "training.sigma 0 must be above 0"),
        ("training.sigma", "1e-30", "(YAML takes it as text; write 1.0e-30)"),
        ("models.m\0", {"family": "vae"}, "no slash, comma, braces, angle brackets or control characters"),
        ("models.<!--<script>", {"family": "vae"}, "no slash, comma, braces, angle brackets or control characters"),
        ("models.m\n", {"family": "vae"}, "no slash, comma, braces, angle brackets or control characters"),
        ("models." + "m" * 300, {"family": "vae"}, "is longer than 100 characters"),
        ("models." + "語文" * 40, {"family": "vae"}, "has 240 bytes in UTF-8, and files are named after it"),
        ("models." + "ab" * 20, {"family": "vae"}, "ends in 20 repetitions of a part, which Snakemake refuses"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_file_and_its_fix(path: str, value: Any, said: str) -> None:
    message = complaint(changed(path, value))
    assert said in message
    assert message.count("\n") < 3, "a few lines, not a dump"


def test_a_missing_key_is_named() -> None:
    config = copy.deepcopy(CONFIG)
    del config["training"]["epochs"]
    assert complaint(config) == "config/mine.yaml: training.epochs is missing."


def test_every_mistake_is_told_at_once() -> None:
    config = changed("training.epoch", 3)
    config["sampling"]["cuont"] = 3
    assert len(complaint(config).splitlines()) == 2


@pytest.mark.parametrize(
    ("kind", "advice"),
    [("prior", "."), ("gmm", "; for gmm beside it, write `samplers: [{kind: gmm}]`.")],
)
def test_what_took_the_place_of_the_old_sampler_is_named(kind: str, advice: str) -> None:
    said = complaint(changed("sampling.sampler", kind))
    assert said == f"config/mine.yaml: sampling.sampler is gone: the prior is always measured{advice}"


def test_a_sampler_is_called_after_its_kind_unless_it_has_a_name() -> None:
    config = changed("samplers", [{"kind": "gmm"}, {"kind": "flow", "name": "long", "epochs": 200}])
    configuration.check_configuration(config, SCHEMA, "x")
    assert [entry["name"] for entry in config["samplers"]] == ["gmm", "long"]
    configuration.check_configuration(config, SCHEMA, "x")  # as Snakemake hands it to a second one


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([{"kind": "gnm"}], "samplers.0.kind 'gnm' is no file in vaematrix/generation/samplers; did you mean 'gmm'?"),
        ([{"kind": "prior"}], "samplers.0 is the prior, which is always measured; leave it out."),
        ([{"kind": "gmm"}, {"kind": "gmm"}], "samplers.1 is called 'gmm', as another is; give it another `name`."),
        ([{"kind": "gmm", "component": 3}], "samplers.0.component is not a key here; did you mean 'components'?"),
        ([{"kind": "flow", "epochs": 0}], "samplers.0.epochs 0 must be at least 1."),
        ([{"name": "gmm"}], "samplers.0.kind is missing."),
    ],
)
def test_a_mistaken_sampler_is_told(entries: list[dict[str, Any]], said: str) -> None:
    assert complaint(changed("samplers", entries)) == f"config/mine.yaml: {said}"


def test_the_options_are_the_fields_of_the_family() -> None:
    assert list(options(families.load("beta_vae"))) == ["beta", "capacity", "gamma", "capacity_share"]
    assert list(options(families.load("info_vae"))) == ["alpha", "lambda", "kernel"]
    assert options(families.load("vae")) == {}
    for family in families.names():
        configuration.check_models({"m": {"family": family}}, "x")


def test_a_long_name_in_another_script_is_a_name() -> None:
    name = "αβγδεζηθικλμνξοπρστυφχψωαβγδεζηθικλμνξοπρστυφχψωαβγδεζηθικλμ"
    config = changed(f"models.{name}", {"family": "vae"})
    configuration.check_configuration(config, SCHEMA, "x")
    assert name in config["models"]


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    config = changed("dataset.path", "~/mine")
    config["evaluation"]["features"]["weights"] = "~/inception.pth"
    configuration.check_configuration(config, SCHEMA, "x")
    assert config["dataset"]["path"] == "/home/me/mine"
    assert config["evaluation"]["features"]["weights"] == "/home/me/inception.pth"


def test_attributes_are_the_datasets_or_celebas() -> None:
    config = changed("figures.attributes", ["Smiling", "Beard"])
    configuration.check_attributes(config, ["Beard", "Hat"], "x")
    with pytest.raises(UserError, match=r"^x: figures\.attributes\.1 'Beard' is no attribute of the dataset; did"):
        configuration.check_attributes(config, ATTRIBUTES, "x")
    config["figures"]["attributes"] = ["Smilling"]
    with pytest.raises(UserError, match=r"'Smilling' is no attribute of the dataset; did you mean 'Smiling'\?$"):
        configuration.check_attributes(config, ["Beard"], "x")


def test_a_conditional_model_needs_attributes() -> None:
    with pytest.raises(UserError, match=r"^x: models\.conditional_vae is conditioned on attributes, and the"):
        configuration.check_attributes(CONFIG, (), "x")


def test_a_list_sweeps_over_its_values() -> None:
    entries = {
        "b": {"family": "beta_vae", "beta": [1, 2.5, 4.0, 1.0e-5], "gamma": 10},
        "plain": {"family": "vae"},
        "i": {"family": "info_vae", "kernel": ["rbf", "imq"], "alpha": 0.5, "lambda": [10, 100]},
        "c": {"family": "beta_vae", "capacity": [None, 20]},
    }
    beta, info = {"family": "beta_vae", "gamma": 10}, {"family": "info_vae", "alpha": 0.5}
    expected = {
        "b-beta-1": beta | {"beta": 1},
        "b-beta-2.5": beta | {"beta": 2.5},
        "b-beta-4": beta | {"beta": 4.0},
        "b-beta-1e-05": beta | {"beta": 1e-5},
        "plain": {"family": "vae"},
        "i-lambda-10-kernel-rbf": info | {"kernel": "rbf", "lambda": 10},
        "i-lambda-10-kernel-imq": info | {"kernel": "imq", "lambda": 10},
        "i-lambda-100-kernel-rbf": info | {"kernel": "rbf", "lambda": 100},
        "i-lambda-100-kernel-imq": info | {"kernel": "imq", "lambda": 100},
        "c-capacity-null": {"family": "beta_vae", "capacity": None},
        "c-capacity-20": {"family": "beta_vae", "capacity": 20},
    }
    configuration.check_models(entries, "x")
    models = configuration.plain_models(entries, "x")
    assert list(models.items()) == list(expected.items())
    configuration.check_models(models, "x")
    assert configuration.plain_models(models, "x") == models
    reordered = {name: dict(reversed(entry.items())) for name, entry in entries.items()}
    assert configuration.plain_models(reordered, "x") == models


@dataclass(frozen=True)
class Listing(Family):
    a: list[int] = field(default_factory=list)
    b: int | None = None


def test_a_list_in_a_section_sweeps_too_and_a_section_of_null_is_none() -> None:
    section = {"weight": [0.1, 0.2], "start": 0.0}
    entries = {"b": {"family": "beta_vae", "beta": [1, 4], "adversary": section}, "v": {"family": "vae"}}
    models = configuration.plain_models(entries, "x")
    assert list(models) == [
        *(f"b-beta-{beta}-adversary-weight-{weight}" for beta in (1, 4) for weight in (0.1, 0.2)),
        "v",
    ]
    assert models["b-beta-4-adversary-weight-0.2"] == {
        "family": "beta_vae",
        "beta": 4,
        "adversary": {"weight": 0.2, "start": 0.0},
    }
    assert section["weight"] == [0.1, 0.2], "the entry stays as it was written"
    without = {"v": {"family": "vae", "adversary": None}}
    assert configuration.plain_models(without, "x") == {"v": {"family": "vae"}}, "no other key than without the section"


def test_a_prior_is_its_kind_or_a_section_whose_lists_sweep() -> None:
    entries = {
        "a": {"family": "vae", "prior": "flow"},
        "b": {"family": "vae", "prior": {"kind": "flow", "layers": [2, 3]}},
    }
    models = configuration.plain_models(entries, "config")
    assert list(models) == ["a", "b-prior-layers-2", "b-prior-layers-3"]
    assert models["b-prior-layers-3"] == {"family": "vae", "prior": {"kind": "flow", "layers": 3}}


def test_an_option_that_takes_a_list_does_not_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(families.FAMILIES._loaded, "vae", Listing)
    entries = {"m": {"family": "vae", "a": [1, 1], "b": [2, None]}}
    configuration.check_models(entries, "x")
    assert configuration.plain_models(entries, "x") == {
        "m-b-2": {"family": "vae", "a": [1, 1], "b": 2},
        "m-b-null": {"family": "vae", "a": [1, 1], "b": None},
    }


@pytest.mark.parametrize("first", ["sweep", "other"])
def test_a_sweep_takes_no_other_models_name(first: str) -> None:
    sweep, other = {"m": {"family": "beta_vae", "beta": [1, 2]}}, {"m-beta-2": {"family": "vae"}}
    with pytest.raises(UserError, match=r"^x: models\.m sweeps over 'm-beta-2', which is another model's name; rename"):
        configuration.plain_models(sweep | other if first == "sweep" else other | sweep, "x")
    nested = {"m-beta-1": {"family": "beta_vae", "gamma": [3]}, "m": {"family": "beta_vae", "beta": [1], "gamma": [3]}}
    with pytest.raises(UserError, match=r"models\.m sweeps over 'm-beta-1-gamma-3'"):
        configuration.plain_models(nested, "x")


def test_tensorboard_is_missed_before_anything_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration.importlib.util, "find_spec", lambda name: None)
    configuration.check_tensorboard(CONFIG, "config/mine.yaml")
    config = copy.deepcopy(CONFIG)
    config["training"]["tensorboard"] = True
    with pytest.raises(UserError, match=r"config/mine.yaml: training.tensorboard needs .*pip install tensorboard"):
        configuration.check_tensorboard(config, "config/mine.yaml")


def test_every_option_is_explained_with_its_default() -> None:
    """The table of options in config/README.md has those of the families' classes."""
    section = (ROOT / "config/README.md").read_text().split("## Families and their options")[1].split("\n## ")[0]
    table, family = {}, ""
    for named, option, default in re.findall(
        r"^\| (?:`(\w+)`)? ?\| (?:`(\w+)`|–) \| (?:`(.*?)`)? ?\|", section, flags=re.M
    ):
        family = named or family
        table.setdefault(family, {}).update({option: yaml.safe_load(default)} if option else {})
    assert table == {
        name: {option: field.default for option, field in options(families.load(name)).items()}
        for name in families.names()
    }


def test_too_few_training_images_are_refused_before_anything_is_made() -> None:
    config = changed("network.latent", 64)
    configuration.check_training_images(config, 128, "x")
    configuration.check_training_images(config, 0, "x")  # the index names file and line
    with pytest.raises(UserError) as caught:
        configuration.check_training_images(config, 63, "x")
    latent, batch = str(caught.value).splitlines()
    assert latent.startswith("x: network.latent has 64 dimensions, and there are only 63 training images: PCA")
    assert batch == "x: training.batch_size 128 exceeds the 63 images of the training split."
