"""The poster is what the recordings of today give, and everything stands within its panel and on the sheet."""

import re
from html import unescape

from exhibits import catalog
from exhibits.backstage.site import poster

TEXT = re.compile(r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" font-family="([\w-]+)">(.*)</text>')


def test_the_poster_is_drawn_from_the_recordings_of_today():
    assert poster.FILE.read_text(encoding="utf-8") == poster.poster(), "python -m exhibits.backstage.site.poster"


def test_nothing_of_the_poster_is_cut_or_covered():
    found = [(float(x), float(y), float(size), face, unescape(words))
             for x, y, size, face, words in TEXT.findall(poster.poster())]
    assert [stage.title for stage in catalog.STAGES] == [
        words.rpartition(",")[0] for *_, size, face, words in found if (size, face) == (7, "serif")]
    rights = {}
    for x, y, size, _, words in sorted(found):
        assert y <= poster.HEIGHT - 7
        if size == poster.LETTER:  # a dump: no part of a line runs into the next, or out of the panel
            assert size >= 3, "eight and a half points"
            column = int((x - poster.MARGIN) // (poster.PANEL + poster.GAP))
            assert x >= rights.get((column, y), 0), words
            rights[column, y] = x + 0.6 * size * len(words)
            assert rights[column, y] <= poster.MARGIN + column * (poster.PANEL + poster.GAP) + poster.PANEL + 0.1, words
    assert max(y for _, y in rights) < poster.HEIGHT - 14
