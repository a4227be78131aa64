"""What is told of a command at once, and where Snakemake keeps its records."""

from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence

from vaematrix.common.errors import UserError
from vaematrix.experiment.command_line import refuse_unknown_targets, says_what_reruns
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


def test_a_profile_says_what_reruns() -> None:
    assert says_what_reruns(["snakemake", "--profile=profiles/local"], {})
    assert says_what_reruns(["snakemake"], {"SNAKEMAKE_PROFILE": "p"})
    assert not says_what_reruns(["snakemake", "-n", "--cores", "2"], {})


@pytest.mark.parametrize("model", ["vae", "ä" * 60, "語" * 66])
def test_a_record_lies_where_snakemake_puts_it(tmp_path: Path, model: str) -> None:
    path = f"results/demo/{model}/seed-0/metrics.json"
    theirs = FilePersistence._record_path(_Names(), str(tmp_path), path)
    assert tmp_path / snakemake_record(path).relative_to(".snakemake/metadata") == Path(theirs)


class _Names:
    """What the method asks of its object."""

    def _fetch_max_len(self, subject: str) -> int:
        return 255
