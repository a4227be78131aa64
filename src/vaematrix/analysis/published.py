"""The matrices that the paper printed, beside what their rows add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from vaematrix.analysis.decimals import decimal
from vaematrix.analysis.matrix import score


@dataclass(frozen=True)
class PublishedRow:
    """A line the paper printed, with the score that our rubric gives to its value, and score × weight worked out."""

    key: str
    label: str
    value: Decimal
    score: int
    our_score: int
    weight: Decimal
    weighted: Decimal
    recomputed: Decimal


@dataclass(frozen=True)
class PublishedTable:
    """A matrix the paper printed: its printed total, the sum of its rows, and its total under each published set of
    weights."""

    key: str
    number: int
    name: str
    rows: tuple[PublishedRow, ...]
    printed: Decimal
    recomputed: Decimal
    under: Mapping[str, Decimal]

    @property
    def agrees(self) -> bool:
        """Whether the printed total is the sum of the rows."""
        return self.printed == self.recomputed


def recomputed_published(rubric: Mapping[str, Any]) -> list[PublishedTable]:
    """The paper's tables: what they print beside what their rows add up to."""
    tables = rubric["published"]["tables"]
    result = []
    for key, table in tables.items():
        rows = tuple(_published_row(metric, row, rubric) for metric, row in table["rows"].items())
        scores = {row.key: row.score for row in rows}
        under = {
            other: sum(
                (scores[m] * decimal(row["weight"]) / 100 for m, row in tables[other]["rows"].items()), Decimal(0)
            )
            for other in tables
        }
        recomputed = sum((row.recomputed for row in rows), Decimal(0))
        result.append(
            PublishedTable(key, table["number"], table["name"], rows, decimal(table["total"]), recomputed, under)
        )
    return result


def _published_row(key: str, row: Mapping[str, Any], rubric: Mapping[str, Any]) -> PublishedRow:
    rule, value, weight = rubric["metrics"][key], decimal(row["value"]), decimal(row["weight"])
    return PublishedRow(
        key=key,
        label=rule["label"],
        value=value,
        score=row["score"],
        our_score=score(value, rule),
        weight=weight,
        weighted=decimal(row["weighted"]),
        recomputed=row["score"] * weight / 100,
    )


def leaders(tables: Sequence[PublishedTable], by: Literal["printed", "recomputed"]) -> list[PublishedTable]:
    """The published tables with the highest total."""
    best = max((getattr(table, by) for table in tables), default=None)
    return [table for table in tables if getattr(table, by) == best]
