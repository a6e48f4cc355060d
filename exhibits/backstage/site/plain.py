"""The site for readers that are no browsers: each page as Markdown, with its data, a list of them all, and a feed.

    python -m exhibits.backstage.site.plain FOLDER

FOLDER is the built site, by whichever builder. Beside each index.html comes index.md: what the fences made of
recordings and measurements is in it, which the pages' own Markdown only asks for. /llms.txt (https://llmstxt.org/)
lists the pages with what each says of itself, and /feed.xml (Atom, RFC 4287) what is new, from docs/news.toml.
"""

import re
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ProcessPoolExecutor
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

from exhibits.backstage.running import ROOT
from exhibits.backstage.site.files import settings
from exhibits.backstage.site.reference import fresh, fresh_id

# What serves the pointer and the eye only: buttons, drawings, and the bytes as letters beside the bytes.
UNTOLD = ".headerlink, .md-content__button, button, svg, script, form, [aria-hidden=true], .says, .legend"
ATOM = "http://www.w3.org/2005/Atom"


def markdown(html, address):
    """A page (str, HTML) of this address as Markdown: its article, without what works by a press only."""
    article = BeautifulSoup(html, "html.parser").find("article")
    for element in article.select(UNTOLD):
        element.decompose()
    for link in article.select("a[href]"):
        link["href"] = urljoin(address, link["href"])
    text = MarkdownConverter(heading_style="ATX", bullets="-", escape_underscores=False).convert_soup(article)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def write(path, address):
    """Put index.md beside a page (Path) of this address; return its title and description."""
    html = path.read_text(encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(html, address), encoding="utf-8")
    title = unescape(re.search(r"<title>(.*?)</title>", html)[1])
    description = re.search(r'<meta name="description" content="([^"]*)">', html)
    return title, unescape(description[1]) if description else ""


def pages(folder):
    """The pages of a built site (Path), in the order of the navigation; those that are not in it come last."""
    listed = re.findall(r"^ +- (?:[^:\n]+: )?([\w./-]+)\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    order = [folder / name.removesuffix("index") / "index.html" for name in listed]
    return [*order, *sorted(set(folder.rglob("index.html")) - set(order))]


def listing(folder, told):
    """The text of llms.txt; `told` is what `write` returned for each of the pages."""
    about = re.search(r"^site_description: (.*)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)[1]
    site = settings()["site_url"]
    lines = [f"- [{title}]({site}{page.with_suffix('.md').relative_to(folder).as_posix()}): {description}"
             for page, (title, description) in told.items()]
    return "\n".join(["# From CGI to ASGI", "", f"> {about}", "", "## Pages", "", *lines, ""])


def feed():
    """What is new as an Atom feed (bytes); an entry's id is its page, with the day, so that none comes twice."""
    site = settings()["site_url"]
    root = ET.Element("feed", xmlns=ATOM)
    ET.SubElement(root, "title").text = "From CGI to ASGI: what is new"
    ET.SubElement(root, "id").text = site
    ET.SubElement(root, "link", rel="self", href=f"{site}feed.xml")
    ET.SubElement(root, "link", href=f"{site}news/")
    ET.SubElement(ET.SubElement(root, "author"), "name").text = "From CGI to ASGI"
    ET.SubElement(root, "updated").text = f"{fresh()[0]['date']}T00:00:00Z"
    for item in fresh():
        entry = ET.SubElement(root, "entry")
        ET.SubElement(entry, "title").text = item["title"]
        ET.SubElement(entry, "id").text = f"{site}news/#{fresh_id(item)}"
        ET.SubElement(entry, "link", href=site + item["page"])
        ET.SubElement(entry, "updated").text = f"{item['date']}T00:00:00Z"
        ET.SubElement(entry, "summary").text = item["text"]
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1], "index.html").exists():
        sys.exit(f"usage: python -m {__spec__.name} FOLDER   (a site that is built: nox -s docs)")
    folder = Path(sys.argv[1])
    found, site = pages(folder), settings()["site_url"]
    addresses = [site + page.relative_to(folder).as_posix().removesuffix("index.html") for page in found]
    with ProcessPoolExecutor() as pool:
        told = dict(zip(found, pool.map(write, found, addresses), strict=True))
    (folder / "llms.txt").write_text(listing(folder, told), encoding="utf-8")
    (folder / "feed.xml").write_bytes(feed())


if __name__ == "__main__":
    main()
