"""The texts that explanations.toml quotes, as `SPECIFICATIONS=FOLDER` has them, cut into their sections.

FOLDER holds the files named in FILES, got where ADDRESSES tells. What a file lacks, or a folder, is not looked at.
"""

import re
from pathlib import Path

# A document as sections name it: (file in FOLDER, address, what begins a section there: its number or title).
RFC = re.compile(r"^(?:Appendix )?((?:[A-Z]|\d+)(?:\.\d+)*)\. +(\S.*)$", re.MULTILINE)
MARKDOWN = re.compile(r'^#+ <a name="S([\d.]+)">(.*)$', re.MULTILINE)
NUMBERED = re.compile(r"^(\d)\. (\S.*)$", re.MULTILINE)
TITLED = re.compile(r"^(?!\.\. )(\S.*)()\n([=\-~'])\3{3,}$", re.MULTILINE)
RFCS = "https://www.rfc-editor.org/rfc/"
ASGIREF = "https://github.com/django/asgiref/blob/main/specs/"
DOCUMENTS = {
    **{f"RFC {number}": (f"rfc{number}.txt", RFCS + f"rfc{number}.txt", RFC)
       for number in (3875, 3986, 4918, 6265, 6454, 6455, 6761, 7692, 9110, 9111, 9112, 9113, 9114)},
    "FastCGI 1.0": ("FastCGI_Specification.md", "https://github.com/FastCGI-Archives/fastcgi-archives.github.io",
                    MARKDOWN),
    "SCGI": ("protocol.txt", "https://python.ca/scgi/protocol.txt", NUMBERED),
    "The uwsgi Protocol": ("Protocol.rst", "https://github.com/unbit/uwsgi-docs", TITLED),
    "PEP 3333": ("pep-3333.rst", "https://github.com/python/peps/blob/main/peps/pep-3333.rst", TITLED),
    "ASGI": ("asgi.rst", ASGIREF + "asgi.rst", TITLED),
    "ASGI HTTP & WebSocket": ("www.rst", ASGIREF + "www.rst", TITLED),
    "ASGI Lifespan": ("lifespan.rst", ASGIREF + "lifespan.rst", TITLED),
}  # fmt: skip
SECTION = re.compile(r"(.*?)(?: section | appendix | § )(.*)")
NAMED = re.compile(r"(RFC \d+|FastCGI 1\.0|SCGI) (?:section |§ ?)(\d+(?:\.\d+)*)")
DECLARED = re.compile(r'"§" (?:is|names) a section of (?:the )?(RFC \d+|FastCGI|https://[a-z.-]+)')
MEANT = {"FastCGI": "FastCGI 1.0", "https://fastcgi-archives.github.io": "FastCGI 1.0", "https://python.ca": "SCGI"}
BRIEF = re.compile(r"(?<!RFC \d{4} )§ ?(\d+(?:\.\d+)*)")
LINKED = re.compile(r"https://(?:peps\.python\.org/pep-(3333)/|asgi\.readthedocs\.io/en/latest/specs/(\w+)\.html)#([\w-]+)")
LINKED_RFC = re.compile(r"https://www\.rfc-editor\.org/rfc/rfc(\d+)#section-([\d.]*\d)")
LINKED_FASTCGI = re.compile(r"https://fastcgi-archives\.github\.io/FastCGI_Specification\.html#S([\d.]*\d)")
PAGES = {"3333": "PEP 3333", "main": "ASGI", "www": "ASGI HTTP & WebSocket", "lifespan": "ASGI Lifespan"}
TITLE_OF_PEP = re.compile(r'\(PEP 3333, "([^"]+)"\)|"PEP 3333, ((?!WSGI)[A-Z][^";]+)"')
BRIEF_TITLE = re.compile(r"\(§ ((?:[^()]|\(\))+)\)")
PAGE_BREAK = re.compile(r"\n+[^\n]*\[Page \d+\]\n\f?\n*RFC \d+ [^\n]*\n+")
MARKUP = re.compile(r"</?tt>|[`*|]|\\(?=\.)|:\w+:(?=`)|(?<!\w)_(?=\w)|(?<=[\w.,])_(?!\w)")


def words(text):
    """A text as its words, without the marks of its format: quotations are compared so."""
    return re.sub(r"(?<=\w)- ", "-", " ".join(MARKUP.sub("", text).split()))


def sections(folder):
    """{section as explanations name it: its words} of every document that a folder (str) has."""
    found = {}
    for document, (file, _, heading) in DOCUMENTS.items():
        path = Path(folder) / file
        if not path.exists():
            continue
        text = PAGE_BREAK.sub("\n", path.read_text(encoding="utf-8"))
        starts = list(heading.finditer(text))
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            key = document, words(start[1])
            while key in found:  # a title that is there twice: WebSocket's is the second
                key = document, f"{key[1]} (ws)"
            found[key] = words(f"{start[2]} {text[start.end() : end and end.start()]}")
    return found


def cited(text):
    """The sections that a file names, as (document, section): in full, or by § where it says what § is."""
    for document, number in NAMED.findall(text):
        yield document, number
    if found := DECLARED.search(" ".join(text.split())):
        for number in BRIEF.findall(text):
            yield MEANT.get(found[1], found[1]), number


def linked(text):
    """The sections to which a text links, and the titles it names: (document, section, or its name in addresses)."""
    for number, section in LINKED_RFC.findall(text):
        yield f"RFC {number}", section
    for section in LINKED_FASTCGI.findall(text):
        yield "FastCGI 1.0", section
    for number, name, anchor in LINKED.findall(text):
        yield PAGES[number or name], anchor
    if '"§" names a section of PEP 3333' in " ".join(text.split()):
        for title in BRIEF_TITLE.findall(text):
            yield "PEP 3333", title
    for plain, quoted_title in TITLE_OF_PEP.findall(text):
        yield "PEP 3333", plain or quoted_title


def slug(title):
    """A title as addresses have it: "The write() Callable" is the-write-callable. A number stays as it is."""
    return title if title[:1].isdigit() else re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def quoted(section):
    """(document, section in it) of a section as explanations name it, or None."""
    named = SECTION.fullmatch(section)
    return named and (named[1], named[2])
