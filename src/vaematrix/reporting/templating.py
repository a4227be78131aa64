"""Templates, filled as HTML or as LaTeX. A page of HTML is one file that loads no other, so that it can be mailed."""

from pathlib import Path
from typing import Any

import jinja2

from vaematrix.reporting import latex

TEMPLATES = Path(__file__).with_name("templates")


def fill_html(template: str, **values: Any) -> str:
    """Fill a template of HTML; text is escaped where the template does not say that it is HTML."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    return environment.get_template(template).render(values)


def fill_latex(template: str, **values: Any) -> str:
    """Fill a template of LaTeX; every text in it goes through the filter `tex`."""
    return _latex_environment().get_template(template).render(values)


def _latex_environment() -> jinja2.Environment:
    """Templates whose signs do not clash with LaTeX's braces."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # every text goes through the filter `tex`
    )
    environment.filters["tex"] = latex.escape
    # In narrow columns a long name may break after an underscore.
    environment.filters["breakable"] = lambda escaped: escaped.replace(r"\_", r"\_\allowbreak{}")
    return environment
