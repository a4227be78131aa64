"""What reruns after which edit, as keys: no Snakemake, no files but the library's own."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaematrix.experiment import keys
from vaematrix.experiment.keys import RESULTS, Keys
from workflow_runner import ROOT

SCRIPTS = ROOT / "workflow/scripts"
MODELS = ("beta_vae", "conditional_vae", "info_vae")
TABLES = {"tables", "sampler_tables", "triangle", "report", "pdf"}
MEASURED = TABLES | {"figures", "run_index"}  # what is made of all runs' metrics
ALL_RUNS = MEASURED | {"sampler_figures"}  # what is made of all runs


def chain(*models: str, of: tuple[str, ...] = ("run", "generation", "evaluation", "pictures")) -> set[str]:
    return {f"{result} {model}" for result in of for model in models}


EVALUATED = chain(*MODELS, of=("evaluation", "pictures"))
EVERYTHING = {name for name, made in RESULTS.items() if not made.of_model} | chain(*MODELS)


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


def all_keys(config: dict[str, Any], **given: str) -> dict[str, str]:
    """Every result's key, of a model's result as "result model", of a sampler's as "result model sampler"."""
    of = Keys(config, {"source": "faces", "rubric": "rubric"} | given, SCRIPTS.joinpath).of
    found = {name: of(name) for name, made in RESULTS.items() if not made.of_model}
    for name, made in RESULTS.items():
        for model in config["models"] if made.of_model else ():
            if made.of_sampler:
                samplers = [entry["name"] for entry in config["samplers"]]
                found |= {f"{name} {model} {sampler}": of(name, model, sampler) for sampler in samplers}
            else:
                found[f"{name} {model}"] = of(name, model)
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after.get(name)}


