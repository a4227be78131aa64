# What all rules share: the checked configuration, names, and the keys that decide what reruns.
#
# A job's `key` hashes its settings, what its code means and the key of everything before it. Snakemake compares params, so a job
# reruns exactly when one of these changed. What was touched, copied or checked out anew reruns nothing, because the profiles
# leave out the code trigger, which goes by mtime, and compare the contents of newer inputs, however large.

import base64
import gc
import hashlib
import itertools
import json
import math
import os
import re
import shutil
import socket
import sys
import time
from functools import cache
from pathlib import Path

import yaml

# OpenMP's threads wait by spinning. Where two jobs share cores, the spinning of one starves the other: two trainings
# side by side ran at 2 % of their speed with the default of 300,000 rounds, and at 45 % each with 500. Alone, it is the same.
os.environ.setdefault("GOMP_SPINCOUNT", "500")

# Where torch.compile keeps what it compiled: the project's own folder, which every job sees and nobody else can write to.
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.abspath("resources/compiled"))

# The graph of a sweep is millions of objects that all stay; to look among them for garbage took a sixth of planning.
gc.set_threshold(100_000, 50, 100)

# The jobs of one command know by this that they are another attempt: what no attempt can mend is not tried again.
if workflow.is_main_process:
    os.environ["VAEMATRIX_COMMAND"] = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}"

ROOT = Path(workflow.basedir).resolve()
ROOT = ROOT.parent if ROOT.name == "workflow" else ROOT
SCRIPTS = ROOT / "workflow/scripts"

# The checkout's own library, here and in every job, whatever is installed beside it: an edit counts where it is made.
SOURCE = ROOT / "src"
if SOURCE.is_dir() and str(SOURCE) not in sys.path[:1]:
    sys.path.insert(0, str(SOURCE))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))

from vaematrix.experiment import configuration
from vaematrix.reporting import latex
from vaematrix import models
from vaematrix.experiment.code_hash import LIBRARY, code_hash
from vaematrix.common import records
from vaematrix.common.console import printable
from vaematrix.common.errors import UserError
from vaematrix.data.layout import fingerprint, locate
from vaematrix.analysis.matrix import check_rubric, row_keys


def setting_file(path):
    """Where the value at `path` comes from: the last configuration file that says so, else the command line."""
    default = ROOT / "config/config.yaml"
    overlays = [Path(file) for file in workflow.configfiles if Path(file).resolve() != default]
    for file in (*reversed(overlays), default):
        said, meant = yaml.safe_load(file.read_text()), config
        try:
            for name in path:
                said, meant = said[name], meant[name]
        except (KeyError, IndexError, TypeError):
            continue
        if said == meant or (isinstance(said, dict) and isinstance(meant, dict)):
            return os.path.relpath(file)
    return "--config"


def checked_configuration():
    """Refuse a mistaken configuration before anything runs, and put a sweep's models in its entry's place.

    Returns the rubric, and the entries of `models` as they were written.
    """
    # An overlay leaves a model out by setting it to null.
    if isinstance(config.get("models"), dict):
        config["models"] = {name: entry for name, entry in config["models"].items() if entry is not None}
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    configuration.check(config, schema, setting_file)
    entries = config["models"]
    configuration.check_models(entries, setting_file)
    configuration.check_sizes(config, setting_file)
    config["models"] = configuration.plain_models(entries, setting_file)
    configuration.check(config, schema, setting_file)  # the names that a sweep made
    configuration.check_missing(config, setting_file)
    configuration.check_tensorboard(config, setting_file)
    rubric = yaml.safe_load(Path(config["rubric"]).read_text())
    check_rubric(rubric, config["rubric"], [*entries, *config["models"]])
    return rubric, entries


try:
    RUBRIC, ENTRIES = checked_configuration()
    # What a folder holds takes a look at each file, so it is worked out once a command and told to its jobs.
    if config["dataset"]["source"] == "path" and (workflow.is_main_process or "VAEMATRIX_FACES_ARE" not in os.environ):
        os.environ["VAEMATRIX_FACES_ARE"] = fingerprint(locate(config["dataset"]["path"]))
except UserError as error:
    sys.exit(f"error: {printable(str(error))}")
except yaml.YAMLError as error:
    sys.exit(f"error: {config['rubric']}: {' '.join(str(error).split())}")
