"""What is told of a command at once, and where Snakemake keeps its records."""

from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence

from vaematrix.common.errors import UserError
from vaematrix.experiment.command_line import refuse_unknown_targets, rerun_warning
from vaematrix.experiment.snakemake_record import snakemake_record

RUNS = [f"results/demo/{model}/seed-{seed}" for model in ("beta_vae", "info_vae") for seed in (0, 1)]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("beta_vea", "results/demo/beta_vae/seed-0/metrics.json"),
        ("info_vae", "results/demo/info_vae/seed-0/metrics.json"),
        ("results/demo/beta_vea/seed-1/metrics.json", "results/demo/beta_vae/seed-1/metrics.json"),
        ("results/demo/beta_vae", "results/demo/beta_vae/seed-0/metrics.json"),
        ("tabels", "tables"),
    ],
)
def test_a_mistyped_target_gets_what_was_meant(target: str, meant: str) -> None:
    arguments = [target, "-n", "--configfile", "a.yaml"]
    with pytest.raises(UserError) as caught:
        refuse_unknown_targets(arguments, lambda words: [words[0]], lambda word: False, RUNS, ["tables", "report"])
    assert str(caught.value) == f"{target}: nothing makes it under this configuration. Did you mean {meant}?"


def test_what_is_made_and_what_is_no_target_pass() -> None:
    def never(words: object) -> list[str]:
        raise AssertionError("the parser is asked only in case of doubt")

    refuse_unknown_targets(["tables", "-n"], never, lambda word: word == "tables", RUNS, [])
    refuse_unknown_targets(["-n", "--report", "results/r.html"], lambda words: [], lambda word: False, RUNS, [])


OF_THE_PROJECT = "cores: all\nrerun-triggers: [params, input]\n"


def warning(tmp_path: Path, profiles: dict[str, str], *arguments: str, **environment: str) -> str | None:
    """What is said of a command where these profiles are, by name."""
    files = {name: tmp_path / f"{Path(name).name}.yaml" for name in profiles}
    for name, file in files.items():
        file.write_text(profiles[name])
    return rerun_warning(arguments, environment, files.get)


def test_a_profile_with_the_projects_rules_or_an_option_says_what_reruns(tmp_path: Path) -> None:
    profiles = {"profiles/local": OF_THE_PROJECT, "mine": "cores: 2\n"}
    assert warning(tmp_path, profiles, "-n", "--profile=profiles/local") is None
    assert warning(tmp_path, profiles, "--profile", "mine", "--profile", "profiles/local", "-p") is None
    assert warning(tmp_path, profiles, "--workflow-profile", "local", "--profile", "mine") is None
    assert warning(tmp_path, profiles, "--cores", "1", SNAKEMAKE_PROFILE="profiles/local") is None
    assert warning(tmp_path, profiles, "--profile", "mine", "--rerun-triggers", "params", "input") is None
    assert warning(tmp_path, {"profiles/default": OF_THE_PROJECT}, "-n") is None


def test_without_a_profile_or_with_one_that_lacks_the_rules_there_is_a_warning(tmp_path: Path) -> None:
    assert "without a profile" in warning(tmp_path, {}, "-n", "--cores", "2")
    said = warning(tmp_path, {"mine": "cores: 2\n# rerun-triggers: [params]\n"}, "-n", "--profile", "mine")
    assert said.startswith(f"no rerun-triggers in {tmp_path}/mine.yaml: Snakemake goes by files' times")


@pytest.mark.parametrize("model", ["vae", "ä" * 60, "語" * 66])
def test_a_record_lies_where_snakemake_puts_it(tmp_path: Path, model: str) -> None:
    path = f"results/demo/{model}/seed-0/metrics.json"
    theirs = FilePersistence._record_path(_Names(), str(tmp_path), path)
    assert tmp_path / snakemake_record(path).relative_to(".snakemake/metadata") == Path(theirs)


class _Names:
    """What the method asks of its object."""

    def _fetch_max_len(self, subject: str) -> int:
        return 255
