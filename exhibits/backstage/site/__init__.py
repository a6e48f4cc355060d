"""The fences of the site: what Markdown cannot say, rendered from the catalog and the other data.

A page under `docs/` asks for one with a fenced code block that has its name:

    ```servers
    wsgi
    ```

`mkdocs.yml` maps the name to a function in one of these files. The function takes the text in the
fence and returns HTML. Whatever goes wrong stops the build.
"""

import re
from functools import wraps
from urllib.parse import urlsplit

# They have so many words that the search would find them for any: what is in them is found in the prose about it.
UNSEARCHED = {"agreement", "cells", "differences", "fronted", "matrix", "not-testable", "passes", "reasons", "servers",
              "sources", "tally"}


def fence(render):
    """Make a formatter for superfences of render(text in the fence) -> HTML."""

    @wraps(render)
    def formatter(source, language, class_name, options, md, **more):
        try:
            html = from_the_root(render(source.strip()))
            # An article: the builder would take the end of any other div inside a div for the end of what to skip.
            return f"<article data-search-exclude>{html}</article>" if language in UNSEARCHED else html
        except Exception as error:  # any other kind would be printed into the page as code
            from pymdownx.superfences import SuperFencesException  # what draws runs without Markdown, too

            raise SuperFencesException(f"fence {language} {source.strip()!r}: {error!r}") from error

    return formatter


def from_the_root(html):
    """The same HTML, its links up to the site's root, and on from there, as paths of the address where it is published.

    MkDocs leaves a relative link in HTML as it is, Zensical counts it from elsewhere, and both leave a path alone.
    """
    from exhibits.backstage.site.files import settings  # which is full of fences itself

    return re.sub(r'((?:href|src|data-run)=")(?:\.\./)+', rf"\g<1>{urlsplit(settings()['site_url']).path}", html)
