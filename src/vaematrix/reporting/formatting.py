"""How numbers, intervals, costs and hashes are written: in print, and in full for CSV."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.differences import Difference
from vaematrix.analysis.matrix import Spread


def full(value: Decimal | Fraction | float | None) -> str | None:
    """All digits of a number, in the shortest form that a float is read back from."""
    return None if value is None else repr(float(value)).removesuffix(".0")


def printed(spread: Spread | None, places: int) -> str | None:
    """`mean` or `mean ± sd`; None where there is nothing to print."""
    if spread is None:
        return None
    mean = rounded(spread.mean, places)
    return mean if spread.sd is None else f"{mean} ± {rounded(spread.sd, places)}"


def number(value: float, places: int) -> str:
    """A number in print, with a minus sign that is one; a dash where there is none."""
    return "–" if value != value else rounded(Decimal(repr(value)), places).replace("-", "−")


def interval(difference: Difference, places: int) -> str | None:
    """The interval of a difference in print; None where it has none."""
    if difference.low is None or difference.high is None:
        return None
    return f"[{number(difference.low, places)}, {number(difference.high, places)}]"


def weight_percent(weight: Decimal) -> str:
    """A weight in percent, with the decimals that it has."""
    return f"{weight.normalize():f}%"


def percent(share: Fraction) -> str:
    """A share in percent, with one decimal."""
    return rounded_fraction(100 * share, 1)


def rounded_fraction(value: Fraction, places: int) -> str:
    """A fraction in print, with `places` decimals."""
    return rounded(Decimal(value.numerator) / value.denominator, places)


def short_hash(value: Any) -> str:
    """The beginning of a hash, with a plus where it is of a commit and files differed from it; a dash for None."""
    text = str(value) if value else "–"
    mark = "+" if text.endswith("+changes") else ""
    return text if len(text) <= 12 else text[:12] + mark


def cost_text(value: float | None, divisor: float, places: int) -> str:
    """A number of a run.json over `divisor`, as text; a dash where there is none."""
    return "–" if value is None else f"{value / divisor:,.{places}f}"
