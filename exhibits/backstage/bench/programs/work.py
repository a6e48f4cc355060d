"""What the programs of the measurements have to do."""

from pathlib import Path

FILE = Path(__file__).resolve().parents[4] / "docs" / "assets" / "museum.css"  # a file such as a site really serves
PIECE = bytes(64 * 1024)


def compute():
    """Some milliseconds of Python without any waiting."""
    return sum(n * n % 7 for n in range(50_000))


def pieces(query):
    """How many pieces an answer of `mib=N` mebibytes has."""
    return int(query.removeprefix("mib=")) * 16
