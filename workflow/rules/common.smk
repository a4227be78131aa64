# What all rules share: the checked configuration, names, and the keys that decide what reruns.
#
# What a job's `key` depends on stands in vaematrix.experiment.keys. Snakemake compares params, so a job reruns exactly when
# its key changed. What was touched, copied or checked out anew reruns nothing, because the profiles leave out the code
# trigger, which goes by mtime, and compare the contents of newer inputs, however large.

import copy
import gc
import importlib.util
import itertools
import json
import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.sourcecache import LocalSourceFile

# The graph of a sweep is millions of objects that all stay; to look among them for garbage took a sixth of planning.
gc.set_threshold(100_000, 50, 100)

# Where this workflow lies: in a checkout, or at the git address that another workflow imports it from.
HERE = workflow.current_basedir
CHECKOUT = Path(HERE.get_path_or_uri(secret_free=True)).parents[1] if isinstance(HERE, LocalSourceFile) else None
IMPORTED = not workflow.modifier.is_main_snakefile()


def own_file(path):
    """A file of this workflow, by its path in the checkout; from a git address, Snakemake's copy of it."""
    return CHECKOUT / path if CHECKOUT else Path(workflow.source_path(f"../../{path}"))


# The checkout's own library, here and in every job, whatever is installed beside it: an edit counts where it is made.
SOURCE = CHECKOUT and str(CHECKOUT / "src")
if SOURCE and os.path.isdir(SOURCE) and SOURCE not in sys.path[:1]:
    sys.path.insert(0, SOURCE)

if not importlib.util.find_spec("vaematrix"):
    sys.exit(
        "error: the library vaematrix is not installed here; a workflow from a git address needs it: pip install it"
    )

from vaematrix.experiment import configuration, environment, keys, measures
from vaematrix.experiment.files import FIGURES, PICTURES, Files
from vaematrix.experiment.keys import Keys, digest, source_key
from vaematrix.common import records
from vaematrix.common.console import printable, script_safe
from vaematrix.common.errors import UserError
from vaematrix.common.strict_yaml import read_yaml
from vaematrix.data import layout
from vaematrix.data.counts import training_images
from vaematrix.analysis.rubric import read_rubric, rubric_file
from vaematrix.experiment.layers import Layers, merge
from vaematrix.experiment.command_line import refuse_unknown_targets, rerun_warning, unlocks
from vaematrix.experiment.remedies import remedies
from vaematrix.experiment.snakemake_record import snakemake_record

environment.prepare(SOURCE, workflow.is_main_process)

DEFAULTS = own_file("config/config.yaml")
LAYERS = Layers(
    (DEFAULTS, *(Path(file) for file in workflow.configfiles if Path(file).resolve() != DEFAULTS)),
    tuple(workflow.config_settings.config_args or ()),
)


def checked_configuration():
    """Refuse a mistaken configuration before anything runs, and put a sweep's models in its entry's place.

    Returns the rubric, and the entries of `models` as they were written.
    """
    if IMPORTED:  # Snakemake leaves config.yaml out where the importer gives a configuration of its own
        given = copy.deepcopy(config)
        merge(config, read_yaml(DEFAULTS))
        merge(config, given)
    merge(config, LAYERS.command_line)
    schema = read_yaml(own_file("workflow/schemas/config.schema.yaml"))
    if workflow.is_main_process:
        LAYERS.said  # read strictly, as Snakemake does not
    entries = configuration.check_configuration(config, schema, LAYERS.origin)
    if workflow.is_main_process:
        LAYERS.check_name()
    rubric = read_rubric(rubric_file(config["rubric"]), [*entries, *config["models"]])
    measures.check_metrics(rubric, config["evaluation"]["features"]["network"], config["rubric"])
    return rubric, entries


try:
    RUBRIC, ENTRIES = checked_configuration()
    FINGERPRINT = "" if workflow.is_main_process else environment.told_fingerprint()
    if workflow.is_main_process or (config["dataset"]["source"] == "path" and not FINGERPRINT):
        source = layout.locate(config["dataset"]["path"]) if config["dataset"]["source"] == "path" else None
        FINGERPRINT = environment.tell_fingerprint(source) if source else ""
        attributes = layout.attribute_names(source) if source else layout.ATTRIBUTES
        configuration.check_attributes(config, attributes, LAYERS.origin)
        configuration.check_training_images(config, training_images(config["dataset"], source), LAYERS.origin)
except UserError as error:
    sys.exit("\n".join(f"error: {printable(line)}" for line in str(error).split("\n")))  # each mistake of the config
except OSError as error:
    sys.exit(f"error: {error.filename}: {error.strerror}")

DATASET = config["dataset"]
FEATURES = config["evaluation"]["features"]
MODELS = list(config["models"])
ENTRY_OF = {model: name for name, entry in ENTRIES.items() for model in configuration.models_of(name, entry)}
SEEDS = config["training"]["seeds"]
MISSING = records.missing_runs(config)
RUNS = [run for run in itertools.product(MODELS, SEEDS) if run not in MISSING]
SAMPLERS = {entry["name"]: entry for entry in config["samplers"]}
MISSING_SAMPLES = records.missing_samples(config)
SAMPLED = [(*run, sampler) for run in RUNS for sampler in SAMPLERS if (*run, sampler) not in MISSING_SAMPLES]
FIRST_RUNS = [next(runs) for _, runs in itertools.groupby(RUNS, key=lambda run: run[0])]  # the report shows these
SHARED_TRAINING = {name: config["training"][name] for name in keys.SHARED_TRAINING}

