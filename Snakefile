# vaematrix: faces → shards → every model trained → reconstructions and samples → metrics → weighted matrices → report.
#
#   snakemake --profile profiles/local                                     the paper's experiment
#   snakemake --profile profiles/local --configfile config/demo.yaml       the demo (or: make demo)
#   snakemake --profile profiles/slurm                                     on a GPU cluster


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"


rule all:
    input:
        f"{RESULTS}/dataset/summary.json",
        of_runs("metrics.json"),
        of_runs(*(f"{picture}.png" for picture in PICTURES)),
        f"{RESULTS}/tables/summary.txt",
        TRIANGLE,
        f"{RESULTS}/report/runs.html",
        f"{RESULTS}/report/report.tex",
        f"{RESULTS}/report/report.pdf" if TEX else [],


include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/failures.smk"


if workflow.is_main_process:
    check_command_line()
