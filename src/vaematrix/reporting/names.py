"""Names of macros and of files for any model and metric, no two alike. Light: the Snakefile asks for file names."""

import re
from collections.abc import Iterable

from vaematrix.common.errors import UserError

_DIGITS = {
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven",
    "8": "eight", "9": "nine",
}  # fmt: skip


def macro_word(name: str) -> str:
    r"""Spell a name with letters alone, so that it can stand in the name of a macro; no two names share a word.

    `beta_vae` becomes `BetaVae`: an underscore before a lower-case letter makes it a capital, and so does the
    beginning. All else is spelt after a capital X: a digit as its English word, `vae2` → `VaeXtwo`, capitalised after
    an underscore, `vae_2` → `VaeXTwo`; a word that begins with x as `Xx`; any other character as `Xu`, the hexadecimal
    digits of its code point written a to p, and `x`. No code begins another, so that the name can be read back.
    """
    word, rest = "", "_" + name
    while rest:
        after = rest[1:2]
        if rest[0] == "_" and "a" <= after <= "z":
            word, rest = word + ("Xx" if after == "x" else after.upper()), rest[2:]
        elif rest[0] == "_" and after in _DIGITS and after:
            word, rest = word + "X" + _DIGITS[after].capitalize(), rest[2:]
        elif "a" <= rest[0] <= "z":
            word, rest = word + rest[0], rest[1:]
        elif rest[0] in _DIGITS:
            word, rest = word + "X" + _DIGITS[rest[0]], rest[1:]
        else:
            code = "".join(chr(ord("a") + int(digit, 16)) for digit in f"{ord(rest[0]):x}")
            word, rest = f"{word}Xu{code}x", rest[1:]
    return word


# What macros say of each model besides its metrics, as in `\\vmTotalOfVae`, and how the names of other macros begin.
MODEL_WORDS = ("SeedCount", "Name", "Total", "TotalSd", "Share", "ContinuousShare")
OTHER_BEGINNINGS = ("Floor", "Published")


def metric_word(key: str) -> str:
    """A metric in the names of macros."""
    return {"mse_pm1": "Mse", "mse_01": "MseUnit"}.get(key) or macro_word(key)


def check_metric_names(keys: Iterable[str]) -> None:
    """Refuse a metric whose macros, its value's, its sd's or its score's, would be those of another number.

    Raises:
        UserError: with both.
    """
    taken = dict.fromkeys(MODEL_WORDS, "a number of every model")
    for key in keys:
        if metric_word(key).startswith(OTHER_BEGINNINGS):
            raise UserError(f"the metric {key!r}: names that begin so are of floors and published numbers; rename it.")
        for word in (metric_word(key) + end for end in ("", "Sd", "Score")):
            if word in taken:
                raise UserError(
                    f"the metric {key!r}: in the tables, \\vm{word}Of… is the name of {taken[word]}; rename the metric."
                )
            taken[word] = f"the metric {key!r}"


def file_word(name: str) -> str:
    r"""Spell a name with the characters that every file system and \input can take; no two names share a word.

    Letters, digits, `_` and `-` stay; every other byte of its UTF-8 form becomes `+` and two hexadecimal digits.
    """
    return re.sub(rb"[^A-Za-z0-9_-]", lambda byte: b"+%02x" % byte[0][0], name.encode()).decode()


def matrix_file(model: str) -> str:
    """The name of a model's LaTeX fragment."""
    return f"matrix_{file_word(model)}.tex"


def published_file(key: str) -> str:
    """The name of the fragment of a published matrix."""
    return f"published_{file_word(key)}.tex"
