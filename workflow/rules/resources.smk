# What jobs ask of a scheduler, from what was measured; each attempt after a failure asks for more.
#
# A walltime that is too short costs little: a training saves its state and stops before its end, and the next attempt
# continues from there with more. Site-wide overrides: set-resources in profiles/slurm/config.yaml.

from contextlib import ExitStack

from vaematrix.common import slurm

# Images/s of two CPU cores with the paper's network; GPUs are faster.
GENERATED_PER_SECOND = 150
FEATURES_PER_SECOND = 30
START_MINUTES = 10  # imports from a busy file system, reading the shards
SAFETY = 1.5


@cache
def prepared_faces():
    """How many faces the shards hold; a FileNotFoundError, which Snakemake shows as <TBD>, before they are made."""
    from pyarrow import parquet

    with ExitStack() as files:  # opened here, since pyarrow's error does not tell Snakemake which file is missing
        return sum(parquet.read_metadata(files.enter_context(open(shard, "rb"))).num_rows for shard in SHARDS)


@cache
def training_speed():
    """Images/s: of the slowest finished training of this network on the cluster, else the config's guess."""
    runs = Path("results").glob("*/*/seed-*/run.json")
    speeds = [records.speed_on_a_cluster(run, config["network"]["widths"]) for run in runs]
    return min(filter(None, speeds), default=config["training"]["images_per_second"])


def minutes(images, speed):
    return math.ceil(START_MINUTES + SAFETY * images / speed / 60)


def training_minutes(wildcards, input, attempt):
    return attempt * minutes(prepared_faces() * config["training"]["epochs"], training_speed())


def generation_minutes(wildcards, input, attempt):
    return attempt * minutes(prepared_faces() + config["sampling"]["count"], GENERATED_PER_SECOND)


def features_minutes(wildcards, input, attempt):
    return attempt * minutes(prepared_faces() + config["sampling"]["count"], FEATURES_PER_SECOND)


def memory_mb(wildcards, input, attempt):
    """Two Snakemakes, torch with CUDA, and the faces twice: as they are read and as they are used."""
    return attempt * (4000 + math.ceil(2 * prepared_faces() * DATASET["size"] ** 2 * 3 / 1e6))


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
