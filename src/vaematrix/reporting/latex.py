"""Any text, and tables of it, as LaTeX that compiles."""

import re
import unicodedata

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


def table(frame: pd.DataFrame, *, align: str, needs: str, source: str) -> str:
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
