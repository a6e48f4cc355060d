"""Where a section of a specification that an explanation names can be read."""

import re
from html import escape

from exhibits import catalog
from exhibits.backstage.site.html import hyperlink, unique

# Pages whose sections have their titles for anchors.
TITLED = {
    "PEP 3333": "https://peps.python.org/pep-3333/",
    "ASGI": "https://asgi.readthedocs.io/en/latest/specs/main.html",
    "ASGI HTTP & WebSocket": "https://asgi.readthedocs.io/en/latest/specs/www.html",
    "ASGI Lifespan": "https://asgi.readthedocs.io/en/latest/specs/lifespan.html",
}
SECTIONS = [
    (re.compile(r"RFC (\d+)(?: section |.*§ ?)([\d.]+)"), r"https://www.rfc-editor.org/rfc/rfc\1#section-\2"),
    (re.compile(r"RFC (\d+) appendix ([A-Z.\d]+)"), r"https://www.rfc-editor.org/rfc/rfc\1#appendix-\2"),
    (re.compile(r"FastCGI 1\.0 section ([\d.]+)"), rf"{catalog.stage('fastcgi').url}#S\1"),
    (re.compile(r"SCGI section .*"), catalog.stage("scgi").url),
    (re.compile(r"The uwsgi Protocol §.*"), catalog.stage("uwsgi").url),
    (re.compile(r"Apache, Expressions § Variables"), "https://httpd.apache.org/docs/2.4/expr.html#vars"),
    (re.compile(r"Apache, (mod_\w+)"), r"https://httpd.apache.org/docs/2.4/mod/\1.html"),
    (re.compile(r"nginx, \$(\w+)"), r"https://nginx.org/en/docs/http/ngx_http_core_module.html#var_\1"),
    (re.compile(r"(\w+)\((\d)\)"), r"https://man7.org/linux/man-pages/man\2/\1.\2.html"),
]


def section_link(section):
    """The name of a section, linked to where it can be read if that is known."""
    page, _, title = section.partition(" § ")
    if page in TITLED:
        return hyperlink(f"{TITLED[page]}#{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}", escape(section))
    for pattern, address in SECTIONS:
        if found := pattern.fullmatch(section):
            return hyperlink(found.expand(address), escape(section))
    return escape(section)


def named(sections):
    """A paragraph that links all sections, each once."""
    links = ", ".join(f"<span>{section_link(section)}</span>" for section in unique(sections))
    return f'<p class="sections">Named here: {links}.</p>'
