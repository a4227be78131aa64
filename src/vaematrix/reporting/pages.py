"""HTML pages from templates: each is one file that leads nowhere else, to be mailed and read offline."""

from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).with_name("templates")


def page(template: str, **values: Any) -> str:
    """Fill a template; text is escaped where the template does not say that it is HTML."""
    import jinja2

    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    return environment.get_template(template).render(values)
