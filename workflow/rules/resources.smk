# What jobs ask of a scheduler; each attempt after a failure asks for more. Site-wide overrides: set-resources in
# profiles/slurm/config.yaml.

from vaematrix.common import slurm
from vaematrix.experiment.demand import Demand

DEMAND = Demand(config, SHARDS, Path("results"))


def training_minutes(wildcards, input, attempt):
    return attempt * DEMAND.training_minutes


def generation_minutes(wildcards, input, attempt):
    return attempt * DEMAND.generation_minutes


def sampling_minutes(wildcards, input, attempt):
    return attempt * DEMAND.sampling_minutes


def sampling_mb(wildcards, input, attempt):
    return attempt * DEMAND.sampling_mb


def features_minutes(wildcards, input, attempt):
    return attempt * DEMAND.features_minutes


def memory_mb(wildcards, input, attempt):
    return attempt * DEMAND.memory_mb


def running_jobs():
    """What to tell where jobs of an earlier run are still at work here; empty where there are none."""
    jobs = slurm.jobs_in(Path.cwd())
    return jobs and [
        f"{len(jobs)} Slurm jobs of this folder have not ended, and Snakemake does not take over jobs:",
        *(f"  {job}" for job in jobs),
        "If the Snakemake that submitted them is still running, leave the work to it. If it is gone, wait until they have "
        "ended (what they finish is kept), or end them now (trainings save their state first):",
        f"  scancel {' '.join(job.number for job in jobs)}",
        "Then run the same command with --unlock, and once more without it.",
    ]


# Told at once, since Snakemake's lock knows nothing of jobs; refused at the start of work, so that plans can be had.
if workflow.is_main_process:
    for line in running_jobs():
        print(f"warning: {line}", file=sys.stderr)


def refuse_running_jobs():
    """Two Snakemakes must not write the same files."""
    if lines := running_jobs():
        sys.exit("\n".join(f"error: {line}" for line in lines))
