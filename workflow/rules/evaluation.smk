# What trained models make, and the metrics of it.


rule generate:
    """Encode and reconstruct faces, draw samples, walk along latent dimensions and between faces, switch attributes."""
    input:
        shards=SHARDS,
        weights=f"{RUN}/model.safetensors",
        run=f"{RUN}/run.json",
    output:
        reconstructions=f"{RUN}/reconstructions.parquet",
        samples=f"{RUN}/samples.parquet",
        prior_samples=f"{RUN}/prior_samples.parquet",
        latents=f"{RUN}/latents.parquet",
        traversal=f"{RUN}/traversal.parquet",
        interpolations=f"{RUN}/interpolations.parquet",
        attributes=f"{RUN}/attributes.parquet",
    log:
        f"{LOGS}/generate/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"{LOGS}/generate/{{model}}/seed-{{seed}}.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        gpu=1,
        mem_mb=memory_mb,
        runtime=generation_minutes,
    params:
        split=config["evaluation"]["split"],
        sampling=config["sampling"],
        key=lambda wildcards: KEYS.of("generation", wildcards.model),
    script:
        "../scripts/generate.py"


# Compute nodes see no network: this runs where snakemake was started, and before anything else that could.
rule fetch_inception:
    """Take FID's weights from the configured path, torch.hub's folder or the release; its SHA-256 is checked."""
    output:
        FILES.inception,
    log:
        f"{LOGS}/fetch_inception.log",
    benchmark:
        f"{LOGS}/fetch_inception.benchmark.tsv"
    priority: 1
    localrule: True
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    # The path to the weights is read from the config in the script: as a param, another path would delete a good copy.
    script:
        "../scripts/fetch_inception.py"


rule reference_statistics:
    """The evaluation split's features with mean and covariance, once for all models; pytorch-fid reads these too."""
    input:
        shards=SHARDS,
        inception=INCEPTION,
    output:
        statistics=f"{FACES}/statistics-{REFERENCE}.npz",
        features=f"{FACES}/features-{REFERENCE}.parquet",
    log:
        f"{LOGS}/reference_statistics.log",
    benchmark:
        f"{LOGS}/reference_statistics.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        gpu=1,
        mem_mb=memory_mb,
        runtime=features_minutes,
    params:
        split=config["evaluation"]["split"],
        network=FEATURES["network"],
        key=lambda wildcards: KEYS.of("reference"),
    script:
        "../scripts/reference_statistics.py"


rule attribute_judge:
    """Learn to see the attributes in training faces; it judges whether samples show those that were asked for."""
    input:
        shards=SHARDS,
    output:
        judge=f"{FACES}/attribute-judge-{config['evaluation']['split']}.parquet",
    log:
        f"{LOGS}/attribute_judge.log",
    benchmark:
        f"{LOGS}/attribute_judge.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        mem_mb=memory_mb,
        runtime=generation_minutes,
    params:
        split=config["evaluation"]["split"],
        key=lambda wildcards: KEYS.of("judge"),
    script:
        "../scripts/attribute_judge.py"


rule evaluate:
    """All metrics of one run, each with the protocol that made it."""
    input:
        shards=SHARDS,
        run=f"{RUN}/run.json",
        reconstructions=f"{RUN}/reconstructions.parquet",
        samples=f"{RUN}/samples.parquet",
        latents=f"{RUN}/latents.parquet",
        statistics=rules.reference_statistics.output.statistics,
        features=rules.reference_statistics.output.features,
        judge=rules.attribute_judge.output.judge,
        inception=INCEPTION,
    output:
        metrics=f"{RUN}/metrics.json",
        details=f"{RUN}/details.json",
        per_image=f"{RUN}/per_image.parquet",
    log:
        f"{LOGS}/evaluate/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"{LOGS}/evaluate/{{model}}/seed-{{seed}}.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        gpu=1,
        mem_mb=memory_mb,
        runtime=features_minutes,
    params:
        dataset=DATASET["name"],
        entry=lambda wildcards: ENTRY_OF[wildcards.model],
        split=config["evaluation"]["split"],
        network=FEATURES["network"],
        confidence=config["evaluation"]["confidence"],
        resamples=config["evaluation"]["resamples"],
        code=KEYS.code("evaluation"),
        key=lambda wildcards: KEYS.of("evaluation", wildcards.model),
    script:
        "../scripts/evaluate.py"


rule floors:
    """What no model should fall below, for scale: the mean face, and PCA with as many components as the latent."""
    input:
        shards=SHARDS,
        statistics=rules.reference_statistics.output.statistics,
        features=rules.reference_statistics.output.features,
        inception=INCEPTION,
    output:
        mean_face=f"{RESULTS}/floors/mean_face.json",
        pca=f"{RESULTS}/floors/pca.json",
    log:
        f"{LOGS}/floors.log",
    benchmark:
        f"{LOGS}/floors.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        gpu=1,
        mem_mb=memory_mb,
        runtime=features_minutes,
    params:
        experiment=config["experiment"],
        dataset=DATASET["name"],
        split=config["evaluation"]["split"],
        network=FEATURES["network"],
        components=config["network"]["latent"],
        confidence=config["evaluation"]["confidence"],
        resamples=config["evaluation"]["resamples"],
        code=KEYS.code("floors"),
        key=lambda wildcards: KEYS.of("floors"),
    script:
        "../scripts/floors.py"
