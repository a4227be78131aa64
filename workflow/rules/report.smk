# Pictures, tables and the report: made from files alone, without torch.
#
# Snakemake writes params into the scripts of its report.html as they are. So the words of a rubric are escaped, and why
# runs are missing, in words that may hold file names, is read from the config by the scripts, and counts in the keys.


rule run_figures:
    """The pictures of one run, each for the screen and beside it for print."""
    input:
        shards=SHARDS,
        reconstructions=f"{RUN}/reconstructions.parquet",
        per_image=f"{RUN}/per_image.parquet",
        samples=f"{RUN}/samples.parquet",
        traversal=f"{RUN}/traversal.parquet",
        interpolations=f"{RUN}/interpolations.parquet",
        attributes=f"{RUN}/attributes.parquet",
    output:
        [
            report(
                f"{RUN}/{picture}.png",
                caption=f"../report/{picture}.rst",
                category="Runs",
                subcategory="{model}",
                labels={"model": "{model}", "seed": "{seed}", "figure": picture},
            )
            for picture in PICTURES
        ],
        [f"{RUN}/{picture}.pdf" for picture in PICTURES],
    log:
        f"{LOGS}/run_figures/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"{LOGS}/run_figures/{{model}}/seed-{{seed}}.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        attributes=config["figures"]["attributes"],
        split=config["evaluation"]["split"],
        key=lambda wildcards: KEYS.of("pictures", wildcards.model),
    script:
        "../scripts/run_figures.py"


rule experiment_figures:
    """What all runs show together, each figure for the screen and beside it for print."""
    input:
        shards=SHARDS,
        histories=of_runs("history.jsonl"),
        per_image=of_runs("per_image.parquet"),
        metrics=of_runs("metrics.json"),
        details=of_runs("details.json"),
        reconstructions=of_runs("reconstructions.parquet", runs=FIRST_RUNS),
        prior_samples=of_runs("prior_samples.parquet", runs=FIRST_RUNS),
    output:
        [
            report(
                f"{RESULTS}/figures/{figure}.png",
                caption=f"../report/{figure}.rst",
                category="Experiment",
                labels={"figure": label},
            )
            for figure, label in FIGURES.items()
        ],
        [f"{RESULTS}/figures/{figure}.pdf" for figure in FIGURES],
    log:
        f"{LOGS}/experiment_figures.log",
    benchmark:
        f"{LOGS}/experiment_figures.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        models=MODELS,
        split=config["evaluation"]["split"],
        key=lambda wildcards: KEYS.of("figures"),
    script:
        "../scripts/experiment_figures.py"


rule tables:
    """Values → scores → weighted matrices, and what may be claimed of them, as CSV, LaTeX, HTML and text."""
    input:
        metrics=of_runs("metrics.json"),
        per_image=of_runs("per_image.parquet"),
        floors=[rules.floors.output.mean_face, rules.floors.output.pca],
    output:
        TABLES,
        summary=report(
            f"{RESULTS}/tables/summary.html",
            caption="../report/summary.rst",
            category="Tables",
            labels={"table": "summary"},
        ),
        matrix=report(
            f"{RESULTS}/tables/matrix.html",
            caption="../report/matrix.rst",
            category="Tables",
            labels={"table": "evaluation matrices"},
        ),
        differences=report(
            f"{RESULTS}/tables/differences.html",
            caption="../report/differences.rst",
            category="Tables",
            labels={"table": "differences between models"},
        ),
        weights=report(
            f"{RESULTS}/tables/weights.html",
            caption="../report/weights.rst",
            category="Tables",
            labels={"table": "do the weights decide?"},
        ),
    log:
        f"{LOGS}/tables.log",
    benchmark:
        f"{LOGS}/tables.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        models=MODELS,
        remedies=[list(pair) for pair in REMEDIES],
        rubric=script_safe(RUBRIC),
        run_keys=lambda wildcards: {model: KEYS.of("evaluation", model) for model in MODELS},
        key=lambda wildcards: KEYS.of("tables"),
    script:
        "../scripts/make_tables.py"


