"""What the wires of all rooms share: the name of a piece of bytes, and the base of their errors.

A room's `wire.py` turns bytes into messages and back and touches no socket; its
`explain.py` names every byte of a piece of traffic, in order, each byte in
exactly one `Field`.
"""

from typing import NamedTuple


class Field(NamedTuple):
    """A run of bytes with one meaning.

    offset, length: where it stands, in bytes.
    name: what the specification calls it ("contentLength").
    value: what it says here, for people ("70000", "REQUEST_METHOD").
    meaning: what it is for, in a sentence.
    section: where that is laid down ("FastCGI 1.0 section 3.3").
    """

    offset: int
    length: int
    name: str
    value: str
    meaning: str
    section: str


class Malformed(ValueError):
    """Bytes that no peer may send; the sentence says why. What somebody handles apart is a subclass.

    offset: where in the stream the first wrong byte stands (int).
    """

    def __init__(self, sentence: str, offset: int) -> None:
        super().__init__(f"{sentence} (at byte {offset})")
        self.offset = offset


def shown(data: bytes | bytearray, longest: int = 60) -> str:
    """Bytes as text for people, cut where it gets long."""
    text = data[:longest].decode("latin-1")
    return text if len(data) <= longest else f"{text}… ({len(data)} bytes)"


class CutOff(Malformed):
    """The bytes end too early: what is there may be right."""


def gaps(fields: list[Field], data: bytes) -> str | None:
    """Where the fields do not cover the data, each byte exactly once, in order: a sentence, or None."""
    end = 0
    for field in fields:
        if field.offset != end or field.length < 1:
            return f"{field.name} stands at {field.offset} with length {field.length}, and not at {end}"
        end += field.length
    return None if end == len(data) else f"the fields end at {end} of {len(data)} bytes"
