# What is said and made when jobs have failed: the runs that finished get their tables and report all the same.

import subprocess
import tempfile

from vaematrix.common.console import errors_in
from vaematrix.experiment import failures

# What is made of finished runs alone: nothing that would be too much for the machine where Snakemake was started.
MADE_OF_RUNS = ["run_figures", "experiment_figures", "tables", "index_runs", "report", "compile_report"]
MADE_OF_RUNS += ["weight_triangle"] if TRIANGLE else []
MADE_OF_RUNS += ["sampler_tables", "sampler_figures"] if SAMPLERS else []


def stopped_early(said):
    """Whether somebody stopped the work, or a first failure did without --keep-going; `said` is Snakemake's log.

    Then jobs are left that run or could run. Or, after a Ctrl-C that the jobs here got too and obeyed before Snakemake
    noticed, some say that they were interrupted, and who had not come to speak yet died of the signal.
    """
    scheduler = workflow.scheduler
    return bool(scheduler.running or scheduler.open_jobs) or (
        workflow.local_exec and any(failures.was_stopped(script_of(job), job.log[0], said) for job in scheduler.failed)
    )


def script_of(job):
    return Path(job.rule.script).stem


def failed_runs(unfinished, said):
    """The runs without metrics, and the samplers of the others, in the form of the config's `missing`.

    Args:
        unfinished: the jobs that did not succeed. said: Snakemake's log.

    When all jobs that could run have run, an unfinished job that waits for no other has failed.
    """

    def cause(job):
        waits_for = unfinished.intersection(workflow.dag.job_dependencies(job))
        return cause(min(waits_for, key=lambda job: job.log[0])) if waits_for else job

    def reason(job):
        return failures.reason(job.rule.name, script_of(job), job.log[0], said, job.jobid)

    def whose(job):
        sampler = {"sampler": job.wildcards.sampler} if job.rule.name == "evaluate_sampler" else {}
        return {"model": job.wildcards.model, "seed": int(job.wildcards.seed), **sampler}

    last = [job for job in unfinished if job.rule.name in ("evaluate", "evaluate_sampler")]
    failed = [{**whose(job), "reason": reason(cause(job))} for job in sorted(last, key=lambda job: job.log[0])]
    runs = {(run["model"], run["seed"]) for run in failed if "sampler" not in run}
    return [run for run in failed if "sampler" not in run or (run["model"], run["seed"]) not in runs]


def make_without(failed, targets):
    """Make `targets` without the failed runs; returns whether that succeeded.

    A second Snakemake makes them, under the configuration of this one and with its lock, so that the records say what
    they were made of and the next ordinary run makes anew what lacks a run.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config.json")
        file.write_text(json.dumps({**config, "missing": config["missing"] + failed}))
        command = [sys.executable, "-m", "snakemake", *targets, "--allowed-rules", *MADE_OF_RUNS]
        command += ["--snakefile", workflow.main_snakefile, "--configfile", file, "--replace-workflow-config"]
        command += ["--profile", CHECKOUT / "profiles/local", "--workflow-profile", "none", "--cores", "1"]
        command += ["--nolock", "--no-hooks", "--quiet", "all"]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        print(run.stdout)
    return run.returncode == 0


def finish_without_failed_runs(said):
    """Make what was asked for without the failed runs, and name these; `said` is Snakemake's log."""
    unfinished = set(workflow.dag.needrun_jobs())
    made = {"tables", "sampler_tables", "weight_triangle", "index_runs", "report", "compile_report"}
    targets = sorted(made & {job.rule.name for job in unfinished})
    failed = [] if stopped_early(said) else failed_runs(unfinished, said)
    if not failed or not targets:
        return
    for run in failed:
        sampler = f" sampler {run['sampler']}" if "sampler" in run else ""
        print(f"missing: {run['model']} seed {run['seed']}{sampler}: {run['reason']}")
    count = len(RUNS) - sum("sampler" not in run for run in failed)
    if not count:
        print("No run is finished, hence no tables.")
    elif make_without(failed, targets):
        print(f"Tables of the other {count} runs: {RESULTS}/tables/summary.txt")
    else:
        print(f"error: tables and report of the other {count} runs could not all be made; above it says why.")


# With many jobs, what a job said is far above the end of the screen by the time Snakemake stops.
onerror:
    said = "".join(Path(file).read_text(errors="replace") for file in log)
    for message in dict.fromkeys(errors_in(said)):
        print(f"error: {message}")
    finish_without_failed_runs(said)
    print("Run the same command again when that is mended: what is finished is kept.")
