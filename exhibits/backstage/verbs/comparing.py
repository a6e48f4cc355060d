"""`compare`: the same request to every stack, side by side."""

import json
import os
import re
import sys
from collections import Counter
from concurrent.futures import as_completed
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from exhibits import contract
from exhibits.asking import request
from exhibits.backstage import checking
from exhibits.backstage.ending import workers
from exhibits.backstage.running import CannotStart, Exhibit, missing
from exhibits.backstage.terminal import escape
from exhibits.backstage.visiting import Answer
from exhibits.catalog.differences import known_difference

AT_ONCE = 6  # stacks that are started at the same time
ALONE = "no other stack gave this response"


@dataclass
class Result:
    """What one stack answered; trouble: why there is no answer.

    faults: what is wrong with it whatever the others say, usual: of those, what each answer of this stack has.
    """

    stack: object
    answer: Answer | None = None
    trouble: str = ""
    faults: tuple[str, ...] = ()
    usual: frozenset[str] = frozenset()
    differs: tuple[str, ...] = ()
    known: object = None

    @property
    def identical(self):
        return self.answer is not None and not self.differs

    @property
    def unexplained(self):
        return not self.identical and not self.known


def compare(stacks, options):
    """Ask every stack, print a table or JSON; return 0 if all answers agree or differ by a known difference, else 1."""
    sent = the_request(options)
    lacking = {stack.name: missing(stack) or unsayable(stack, sent) for stack in stacks}
    runnable = [stack for stack in stacks if not lacking[stack.name]]
    results = ask_all(runnable, sent)
    judge(results, sent)
    if options.json:
        print(json.dumps(as_json(sent, results, lacking), indent=2))
    else:
        show(sent, results, lacking, options.svg)
    return int(not results or any(result.unexplained for result in results))


def the_request(options):
    """The bytes every stack gets, from what the visitor asked for. A Host of his own takes the place of ours."""
    headers, host = list(options.headers), {}
    if named := next((header for header in headers if header.lower().startswith("host:")), ""):
        headers.remove(named)
        host = {"host": named.partition(":")[2].strip()}
    body = os.fsencode(options.data or "")
    if body and not any(header.lower().startswith("content-type:") for header in headers):
        headers.append(contract.FORM)
    return request(options.method or ("POST" if body else "GET"), options.path, *headers, body=body, **host)


def unsayable(stack, sent):
    """Why a stack that is here cannot be asked this: sentences. HTTP/2 and 3 have no words for what is no HTTP/1.1."""
    if not stack.encrypted:
        return []
    from h11 import RemoteProtocolError

    from exhibits.backstage.visiting.encrypted import Said

    try:
        Said([sent])
    except RemoteProtocolError as error:
        return [f"{stack.carrier} cannot say this request: {error}"]
    return []


