"""Names and tables in LaTeX: any text compiles, any name has a macro and a file of its own."""

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from vaematrix.common.errors import UserError

if TYPE_CHECKING:  # half a second to import, and the Snakefile asks for file names only
    import pandas as pd

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "/": r"/\allowbreak{}",  # paths are long
    # After `\\` or `\midrule` TeX would take these for an option.
    "[": "{[}",
    "*": "{*}",
    "±": r"$\pm$",
    "≠": r"$\neq$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "×": r"$\times$",
    "−": "$-$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "’": "'",
    "…": r"\dots{}",
    "\u00a0": "~",
}
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta",
    "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_DIGITS = {
    "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven",
    "8": "eight", "9": "nine",
}  # fmt: skip


def escape(text: object) -> str:
    """Write any text so that pdflatex prints it as it stands.

    Greek letters and the signs that tables use become mathematics; a character for which the fonts of a plain
    LaTeX installation have no glyph (most beyond Latin Extended-A) is printed as its code point, `U+6A21`.

    Args:
        text: anything; its `str` is printed, with runs of white space as one space.
    """
    normal = unicodedata.normalize("NFC", " ".join(str(text).split()))
    escaped = "".join(_escape_character(character) for character in normal)
    return re.sub(r"([-,'])(?=\1)", r"\1{}", escaped)  # `--`, `,,` and `''` are ligatures


def _escape_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _GREEK:
        return rf"$\{_GREEK[character]}$"
    printable = character.isprintable() and ord(character) < 0x180 and character not in "ĦħĸĿŀŉŦŧſ"
    return character if printable else rf"\texttt{{U+{ord(character):04X}}}"


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


# What macros say of each model beside its metrics, `\\vmTotalOfVae`, and how the names of others begin.
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


def table(frame: "pd.DataFrame", *, align: str, needs: str, source: str) -> str:
    r"""Set a table of strings as a `tabular` with booktabs rules, to be \input.

    Args:
        frame: cells and column names as plain text; `None` is printed as a dash.
        align: the column letters, such as `lrr`.
        needs: the packages that the fragment needs, for its first line.
        source: the runs it was made from, for its first line.
    """
    body = (
        frame.style.hide(axis="index")
        .format(escape, na_rep="--")
        .format_index(escape, axis=1)
        .to_latex(hrules=True, column_format=align)
    )
    return comment(needs, source) + body


def comment(needs: str, source: str) -> str:
    """The first line of a fragment: what it needs and where it comes from."""
    return f"% needs: {needs}; made by vaematrix from {' '.join(source.split())}\n"
