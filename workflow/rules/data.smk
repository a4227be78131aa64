# Faces in, shards out.


if DATASET["source"] == "drawn":

    rule draw_faces:
        """Draw the demo's faces in CelebA's layout."""
        output:
            images=f"{RAW}/img_align_celeba.zip",
            attributes=f"{RAW}/list_attr_celeba.txt",
            splits=f"{RAW}/list_eval_partition.txt",
        log:
            f"{LOGS}/draw_faces.log",
        benchmark:
            f"{LOGS}/draw_faces.benchmark.tsv"
        threads: 8
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            faces=DATASET["count"],
            seed=DATASET["seed"],
            key=KEYS.of("source"),
        script:
            "../scripts/draw_faces.py"

elif DATASET["source"] == "download":

    # Compute nodes see no network: this runs where snakemake was started, and before anything else that could.
    rule download_celeba:
        """Fetch one of CelebA's three files from the first mirror that has it whole."""
        output:
            f"{RAW}/{{file}}",
        log:
            f"{LOGS}/download/{{file}}.log",
        benchmark:
            f"{LOGS}/download/{{file}}.benchmark.tsv"
        priority: 1
        localrule: True
        threads: 1
        resources:
            mem_mb=500,
            runtime=240,
        script:
            "../scripts/download_celeba.py"


rule index_faces:
    """Read and check CelebA's lists against the images that are there."""
    input:
        raw_files,
    output:
        f"resources/{DATASET['name']}/index.parquet",
    log:
        f"{LOGS}/index_faces.log",
    benchmark:
        f"{LOGS}/index_faces.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        source=raw_folder,
        download=DATASET["source"] == "download",
        key=lambda wildcards: KEYS.of("index"),
    script:
        "../scripts/index_faces.py"


rule build_shard:
    """Decode, crop and resize one block of the faces, read in place."""
    input:
        raw_files,
        faces_index=rules.index_faces.output,
    output:
        f"{FACES}/shard-{{shard}}-of-{DATASET['shards']:05d}.parquet",
    log:
        f"{LOGS}/build_shard/{{shard}}.log",
    benchmark:
        f"{LOGS}/build_shard/{{shard}}.benchmark.tsv"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        source=raw_folder,
        shards=DATASET["shards"],
        crop=DATASET["crop"],
        size=DATASET["size"],
        filter=DATASET["filter"],
        image_size=DATASET["image_size"],
        on_bad_image=DATASET["on_bad_image"],
        key=lambda wildcards: KEYS.of("shards"),
    script:
        "../scripts/build_shard.py"


rule summarise_dataset:
    """Count, average and show the faces; say what was skipped and why."""
    input:
        SHARDS,
    output:
        summary=f"{RESULTS}/dataset/summary.json",
        attributes=f"{RESULTS}/dataset/attributes.csv",
        mean_face=report(
            f"{RESULTS}/dataset/mean_face.png",
            caption="../report/mean_face.rst",
            category="Dataset",
            labels={"figure": "mean face"},
        ),
    log:
        f"{LOGS}/summarise_dataset.log",
    benchmark:
        f"{LOGS}/summarise_dataset.benchmark.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        key=lambda wildcards: KEYS.of("summary"),
    script:
        "../scripts/summarise_dataset.py"