def ask_all(stacks, sent):
    """One Result for each stack, in their order, with a progress bar on a terminal."""
    console = Console(stderr=True)
    with (
        workers(AT_ONCE) as pool,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("asking", total=len(stacks))
        futures = [pool.submit(ask, stack, sent) for stack in stacks]
        for _ in as_completed(futures):
            progress.advance(task)
        return [future.result() for future in futures]


def ask(stack, sent):
    try:
        # Each stack has a guestbook of its own with the same entry, so that signing gives the same id.
        with Exhibit(stack) as exhibit:
            contract.seed(exhibit.guestbook).close()
            with exhibit.visitor(timeout=15) as visitor:
                answer = visitor.ask(sent)
                faults = checking.faults(visitor, answer, sent)
            with exhibit.visitor(timeout=15) as visitor:
                faults += length_faults(visitor, answer, sent)
            return Result(stack, answer, "", tuple(faults), frozenset(checking.usual_faults(exhibit.place)))
    except (CannotStart, OSError) as reason:  # it does not start, or is gone
        return Result(stack, trouble=str(reason))


def length_faults(visitor, answer, sent):
    """What is wrong with the Content-Length of an answer that has no body: it is that of GET (RFC 9110 section 8.6)."""
    length = answer.compared().get("content-length")
    method, rest = sent.split(b" ", 1)
    if length is None or (method != b"HEAD" and answer.status != 304):
        return []
    plainly = visitor.ask(b"GET " + re.sub(rb"(?i)\r\nif-[\w-]+:[^\r]*", b"", rest))
    right = None if plainly.status == 304 else str(len(plainly.body))
    return [] if length == right else [f"content-length {length}, and GET has {right} (RFC 9110 section 8.6)"]


def judge(results, sent):
    """Mark what differs from the answer most stacks gave, or that no two gave the same; and what is wrong by itself."""
    keys = [key(result.answer) for result in results if result.answer]
    if not keys:
        return
    common, times = Counter(keys).most_common(1)[0]
    reference = next(result.answer for result in results if result.answer and key(result.answer) == common)
    for result in results:
        if result.answer:
            differs = deviations(result.answer, reference) if times > 1 or len(keys) == 1 else [ALONE]
            result.differs = (*differs, *result.faults)
        if not result.identical:
            result.known = explanation(result, sent)


def key(answer):
    """What has to be the same. Content-Length is framing: a body that is the same has the same."""
    headers = {name: value for name, value in answer.compared().items() if name != "content-length"}
    return answer.status, json.dumps(headers), settled(answer.body), answer.complete


def settled(body):
    """The body without what a gateway says of its own connection, its port included: the contract compares that."""
    return re.sub(rb'"connection":\{[^{}]*\}', b"", body)


def deviations(answer, reference):
    """What an Answer has otherwise than another, as sentences."""
    if answer.status != reference.status:
        yield f"status {answer.status or 'none'}, not {reference.status}"
    ours, theirs = answer.compared(), reference.compared()
    for name in sorted((ours.keys() | theirs.keys()) - {"content-length"}):
        if ours.get(name) != theirs.get(name):
            yield f"{name}: {ours.get(name)}, not {theirs.get(name)}"
    if settled(answer.body) != settled(reference.body):
        yield f"body {checking.shortened(answer.body)}"
    if answer.complete != reference.complete:
        yield "the response was cut off"


def explanation(result, sent):
    """The known difference of the stack in a case that sends the very same request, or in what it answers ever."""
    stack = result.stack
    if result.differs and result.usual.issuperset(result.differs):
        return known_difference(stack, contract.MANNERS)
    for case in contract.CASES:
        if any(step.request.replace(b"{mount}", b"") == sent for step in case.steps):
            if known := known_difference(stack, case.name):
                return known
    return None


def show(sent, results, lacking, svg=None):
    console = Console(highlight=False, record=bool(svg), width=110 if svg else None)
    head, _, body = sent.decode("latin-1").partition("\r\n\r\n")
    console.print(f"[bold]{escape(head)}[/]" + (f"\n\n{escape(body)}" if body else ""), soft_wrap=True)
    table = Table("stack", "interface", "carrier", "status", "bytes", "the response", box=box.SIMPLE_HEAD)
    for result in results:
        stack, answer = result.stack, result.answer
        verdict = "[green]identical[/]"
        if not result.identical:
            verdict = f"[red]{escape('; '.join(result.differs) or result.trouble)}[/]"
            if result.known:
                verdict += f"\n[yellow]known: {escape(result.known.happens)} {escape(result.known.why)}[/]"
        status, size = (str(answer.status or "–"), str(len(answer.body))) if answer else ("–", "–")
        table.add_row(stack.name, stack.interface, stack.carrier, status, size, verdict)
    console.print(table)
    for name, sentences in lacking.items():
        if sentences:
            console.print(f"not asked: {name}, {'; '.join(sentences)}")
    same = [result for result in results if result.identical]
    if same:
        answer = same[0].answer
        console.print(f"{len(same)} of {len(results)} gave this response:\n")
        console.print(f"[cyan]{answer.status}[/]")
        for name, value in answer.compared().items():
            for each in value if isinstance(value, list) else [value]:
                console.print(f"[cyan]{escape(name)}[/]: {escape(each)}", soft_wrap=True)
        text = answer.body.decode("utf-8", "replace")
        console.print("\n" + escape(text if len(text) < 2000 else text[:2000] + " …"), soft_wrap=True)
    elif any(ALONE in result.differs for result in results):
        console.print("No two of them gave the same answer.")
    elif not any(result.answer for result in results):
        print("exhibits: no stack here can run", file=sys.stderr)
    if svg:
        picture = console.export_svg(title="python -m exhibits compare")
        # rich names a font on another host; whoever looks at the picture shall ask nobody for it.
        svg.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL), encoding="utf-8")


def as_json(sent, results, lacking):
    return {
        "request": sent.decode("latin-1"),
        "answers": [
            {
                "stack": result.stack.name,
                "identical": result.identical,
                "status": result.answer and result.answer.status,
                "headers": result.answer and result.answer.headers,
                "body": result.answer and result.answer.body.decode("utf-8", "replace"),
                "differs": list(result.differs),
                "known_difference": result.known and result.known.happens,
                "trouble": result.trouble,
            }
            for result in results
        ],
        "not_asked": {name: sentences for name, sentences in lacking.items() if sentences},
    }