def put(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The configuration with another value at a path such as `training.epochs`."""
    edited = copy.deepcopy(config)
    *folders, name = path.split(".")
    section = edited
    for folder in folders:
        section = section[folder]
    assert section.get(name) != value
    section[name] = value
    return edited


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("models.beta_vae.beta", 2.0, chain("beta_vae") | ALL_RUNS),
        ("models.info_vae.kernel", "imq", chain("info_vae") | ALL_RUNS),
        ("training.epochs", 3, chain(*MODELS) | ALL_RUNS),
        ("network.widths", [8, 16], chain(*MODELS) | ALL_RUNS),
        ("network.latent", 8, chain(*MODELS) | {"floors"} | ALL_RUNS),
        ("sampling.count", 5, chain(*MODELS, of=("generation", "evaluation", "pictures")) | ALL_RUNS),
        ("evaluation.resamples", 101, EVALUATED | {"floors"} | MEASURED),
        ("dataset.crop", 148, EVERYTHING - {"index"}),
        ("training.seeds", [0], ALL_RUNS),
        ("missing", [{"model": "beta_vae", "seed": 1, "reason": "lost"}], ALL_RUNS),
        ("figures.attributes", [], chain(*MODELS, of=("pictures",)) | {"report", "pdf"}),
        *((f"training.{name}", 7, set()) for name in ("threads", "images_per_second", "tensorboard")),
        ("dataset.shards", 3, set()),
        ("experiment", "another", set()),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_setting_is_in_the_keys_of_what_depends_on_it_and_no_other(
    config: dict[str, Any], path: str, value: Any, expected: set[str]
) -> None:
    assert changed(all_keys(config), all_keys(put(config, path, value))) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"source": "others"}, EVERYTHING), ({"rubric": "stricter"}, TABLES)],
    ids=["faces", "rubric"],
)
def test_the_faces_and_the_rubric_are_in_the_keys(
    config: dict[str, Any], given: dict[str, str], expected: set[str]
) -> None:
    assert changed(all_keys(config), all_keys(config, **given)) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("train.py", chain(*MODELS) | ALL_RUNS),
        ("generate.py", chain(*MODELS, of=("generation", "evaluation", "pictures")) | ALL_RUNS),
        ("reference_statistics.py", {"reference", "floors"} | EVALUATED | MEASURED),
        ("attribute_judge.py", {"judge"} | EVALUATED | MEASURED),
        ("evaluate.py", EVALUATED | MEASURED),
        ("floors.py", {"floors", "tables", "report", "pdf"}),
        ("summarise_dataset.py", {"summary", "report", "pdf"}),
        ("run_figures.py", chain(*MODELS, of=("pictures",)) | {"report", "pdf"}),
        ("make_tables.py", {"tables", "report", "pdf"}),
        ("index_runs.py", {"run_index"}),
        ("compile_report.py", {"pdf"}),
        ("index_faces.py", EVERYTHING),
    ],
)
def test_code_is_in_the_keys_of_what_it_makes_and_what_comes_after(
    config: dict[str, Any], script: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_keys(config)
    code = keys._code
    monkeypatch.setattr(keys, "_code", lambda path, *modules: code(path, *modules) + "edited" * (path.name == script))
    assert changed(before, all_keys(config)) == expected


def test_every_module_that_is_found_by_name_is_followed(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: dict[str, tuple[str, ...]] = {}

    def code(path: Path, *modules: str) -> str:
        followed[path.name] = modules
        return "code"

    monkeypatch.setattr(keys, "_code", code)
    config["models"] = {"only": {"family": "info_vae"}}
    all_keys(config)
    assert followed["train.py"] == ("vaematrix.models.families.info_vae", "vaematrix.models.priors.normal")
    measured_by = {"vaematrix.metrics.reconstruction.ssim", "vaematrix.metrics.features.inception"}
    assert measured_by <= set(followed["evaluate.py"])
    assert followed["reference_statistics.py"] == ("vaematrix.metrics.features.inception",)
    assert followed["generate.py"] == ()


def test_an_edit_of_one_model_leaves_the_keys_of_the_others_though_they_share_a_family(config: dict[str, Any]) -> None:
    config["models"] = {"a": {"family": "beta_vae", "beta": 1.0}, "b": {"family": "beta_vae", "beta": 2.0}}
    before = all_keys(config)
    config["models"]["b"]["beta"] = 3.0
    assert changed(before, all_keys(config)) == chain("b") | ALL_RUNS


SAMPLED = ("sampler", "samples", "sampler_evaluation")
OF_ALL_SAMPLERS = {"sampler_tables", "sampler_figures", "report", "pdf"}


@pytest.fixture
def sampled(config: dict[str, Any]) -> dict[str, Any]:
    config["samplers"] = [{"name": "gmm", "kind": "gmm"}, {"name": "mine", "kind": "flow", "epochs": 5}]
    return config


def of_sampler(name: str, results: tuple[str, ...] = SAMPLED) -> set[str]:
    return {f"{result} {model} {name}" for result in results for model in MODELS}


def test_one_more_sampler_changes_no_other_key_but_of_what_shows_all(sampled: dict[str, Any]) -> None:
    fewer = sampled | {"samplers": sampled["samplers"][:1]}
    assert changed(all_keys(fewer), all_keys(sampled)) == OF_ALL_SAMPLERS


def test_a_samplers_option_is_in_its_own_keys(sampled: dict[str, Any]) -> None:
    before = all_keys(sampled)
    sampled["samplers"][1]["epochs"] = 6
    assert changed(before, all_keys(sampled)) == of_sampler("mine") | OF_ALL_SAMPLERS


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("fit_sampler.py", of_sampler("gmm") | of_sampler("mine") | OF_ALL_SAMPLERS),
        ("sample.py", of_sampler("gmm", SAMPLED[1:]) | of_sampler("mine", SAMPLED[1:]) | OF_ALL_SAMPLERS),
        ("evaluate_sampler.py", of_sampler("gmm", SAMPLED[2:]) | of_sampler("mine", SAMPLED[2:]) | OF_ALL_SAMPLERS),
        ("sampler_tables.py", {"sampler_tables", "report", "pdf"}),
        ("sampler_figures.py", {"sampler_figures", "report", "pdf"}),
    ],
)
def test_the_code_of_samplers_is_in_no_key_of_a_run(
    sampled: dict[str, Any], script: str, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, code = all_keys(sampled), keys._code
    monkeypatch.setattr(keys, "_code", lambda path, *modules: code(path, *modules) + "edited" * (path.name == script))
    assert changed(before, all_keys(sampled)) == expected


def test_a_samplers_own_file_is_in_its_own_keys(sampled: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    before, code = all_keys(sampled), keys._code
    edited = "vaematrix.generation.samplers.flow"
    monkeypatch.setattr(keys, "_code", lambda path, *modules: code(path, *modules) + "edited" * (edited in modules))
    assert changed(before, all_keys(sampled)) == of_sampler("mine") | OF_ALL_SAMPLERS


def test_names_with_dots_are_models_too(config: dict[str, Any]) -> None:
    config["models"] = {"beta-0.5": {"family": "beta_vae", "beta": 0.5}}
    assert all_keys(config)["run beta-0.5"]


def test_the_scripts_of_the_table_are_there() -> None:
    assert all((SCRIPTS / made.script).is_file() for made in RESULTS.values())
