# The software alone; configuration and results stay in a checkout that is mounted. See docs/containers.md.
FROM python:3.12-slim

# gcc: for torch.compile. git: a run's provenance names the commit. TeX: for report.pdf.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        gcc git libc6-dev lmodern make texlive-fonts-recommended texlive-latex-recommended \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/vaematrix
COPY requirements.txt ./
RUN pip install --no-cache-dir --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY config/rubric.yaml config/
COPY src src
RUN pip install --no-cache-dir --no-deps .

# Run as any user: caches need a home that this user may write to, and git a checkout that this user may not own.
ENV HOME=/tmp
RUN git config --system --add safe.directory '*'
ENTRYPOINT ["snakemake"]
CMD ["--help"]
