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


def fence(render):
    """Make a formatter for superfences of render(text in the fence) -> HTML."""

    @wraps(render)
    def formatter(source, language, class_name, options, md, **more):
        try:
            return from_the_root(render(source.strip()))
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