except (OSError, UnicodeDecodeError) as error:
    sys.exit(
        f"error: {getattr(error, 'filename', None) or config['rubric']}: {getattr(error, 'strerror', None) or error}"
    )

DATASET = config["dataset"]
FEATURES = config["evaluation"]["features"]
REFERENCE = f"{config['evaluation']['split']}-{FEATURES['network']}"
MODELS = list(config["models"])
SEEDS = config["training"]["seeds"]
MISSING = {(run["model"], run["seed"]): run["reason"] for run in config["missing"]}
RUNS = [run for run in itertools.product(MODELS, SEEDS) if run not in MISSING]
FIRST_RUNS = [next(runs) for _, runs in itertools.groupby(RUNS, key=lambda run: run[0])]  # the report shows these
SHARED_TRAINING = {name: config["training"][name] for name in ("epochs", "batch_size", "learning_rate", "sigma")}
RESULTS = f"results/{config['experiment']}"
LOGS = f"logs/{config['experiment']}"
RAW = f"resources/{DATASET['name']}/raw"
FACES = f"resources/{DATASET['name']}/crop{DATASET['crop']}-{DATASET['size']}px-{DATASET['filter']}"
SHARDS = [f"{FACES}/shard-{shard:05d}-of-{DATASET['shards']:05d}.parquet" for shard in range(DATASET["shards"])]
FEATURE_NETWORK = f"vaematrix.metrics.features.{FEATURES['network']}"
INCEPTION = "resources/inception/pt_inception-2015-12-05-6726825d.pth" if FEATURES["network"] == "inception" else []
PICTURES = ["reconstructions", "samples", "attributes", "traversal", "interpolations"]
# Of all runs together, with their labels in the HTML report.
FIGURES = {
    "overview": "reconstructions of all models",
    "prior_samples": "samples of all models",
    "distributions": "errors of all models",
    "rate_distortion": "rate and distortion",
    "latent_units": "use of the latent units",
    "distance_by_count": "Fréchet distance by sample count",
    "training": "training curves",
}
TABLES = [
    f"{RESULTS}/tables/{name}"
    for name in (
        *("metrics.csv", "matrix.csv", "matrix_by_seed.csv", "summary.csv", "summary.txt"),
        *("numbers.tex", "summary.tex", "cross_weights.tex", "published.tex", "further.tex", "missing.tex"),
        *(f"{table}.{kind}" for table in ("differences", "weights", "weight_changes") for kind in ("csv", "tex")),
        *map(latex.matrix_file, MODELS),
        *map(latex.published_file, RUBRIC["published"]["tables"]),
    )
]
THREE_ROWS = len(row_keys(RUBRIC)) == 3  # then their weights make a triangle
TRIANGLE = [f"{RESULTS}/figures/weights.{kind}" for kind in ("png", "pdf")] if THREE_ROWS else []
TEX = shutil.which("pdflatex")
RUN = f"{RESULTS}/{{model}}/seed-{{seed}}"


wildcard_constraints:
    model="|".join(map(re.escape, MODELS)),
    seed=r"\d+",
    shard=r"\d+",


def of_runs(*names, runs=RUNS):
    """The files `names` of the given runs."""
    return [f"{RUN.format(model=model, seed=seed)}/{name}" for name in names for model, seed in runs]


def raw_files(wildcards):
    """The raw files that rules make; a folder or zip of the user's own is known by its fingerprint instead."""
    if DATASET["source"] == "path":
        return []
    return multiext(f"{RAW}/", "img_align_celeba.zip", "list_attr_celeba.txt", "list_eval_partition.txt")


def raw_folder(wildcards):
    return DATASET["path"] if DATASET["source"] == "path" else RAW