FILES = Files(config, RUBRIC)
RESULTS, LOGS, RAW, FACES, RUN = FILES.results, FILES.logs, FILES.raw, FILES.faces, FILES.run
OF_SAMPLER = FILES.sampled
SHARDS, TABLES, TRIANGLE, REFERENCE = FILES.shards, FILES.tables, FILES.triangle, FILES.reference
INCEPTION = FILES.inception if FEATURES["network"] == "inception" else []
TEX = shutil.which("pdflatex")
REMEDIES = remedies(config["models"])


wildcard_constraints:
    model="|".join(map(re.escape, MODELS)),
    seed=r"\d+",
    sampler="|".join(map(re.escape, SAMPLERS)) or "(?!)",
    shard=r"\d+",


def of_runs(*names, runs=RUNS):
    """The files `names` of the given runs."""
    return FILES.of_runs(runs, *names)


def of_samplers(name, runs=RUNS):
    """The file `name` of what each sampler makes of the given runs."""
    return FILES.of_samplers([(*run, sampler) for *run, sampler in SAMPLED if tuple(run) in runs], name)


def raw_files(wildcards):
    """The raw files that rules make; a folder or zip of the user's own is known by its fingerprint instead."""
    if DATASET["source"] == "path":
        return []
    return multiext(f"{RAW}/", "img_align_celeba.zip", "list_attr_celeba.txt", "list_eval_partition.txt")


def raw_folder(wildcards):
    return DATASET["path"] if DATASET["source"] == "path" else RAW


def own_script(name):
    return own_file(f"workflow/scripts/{name}")


KEYS = Keys(
    config,
    {"source": source_key(DATASET, own_script, FINGERPRINT), "rubric": digest(RUBRIC)},
    own_script,
)


def is_made(target):
    """Whether `target` names a rule, or a file that a rule makes or that is there."""
    path = os.path.relpath(target)
    return os.path.exists(path) or any(rule.name == target or rule.is_producer(path) for rule in workflow.rules)


def targets_of(arguments):
    """The targets among the words of the command line."""
    from snakemake.cli import get_argument_parser

    return get_argument_parser().parse_known_args(arguments)[0].targets


def profile_file(profile):
    """The file of a profile, where Snakemake finds it; None where there is none."""
    from snakemake.cli import get_profile_dir

    return (get_profile_dir(profile) or (None, None))[1]


def check_command_line():
    """Say at once what Snakemake says late, oddly or not at all; called when all rules are known."""
    if warning := rerun_warning(sys.argv[1:], os.environ, profile_file):
        print(f"warning: {printable(warning)}", file=sys.stderr)
    runs = [os.path.dirname(file) for file in of_runs("metrics.json")]
    try:
        refuse_unknown_targets(
            sys.argv[1:], targets_of, is_made, runs, [*(rule.name for rule in workflow.rules), *TABLES]
        )
    except UserError as error:
        sys.exit(f"error: {error}")


def refuse_unrecorded(path, made_by, asked_for):
    """Stop where a result was made by other settings or code, and Snakemake has no record to see it by.

    Snakemake compares params with its records in .snakemake/metadata. Results that were copied without them would pass
    for whatever the configuration says today.
    """
    if made_by != asked_for and not snakemake_record(path).exists():
        sys.exit(
            f"error: {path} was made by other settings or code (key {made_by}, now {asked_for}), and Snakemake has no "
            f"record of it here.\nerror: Delete {os.path.dirname(path)} to have it made anew, or copy .snakemake/metadata too."
        )


LOOKS_AT_RESULTS = workflow.is_main_process and not unlocks(sys.argv[1:])

if LOOKS_AT_RESULTS:
    for name, result in (("run.json", "run"), ("metrics.json", "evaluation")):
        for file in filter(os.path.exists, of_runs(name)):
            try:
                made_by = records.key_of(file)
            except UserError as error:  # a damaged record is told, and stops the job that reads it; a plan can be had
                print(f"warning: {printable(str(error))}", file=sys.stderr)
            else:
                refuse_unrecorded(file, made_by, KEYS.of(result, records.run_of(file)[0]))


def refuse_altered(shards):
    """Stop where a shard that is newer than a run was altered.

    Snakemake would take it for a new one, and delete what was made of the sound one before any job reads it.
    """
    trained = [os.path.getmtime(run) for run in filter(os.path.exists, of_runs("run.json"))]
    newer = [shard for shard in filter(os.path.exists, shards) if trained and os.path.getmtime(shard) > min(trained)]
    for shard in newer:
        from vaematrix.common.images import verify  # half a second to import

        try:
            verify(shard)
        except UserError as error:
            sys.exit(
                f"error: {printable(str(error))}\nerror: To keep what was made of it, make it alone first, by naming it: "
                f"snakemake {shard} …"
            )


if LOOKS_AT_RESULTS:
    refuse_altered(SHARDS)
