# The whole workflow is workflow/Snakefile, which other workflows can import as a module.
include: "workflow/Snakefile"


# An included file's first rule is no default target, hence one of its own.
rule experiment:
    default_target: True
    input:
        rules.all.input,
