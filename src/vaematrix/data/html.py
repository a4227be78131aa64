"""Web pages where a file was asked for: what mirrors send when a quota is used up."""

import re


def looks_like_html(data: bytes) -> bool:
    """Whether a file that should hold data begins like a web page."""
    return bool(re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body|\?xml|!--)", data[:512], re.IGNORECASE))
