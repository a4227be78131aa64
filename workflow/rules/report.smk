# Pictures, tables and the report: made from files alone, without torch.


rule run_figures:
    """The pictures of one run."""
    input:
        shards=SHARDS,
        reconstructions=f"{RUN}/reconstructions.parquet",
        samples=f"{RUN}/samples.parquet",
        traversal=f"{RUN}/traversal.parquet",
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
        pictures=PICTURES,
        attributes=config["figures"]["attributes"],
        split=config["evaluation"]["split"],
        key=lambda wildcards: pictures_key(wildcards.model),
    script:
        "../scripts/run_figures.py"


rule experiment_figures:
    """Training curves of all runs, and all models on the same faces."""
    input:
        shards=SHARDS,
        histories=expand(f"{RUN}/history.jsonl", model=MODELS, seed=SEEDS),
        reconstructions=expand(f"{RUN}/reconstructions.parquet", model=MODELS, seed=SEEDS[:1]),
        samples=expand(f"{RUN}/samples.parquet", model=MODELS, seed=SEEDS[:1]),
    output:
        curves=report(
            f"{RESULTS}/figures/training.png",
            caption="../report/training.rst",
            category="Experiment",
            labels={"figure": "training curves"},
        ),
        overview=report(
            f"{RESULTS}/figures/overview.png",
            caption="../report/overview.rst",
            category="Experiment",
            labels={"figure": "all models"},
        ),
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
        seeds=SEEDS,
        split=config["evaluation"]["split"],
        key=lambda wildcards: figures_key(),
    script:
        "../scripts/experiment_figures.py"


rule tables:
    """Values → scores → weighted matrices, as CSV, LaTeX, HTML and text."""
    input:
        metrics=expand(f"{RUN}/metrics.json", model=MODELS, seed=SEEDS),
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
        rubric=RUBRIC,
        run_keys=lambda wildcards: {model: evaluation_key(model) for model in MODELS},
        key=lambda wildcards: tables_key(),
    script:
        "../scripts/make_tables.py"


rule report:
    """The report's LaTeX source."""
    input:
        tables=rules.tables.output,
        metrics=expand(f"{RUN}/metrics.json", model=MODELS, seed=SEEDS),
        floors=[rules.floors.output.mean_face, rules.floors.output.pca],
        runs=expand(f"{RUN}/run.json", model=MODELS, seed=SEEDS),
        summary=rules.summarise_dataset.output.summary,
        pictures=expand(f"{RUN}/{{picture}}.png", model=MODELS, seed=SEEDS[:1], picture=PICTURES),
        curves=rules.experiment_figures.output.curves,
        overview=rules.experiment_figures.output.overview,
    output:
        f"{RESULTS}/report/report.tex",
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
        seed=SEEDS[0],
        rubric=RUBRIC,
        settings={"network": config["network"], "training": SHARED_TRAINING, "models": config["models"]},
        key=lambda wildcards: report_key(),
    script:
        "../scripts/make_report.py"


rule compile_report:
    """The report as PDF, where TeX is installed."""
    input:
        rules.report.output,
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
        key=lambda wildcards: key(report_key(), code("compile_report.py")),
    script:
        "../scripts/compile_report.py"


onstart:
    refuse_running_jobs()
    if not TEX:
        from vaematrix.report import TEX_HINT

        print(TEX_HINT)


onsuccess:
    if Path(f"{RESULTS}/report/report.tex").exists():
        print(f"Matrices: {RESULTS}/tables/summary.txt   Report: {RESULTS}/report/report.{'pdf' if TEX else 'tex'}")


# With many jobs, what a job said is far above the end of the screen by the time Snakemake stops.
onerror:
    said = "".join(Path(file).read_text() for file in log)
    for message in dict.fromkeys(re.findall(r"^(?:[\d-]+ [\d:,]+ )?error: (.*)", said, flags=re.MULTILINE)):
        print(f"error: {message}")
    print("Run the same command again when that is mended: what is finished is kept.")
