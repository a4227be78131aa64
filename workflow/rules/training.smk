# Every model × seed trained by one loop under one configuration.


rule train:
    """Train one model from one seed; continues from its checkpoint after an interruption."""
    input:
        shards=SHARDS,
    output:
        weights=f"{RUN}/model.safetensors",
        history=f"{RUN}/history.jsonl",
        run=f"{RUN}/run.json",
    log:
        f"{LOGS}/train/{{model}}/seed-{{seed}}.log",
    benchmark:
        f"{LOGS}/train/{{model}}/seed-{{seed}}.benchmark.tsv"
    threads: config["training"]["threads"]
    resources:
        gpu=1,
        mem_mb=memory_mb,
        runtime=training_minutes,
    params:
        experiment=config["experiment"],
        options=lambda wildcards: config["models"][wildcards.model],
        network=config["network"],
        size=DATASET["size"],
        training=SHARED_TRAINING,
        data=lambda wildcards: KEYS.of("shards"),
        code=lambda wildcards: KEYS.code("run", wildcards.model),
        key=lambda wildcards: KEYS.of("run", wildcards.model),
    script:
        "../scripts/train.py"