if SAMPLERS:

    rule sampler_tables:
        """Every model under every sampler, as CSV, LaTeX and HTML."""
        input:
            metrics=of_runs("metrics.json"),
            sampled=of_samplers("metrics.json"),
        output:
            FILES.sampler_tables,
            html=report(
                f"{RESULTS}/tables/samplers.html",
                caption="../report/samplers.rst",
                category="Tables",
                labels={"table": "samplers"},
            ),
        log:
            f"{LOGS}/sampler_tables.log",
        benchmark:
            f"{LOGS}/sampler_tables.benchmark.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            models=MODELS,
            samplers=list(SAMPLERS),
            rubric=script_safe(RUBRIC),
            key=lambda wildcards: KEYS.of("sampler_tables"),
        script:
            "../scripts/sampler_tables.py"

    rule sampler_figures:
        """Samples of the prior beside those of the sampler that finds held-out codes likeliest, of each model."""
        input:
            sampled=of_samplers("metrics.json"),
            prior=of_runs("samples.parquet", runs=FIRST_RUNS),
            samples=of_samplers("samples.parquet", runs=FIRST_RUNS),
        output:
            report(
                f"{RESULTS}/figures/samplers.png",
                caption="../report/samplers.rst",
                category="Experiment",
                labels={"figure": "samples of the best sampler"},
            ),
            f"{RESULTS}/figures/samplers.pdf",
        log:
            f"{LOGS}/sampler_figures.log",
        benchmark:
            f"{LOGS}/sampler_figures.benchmark.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            models=MODELS,
            key=lambda wildcards: KEYS.of("sampler_figures"),
        script:
            "../scripts/sampler_figures.py"


if TRIANGLE:

    rule weight_triangle:
        """Who has the highest total under which weights, where the matrix has three rows."""
        input:
            metrics=of_runs("metrics.json"),
        output:
            png=report(
                TRIANGLE[0],
                caption="../report/weights.rst",
                category="Experiment",
                labels={"figure": "all weightings"},
            ),
            pdf=TRIANGLE[1],
        log:
            f"{LOGS}/weight_triangle.log",
        benchmark:
            f"{LOGS}/weight_triangle.benchmark.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            models=MODELS,
            rubric=script_safe(RUBRIC),
            key=lambda wildcards: KEYS.of("triangle"),
        script:
            "../scripts/weight_triangle.py"


rule index_runs:
    """Every run with its cost, its records and its logs, on one page."""
    input:
        of_runs("run.json", "metrics.json"),
    output:
        report(
            f"{RESULTS}/report/runs.html",
            caption="../report/runs.rst",
            category="Runs",
            subcategory="all runs",
            labels={"table": "records and logs"},
        ),
    log:
        f"{LOGS}/index_runs.log",
    benchmark:
        f"{LOGS}/index_runs.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        experiment=config["experiment"],
        logs=LOGS,
        models=MODELS,
        seeds=SEEDS,
        key=lambda wildcards: KEYS.of("run_index"),
    script:
        "../scripts/index_runs.py"


rule report:
    """The report's LaTeX source."""
    input:
        tables=rules.tables.output,
        samplers=rules.sampler_tables.output if SAMPLERS else [],
        triangle=TRIANGLE,
        metrics=of_runs("metrics.json"),
        floors=[rules.floors.output.mean_face, rules.floors.output.pca],
        runs=of_runs("run.json"),
        summary=rules.summarise_dataset.output.summary,
        figures=[f"{RESULTS}/figures/{figure}.pdf" for figure in [*FIGURES, *(["samplers"] if SAMPLERS else [])]],
        pictures=of_runs(*(f"{picture}.pdf" for picture in PICTURES), runs=FIRST_RUNS),
    output:
        f"{RESULTS}/report/report.tex",
        f"{RESULTS}/report/macros.tex",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{LOGS}/report.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        models=MODELS,
        remedies=bool(REMEDIES),
        rubric=script_safe(RUBRIC),
        settings={"network": config["network"], "training": SHARED_TRAINING, "models": ENTRIES},
        key=lambda wildcards: KEYS.of("report"),
    script:
        "../scripts/make_report.py"


rule compile_report:
    """The report as PDF, where TeX is installed."""
    input:
        rules.report.output,
        rules.report.input.tables,
        rules.report.input.samplers,
        TRIANGLE,
        rules.report.input.figures,
        rules.report.input.pictures,
    output:
        report(
            f"{RESULTS}/report/report.pdf",
            caption="../report/report.rst",
            category="Report",
            labels={"document": "report"},
        ),
    log:
        f"{LOGS}/compile_report.log",
    benchmark:
        f"{LOGS}/compile_report.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        key=lambda wildcards: KEYS.of("pdf"),
    script:
        "../scripts/compile_report.py"


onstart:
    refuse_running_jobs()
    if not TEX:
        from vaematrix.reporting.report.pdf import TEX_HINT

        print(TEX_HINT)


onsuccess:
    if Path(f"{RESULTS}/report/report.tex").exists():
        print(f"Matrices: {RESULTS}/tables/summary.txt   Report: {RESULTS}/report/report.{'pdf' if TEX else 'tex'}")
