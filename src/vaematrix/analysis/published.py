"""The matrices that the paper printed, beside what their rows add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from vaematrix.analysis.decimals import decimal
from vaematrix.analysis.matrix import score

Total = Literal["printed", "recomputed"]


@dataclass(frozen=True)
class PublishedRow:
    """A line that the paper printed.

    Attributes:
        our_score: what the rubric gives to the printed value.
        weighted: as printed.
        recomputed: the printed score × weight / 100.
    """

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
    """A matrix that the paper printed.

    Attributes:
        number: the table's number in the paper.
        printed: the total as printed.
        recomputed: the sum of the rows.
        under: the total of the printed scores under the weights of each published table.
    """

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
    return [_published_table(key, tables, rubric) for key in tables]


def _published_table(key: str, tables: Mapping[str, Any], rubric: Mapping[str, Any]) -> PublishedTable:
    table = tables[key]
    rows = tuple(_published_row(metric, row, rubric) for metric, row in table["rows"].items())
    scores = {row.key: row.score for row in rows}

    def total_under(weighting: str) -> Decimal:
        weights = {metric: decimal(row["weight"]) for metric, row in tables[weighting]["rows"].items()}
        return sum((scores[metric] * weight / 100 for metric, weight in weights.items()), Decimal(0))

    return PublishedTable(
        key=key,
        number=table["number"],
        name=table["name"],
        rows=rows,
        printed=decimal(table["total"]),
        recomputed=sum((row.recomputed for row in rows), Decimal(0)),
        under={weighting: total_under(weighting) for weighting in tables},
    )


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


def leaders(tables: Sequence[PublishedTable], by: Total) -> list[PublishedTable]:
    """The published tables with the highest total."""
    best = max((getattr(table, by) for table in tables), default=None)
    return [table for table in tables if getattr(table, by) == best]
