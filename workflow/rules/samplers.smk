# What draws samples beside the prior: fitted after training, each sampler and run by itself.


rule fit_sampler:
    """Fit one sampler to a run's codes of the training split; continues from its checkpoint after an interruption."""
    input:
        latents=f"{RUN}/latents.parquet",
    output:
        f"{OF_SAMPLER}/sampler.safetensors",
    log:
        f"{LOGS}/fit_sampler/{{model}}/seed-{{seed}}/{{sampler}}.log",
    benchmark:
        f"{LOGS}/fit_sampler/{{model}}/seed-{{seed}}/{{sampler}}.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        kind=lambda wildcards: SAMPLERS[wildcards.sampler]["kind"],
        options=lambda wildcards: configuration.sampler_options(SAMPLERS[wildcards.sampler]),
        key=lambda wildcards: KEYS.of("sampler", wildcards.model, wildcards.sampler),
    script:
        "../scripts/fit_sampler.py"


rule sample:
    """Decode what a fitted sampler draws."""
    input:
        weights=f"{RUN}/model.safetensors",
        run=f"{RUN}/run.json",
        latents=f"{RUN}/latents.parquet",
        sampler=f"{OF_SAMPLER}/sampler.safetensors",
    output:
        samples=f"{OF_SAMPLER}/samples.parquet",
    log:
        f"{LOGS}/sample/{{model}}/seed-{{seed}}/{{sampler}}.log",
    benchmark:
        f"{LOGS}/sample/{{model}}/seed-{{seed}}/{{sampler}}.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        gpu=1,
        mem_mb=sampling_mb,
        runtime=sampling_minutes,
    params:
        sampling=config["sampling"],
        key=lambda wildcards: KEYS.of("samples", wildcards.model, wildcards.sampler),
    script:
        "../scripts/sample.py"


rule evaluate_sampler:
    """All metrics of a sampler's samples, each with the protocol that made it."""
    input:
        shards=SHARDS,
        run=f"{RUN}/run.json",
        samples=f"{OF_SAMPLER}/samples.parquet",
        statistics=rules.reference_statistics.output.statistics,
        features=rules.reference_statistics.output.features,
        judge=rules.attribute_judge.output.judge,
        inception=INCEPTION,
    output:
        f"{OF_SAMPLER}/metrics.json",
    log:
        f"{LOGS}/evaluate_sampler/{{model}}/seed-{{seed}}/{{sampler}}.log",
    benchmark:
        f"{LOGS}/evaluate_sampler/{{model}}/seed-{{seed}}/{{sampler}}.benchmark.tsv"
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
        code=KEYS.code("sampler_evaluation"),
        key=lambda wildcards: KEYS.of("sampler_evaluation", wildcards.model, wildcards.sampler),
    script:
        "../scripts/evaluate_sampler.py"
