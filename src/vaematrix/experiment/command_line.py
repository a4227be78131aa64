"""What is told of a `snakemake` command at once, because Snakemake itself says it late, oddly or not at all."""

import argparse
import difflib
import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from vaematrix.common.errors import UserError

_RULES = re.compile(r"^rerun-triggers\s*:", flags=re.MULTILINE)


def rerun_warning(
    arguments: Sequence[str], environment: Mapping[str, str], file_of: Callable[[str], Path | None]
) -> str | None:
    """What to say where nothing replaces Snakemake's own rules of what runs again, which go by files' times.

    Args:
        arguments: the words after `snakemake`.
        environment: where `SNAKEMAKE_PROFILE` may name a profile.
        file_of: the file of a profile by its name or path, as Snakemake finds it; None where there is none.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--profile", action="append")
    parser.add_argument("--workflow-profile", default="default")
    parser.add_argument("--rerun-triggers", nargs="*")
    asked, _ = parser.parse_known_args(arguments)
    if asked.rerun_triggers is not None:
        return None
    named = asked.profile or list(filter(None, [environment.get("SNAKEMAKE_PROFILE")]))
    of_the_workflow = [asked.workflow_profile, f"profiles/{asked.workflow_profile}"]
    files = list(filter(None, map(file_of, [*named, *of_the_workflow])))
    if any(_RULES.search(file.read_text(encoding="utf-8", errors="replace")) for file in files):
        return None
    times = (
        "Snakemake goes by files' times, so that a touched or copied file reruns trainings, and an edit of the library "
        "may not."
    )
    if not files:
        return f"without a profile {times} Use: snakemake --profile profiles/local …"
    return (
        f"no rerun-triggers in {', '.join(map(str, files))}: {times} Copy the lines rerun-triggers and "
        "max-checksum-file-size from profiles/local/config.yaml into it."
    )


def unlocks(arguments: Sequence[str]) -> bool:
    """Whether the command only removes a lock, which must be possible whatever state results are in."""
    return "--unlock" in arguments


def refuse_unknown_targets(
    arguments: Sequence[str],
    targets_of: Callable[[Sequence[str]], Collection[str]],
    is_made: Callable[[str], bool],
    runs: Sequence[str],
    others: Collection[str],
) -> None:
    """Refuse a target that nothing makes, with the nearest that something does.

    Args:
        arguments: the words after `snakemake`.
        targets_of: what Snakemake's own parser takes for targets; half a second, and asked only in case of doubt.
        is_made: whether a word names a rule, or a file that a rule makes or that is there.
        runs: the folders of all runs, `results/<experiment>/<model>/seed-<n>`.
        others: what else may be asked for: rules and results of the experiment.

    Raises:
        UserError: there is such a target.
    """
    words = {*itertools.takewhile(lambda word: not word.startswith("-"), arguments)}
    words |= {word for word in arguments if word.startswith("results/")}
    in_doubt = {word for word in words if not is_made(word)}
    for target in in_doubt and in_doubt.intersection(targets_of(arguments)):
        near = _nearest_run(target, runs) or next(iter(difflib.get_close_matches(target, others, n=1)), None)
        hint = f"Did you mean {near}?" if near else f"A run is made by its metrics, such as {runs[0]}/metrics.json."
        raise UserError(f"{target}: nothing makes it under this configuration. {hint}")


def _nearest_run(target: str, runs: Sequence[str]) -> str | None:
    """The file of a run that `target` resembles: a model's name, a run's folder, or a file in it."""
    file = Path(target).name if Path(target).suffix else "metrics.json"
    meant = {name: run for run in reversed(runs) for name in (run, str(Path(run).parent), Path(run).parent.name)}
    for folder in (target, *map(str, Path(target).parents)):
        if close := difflib.get_close_matches(folder, meant, n=1, cutoff=0.75):
            return f"{meant[close[0]]}/{file}"
    return None
