"""A comparison written up: tables to read, rows in full precision for CSV, and what was refused."""

import math
import re

import pandas as pd

from vaematrix.analysis.differences import SEEDS_FOR_MODELS
from vaematrix.reporting.comparison.changes import Comparison, Value
from vaematrix.reporting.comparison.protocols import SECTIONS
from vaematrix.reporting.formatting import full, interval, number, printed

LONGEST = 48  # characters of a recorded value in a table

NOTE = (
    "B − A is the mean over the n seeds that both have. The interval covers the faces where there is one seed, "
    "faces and seeds where there are several, and for scores and measures of whole sets the seeds, paired seed by "
    "seed. With one seed it speaks of two trained networks on other faces; A or B is called better from "
    f"{SEEDS_FOR_MODELS} seeds on, after Holm's adjustment for the number of models in each metric."
)
NO_SCORES = " No scores: no model of both has a value in every row of the matrix, and the rows filled alike."


def sections(comparison: Comparison) -> list[tuple[str, pd.DataFrame, str]]:
    """(heading, table, note) in the order in which they should be read; empty ones are left out but the protocol's."""
    unmatched = pd.DataFrame({"What one folder alone has": list(comparison.unmatched)}, dtype=object)
    has_scores = any(value.kind == "score" for value in comparison.values)
    every_section = [
        *_field_sections(comparison),
        ("Not in both", unmatched, "These are not compared." if comparison.unmatched else ""),
        ("What changed", values_frame(comparison), NOTE if has_scores else NOTE + NO_SCORES),
    ]
    return [(heading, frame, note) for heading, frame, note in every_section if len(frame) or note]


def _field_sections(comparison: Comparison) -> list[tuple[str, pd.DataFrame, str]]:
    """The recorded fields that differ, section by section."""
    several_models = len(comparison.old.models) > 1
    result = []
    for heading, fields, columns, note_if_alike in (
        ("How it was measured", comparison.protocol, ["Field", "A", "B", "Concerns"], "Both were measured alike."),
        ("Settings", comparison.settings, ["Setting", "A", "B"], ""),
        ("Data, code and hashes", comparison.hashes, ["Hash", "A", "B"], ""),
    ):
        rows = [
            [field.name, _short(field.old), _short(field.new), *([field.concerns] if "Concerns" in columns else []),
             ", ".join(field.models)]
            for field in fields
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=[*columns, "Models"], dtype=object)
        note = "" if rows else note_if_alike
        result.append((heading, frame if several_models else frame.drop(columns="Models"), note))
    return result


def _short(text: str) -> str:
    """The beginning of each hash, and of any longer text."""
    text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]+", r"\1…", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def values_frame(comparison: Comparison) -> pd.DataFrame:
    """Old, new, change and interval of all that both have; what was refused has neither value nor change."""
    rows = []
    for value in comparison.values:
        if value.change is None:
            rows.append([value.model, value.label, *[None] * 6, "not measured alike: refused"])
            continue
        places = _decimal_places(value)
        rows.append(
            [
                value.model,
                value.label,
                printed(value.old, places),
                printed(value.new, places),
                number(value.change.value, places),
                interval(value.change, places),
                str(value.change.n),
                value.change.covers,
                value.change.verdict + (" (measured otherwise)" if value.differs else ""),
            ]
        )
    columns = ["Model", "Metric", "A", "B", "B − A", "Interval", "n", "Covers", "Claim"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _decimal_places(value: Value) -> int:
    """Decimals that show four digits of the smaller of both means, from 2 to 6; a score has 2."""
    smaller = min(abs(float(value.old.mean)), abs(float(value.new.mean)))
    return 2 if value.kind == "score" or not smaller else max(2, min(6, 3 - math.floor(math.log10(smaller))))


def refusal(comparison: Comparison) -> str:
    """What was refused and why, and how to compare it all the same; empty where nothing was."""
    labels_by_reasons: dict[tuple[str, ...], dict[str, None]] = {}
    for value in comparison.refused:
        labels_by_reasons.setdefault(value.differs, {})[value.label] = None
    lines = [f"{', '.join(labels)}: {'; '.join(reasons)}" for reasons, labels in labels_by_reasons.items()]
    if not lines:
        return ""
    return "\n".join(
        ["not compared, because not measured alike:", *lines,
         "Measure both alike, or compare all the same with FORCE=1 (--across-protocols)."]
    )  # fmt: skip


def csv_rows(comparison: Comparison) -> pd.DataFrame:
    """Everything in full precision, one row each."""
    rows = [
        {"section": section, "models": "; ".join(field.models), "what": field.name, "old": field.old, "new": field.new,
         "concerns": field.concerns}
        for section in SECTIONS
        for field in getattr(comparison, section)
    ]  # fmt: skip
    rows += [{"section": "not in both", "what": text} for text in comparison.unmatched]
    rows += [_csv_row(value) for value in comparison.values]
    columns = [
        "section", "models", "what", "label", "old", "old_sd", "old_n", "new", "new_sd", "new_n", "change", "low",
        "high", "n", "covers", "p", "p_holm", "claim", "concerns",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _csv_row(value: Value) -> dict[str, object]:
    row: dict[str, object] = {
        "section": value.kind,
        "models": value.model,
        "what": value.metric,
        "label": value.label,
        "concerns": "; ".join(value.differs),
    }
    change = value.change
    if change is None:
        return row | {"claim": "refused"}
    row |= {"old": full(value.old.mean), "old_sd": full(value.old.sd), "old_n": value.old.n}
    row |= {"new": full(value.new.mean), "new_sd": full(value.new.sd), "new_n": value.new.n}
    row |= {name: full(getattr(change, name)) for name in ("low", "high", "p", "p_holm")}
    row |= {"change": full(change.value) if change.n else None, "n": change.n}
    return row | {"covers": change.covers, "claim": change.verdict}
