"""Exact decimal numbers, and how they are rounded for print."""

from decimal import ROUND_HALF_UP, Decimal


def decimal(value: float | int | str | Decimal) -> Decimal:
    """The decimal number that the shortest text of `value` says."""
    return Decimal(str(value))


def rounded(value: Decimal, places: int) -> str:
    """Print with `places` decimals, halves away from zero, without a negative zero."""
    text = f"{value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):f}"
    return text.removeprefix("-") if not text.strip("-0.") else text
