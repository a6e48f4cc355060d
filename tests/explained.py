"""What tests of explanations share: the table of the words they rest on, and whether some fields are right."""

import re
import tomllib
from pathlib import Path

from exhibits.shared.fields import gaps

TABLE = tomllib.loads((Path(__file__).parent / "explanations.toml").read_text(encoding="utf-8"))
SENTENCE = re.compile(r"(?<=\.) (?=[A-Z\d])")


def sentences(meaning):
    """The sentences of a meaning: each rests on words of its own."""
    return SENTENCE.split(meaning)


def fault(fields, data):
    """What is wrong with an explanation (list of Field) of some data (bytes): a sentence, or None."""
    for field in fields:
        for sentence in sentences(field.meaning):
            if sentence not in TABLE.get(field.section, ()):
                return f"explanations.toml has no words of {field.section} for: {sentence}"
    return gaps(fields, data)
