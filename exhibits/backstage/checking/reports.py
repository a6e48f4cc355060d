"""What came of holding a server to its checks: the verdict, JSON and JUnit's XML, and what is accepted beforehand."""

import json
import platform
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree

from exhibits.backstage.checking.holding import NOT_ASKED, PARTS, VERDICTS, Finding
from exhibits.backstage.running import CannotStart
from exhibits.backstage.running.installed import package_version

LONGEST = 2000  # bytes that a report shows of what was sent or received


@dataclass
class Report:
    """subject: what was checked, {name: value}. known: {name of a check: why it is accepted}. seconds: it took."""

    subject: dict
    known: dict[str, str]
    findings: list[Finding] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0

    @property
    def broken(self):
        """What is not as it has to be and not accepted."""
        return [each for each in self.findings if not (each.kept or each.name in self.known)]

    @property
    def over(self):
        """The names of what is accepted and happens no more."""
        return [each.name for each in self.findings
                if each.kept and each.verdict != NOT_ASKED and each.name in self.known]

    @property
    def kept(self):
        return not (self.broken or self.over)

    def counts(self, part):
        """{verdict: how often}, in the order of VERDICTS, without zeros."""
        seen = Counter(each.verdict for each in self.findings if each.check.part == part)
        return {verdict: seen[verdict] for verdict in VERDICTS if seen[verdict]}

    def end(self):
        self.seconds = round(time.monotonic() - self.began, 1)

    def as_json(self):
        return {
            "kept": self.kept, **self.subject, "museum": museum(), "date": datetime.now(UTC).date().isoformat(),
            "system": platform.system(), "seconds": self.seconds,
            "counts": {part: counts for part in PARTS if (counts := self.counts(part))},
            "no longer": self.over,
            "findings": {each.name: told(each, self.known) for each in self.findings},
        }

    def as_text(self):
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False)

    def as_junit(self):
        """JUnit's XML, as build servers read it: a suite for each part, a failure for each finding not accepted."""
        root = ElementTree.Element("testsuites", name="check", time=str(self.seconds))
        for part in PARTS:
            if not (found := [each for each in self.findings if each.check.part == part]):
                continue
            failed = [each for each in found if each in self.broken or each.name in self.over]
            skipped = [each for each in found if each.verdict == NOT_ASKED or (not each.kept and each not in failed)]
            suite = ElementTree.SubElement(root, "testsuite", name=part, tests=str(len(found)), errors="0",
                                           failures=str(len(failed)), skipped=str(len(skipped)))
            properties = ElementTree.SubElement(suite, "properties")
            for name, value in self.subject.items():
                ElementTree.SubElement(properties, "property", name=name, value=printable(as_words(value)))
            for each in found:
                case = ElementTree.SubElement(suite, "testcase", classname=part, name=printable(each.name))
                if each in skipped:
                    why = each.why if each.verdict == NOT_ASKED else f"known: {self.known[each.name]}"
                    ElementTree.SubElement(case, "skipped", message=printable(why))
                elif each in failed:
                    message = NO_LONGER if each.name in self.over else f"{each.verdict}: {each.why}"
                    failure = ElementTree.SubElement(case, "failure", message=printable(message), type=each.verdict)
                    failure.text = printable("\n".join(explained(each)))
        ElementTree.indent(root)
        return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"


NO_LONGER = "accepted as known, and it is right now: take it out of the file"


def museum():
    return package_version("from-cgi-to-asgi") or "a clone"


def as_words(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return " ".join(value) if isinstance(value, list) else str(value)


def told(finding, known):
    """A Finding for machines: bytes as latin-1 text, only where something is to be looked at."""
    if finding.verdict == VERDICTS[0]:
        return {"verdict": finding.verdict}
    seen = {} if finding.verdict == NOT_ASKED else {
        "asks": finding.check.asks, "section": finding.check.section, "sent": shown(finding.sent),
        "received": shown(finding.received)}
    accepted = {"known": known[finding.name]} if finding.name in known else {}
    return {"verdict": finding.verdict, "why": finding.why, **seen, **accepted}


def shown(data):
    """Bytes as latin-1 text; of many, the first ones."""
    left = len(data) - LONGEST
    return data[:LONGEST].decode("latin-1") + (f" … {left} more bytes" if left > 0 else "")


def explained(finding):
    """A Finding for people, as lines of text."""
    where = f" ({finding.check.section})" if finding.check.section else ""
    yield f"asked: {finding.check.asks}{where}"
    yield f"found: {finding.why}"
    for name, data in ("sent", finding.sent), ("received", finding.received):
        if data:
            yield f"{name}:"
            yield from (f"  {line}" for line in lines(data))


def lines(data, most=12):
    """Bytes as lines of ASCII, every byte that is none escaped; of many, the first ones."""
    found = [repr(line)[2:-1] for line in data[:LONGEST].splitlines(keepends=True)]
    found = [line if len(line) < 100 else f"{line[:90]} … ({len(line)} characters)" for line in found]
    return found[:most] + (["…"] if len(found) > most or len(data) > LONGEST else [])


def printable(text):
    """Text as XML may hold it: no control characters (XML 1.0 section 2.2)."""
    return "".join(each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
                   for each in text)


def read_known(file, names):
    """{name of a check: why it is accepted} of a TOML file; CannotStart where it says something else."""
    try:
        known = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotStart(f"{file}: {error}") from None
    for name, why in known.items():
        if not (isinstance(why, str) and why.strip()):
            raise CannotStart(f'{file}: each line is the name of a check and why it is accepted, '
                              f'"rude/short" = "…", and {name!r} is not')
        if name not in names:
            raise CannotStart(f"{file}: there is no check {name!r} here; --list names them all")
    return known