def key(*parts):
    """A short hash of plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@cache
def code(script, *modules):
    """The hash of an entry script and of all library code behind it."""
    return code_hash(SCRIPTS / script, *modules)


@cache
def source_key():
    """What the raw faces are."""
    match DATASET["source"]:
        case "path":
            return os.environ["VAEMATRIX_FACES_ARE"]
        case "drawn":
            return key(DATASET["count"], DATASET["seed"], code("draw_faces.py"))
        case "download":
            return "celeba"


@cache
def data_key():
    """What the shards hold."""
    preparation = {name: DATASET[name] for name in ("image_size", "crop", "size", "filter", "on_bad_image")}
    return key(source_key(), preparation, code("index_faces.py"), code("build_shard.py"))


@cache
def training_code(model):
    return code("train.py", f"vaematrix.models.{config['models'][model]['family']}")


@cache
def run_key(model):
    """What the weights of a model are, but for the seed."""
    return key(data_key(), config["network"], SHARED_TRAINING, config["models"][model], training_code(model))


@cache
def generation_key(model):
    """What a trained model made."""
    return key(run_key(model), config["sampling"], config["evaluation"]["split"], code("generate.py"))


@cache
def reference_key():
    """What the reference statistics are."""
    return key(data_key(), config["evaluation"]["split"], FEATURES["network"], features_code())


@cache
def features_code():
    return code("reference_statistics.py", FEATURE_NETWORK)


@cache
def judge_key():
    """What the judge of attributes is."""
    return key(data_key(), config["evaluation"]["split"], code("attribute_judge.py"))


@cache
def metrics_code():
    files = (LIBRARY / "metrics").glob("*.py")
    return code("evaluate.py", FEATURE_NETWORK, *(f"vaematrix.metrics.{path.stem}" for path in files))


@cache
def evaluation_key(model):
    """What a run's metrics are."""
    interval = [config["evaluation"][name] for name in ("confidence", "resamples")]
    return key(generation_key(model), reference_key(), judge_key(), interval, metrics_code())


@cache
def floors_key():
    """What the floors are."""
    evaluation = [config["evaluation"][name] for name in ("split", "confidence", "resamples")]
    return key(data_key(), config["network"]["latent"], evaluation, code("floors.py"), metrics_code())


@cache
def summary_key():
    """What the dataset's summary says."""
    return key(data_key(), code("summarise_dataset.py"))


@cache
def pictures_key(model):
    """What a run's pictures show."""
    return key(evaluation_key(model), config["figures"], code("run_figures.py"))


@cache
def figures_key():
    """What the experiment's figures show."""
    return key([evaluation_key(model) for model in MODELS], RUNS, code("experiment_figures.py"))


@cache
def tables_key():
    """What the tables are made of."""
    keys = {model: evaluation_key(model) for model in MODELS}
    made_of = [keys, SEEDS, config["missing"], floors_key(), RUBRIC]
    return key(made_of, code("make_tables.py"), template("base.html.jinja", "page.html.jinja"))


@cache
def triangle_key():
    """What the triangle of all weightings is made of."""
    keys = {model: evaluation_key(model) for model in MODELS}
    return key(keys, SEEDS, config["missing"], RUBRIC, code("weight_triangle.py"))


@cache
def report_key():
    """What the report is made of."""
    pictures = [pictures_key(model) for model in MODELS]
    return key(
        tables_key(), summary_key(), pictures, figures_key(), code("make_report.py"), template("report.tex.jinja")
    )


@cache
def index_key():
    """What the index of the runs shows."""
    keys = {model: evaluation_key(model) for model in MODELS}
    return key(keys, SEEDS, config["missing"], code("index_runs.py"), template("base.html.jinja", "runs.html.jinja"))


def template(*names):
    """The content of templates of tables, index or report."""
    return "".join((LIBRARY / "reporting/templates" / name).read_text() for name in names)


def refuse_unrecorded(path, made_by, asked_for):
    """Stop where a result was made by other settings or code, and Snakemake has no record to see it by.

    Snakemake compares params with its records in .snakemake/metadata. Results that were copied without them would pass
    for whatever the configuration says today.
    """
    record = Path(".snakemake/metadata", base64.urlsafe_b64encode(path.encode()).decode())
    if made_by != asked_for and not record.exists():
        sys.exit(
            f"error: {path} was made by other settings or code (key {made_by}, now {asked_for}), and Snakemake has no "
            f"record of it here.\nerror: Delete {os.path.dirname(path)} to have it made anew, or copy .snakemake/metadata too."
        )


if workflow.is_main_process:
    for name, asked_for in (("run.json", run_key), ("metrics.json", evaluation_key)):
        for file in filter(os.path.exists, of_runs(name)):
            try:
                made_by = records.key_of(file)
            except UserError as error:  # a damaged record is told, and stops the job that reads it; a plan can be had
                print(f"warning: {printable(str(error))}", file=sys.stderr)
            else:
                refuse_unrecorded(file, made_by, asked_for(Path(file).parts[-3]))
