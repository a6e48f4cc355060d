"""`compare`: the same request to every stack, side by side."""

import json
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from exhibits import contract
from exhibits.backstage import checking
from exhibits.backstage.client import Answer, request
from exhibits.backstage.running import CannotStart, Exhibit, missing

AT_ONCE = 6  # stacks that are started at the same time


@dataclass
class Result:
    """What one stack answered; trouble: why there is no answer."""

    stack: object
    answer: Answer | None = None
    trouble: str = ""
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
    lacking = {stack.name: missing(stack) for stack in stacks}
    runnable = [stack for stack in stacks if not lacking[stack.name]]
    results = ask_all(runnable, sent)
    judge(results, sent)
    if options.json:
        print(json.dumps(as_json(sent, results, lacking), indent=2, ensure_ascii=False))
    else:
        show(sent, results, lacking, options.svg)
    return int(not results or any(result.unexplained for result in results))


def the_request(options):
    """The bytes every stack gets, from what the visitor asked for."""
    path = options.path if options.path.startswith("/") else f"/{options.path}"
    headers = list(options.headers)
    body = (options.data or "").encode()
    if body and not any(header.lower().startswith("content-type:") for header in headers):
        headers.append(contract.FORM)
    return request(options.method or ("POST" if body else "GET"), path, *headers, body=body)


def ask_all(stacks, sent):
    """One Result for each stack, in their order, with a progress bar on a terminal."""
    console = Console(stderr=True)
    with (
        ThreadPoolExecutor(AT_ONCE) as pool,
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
                return Result(stack, visitor.ask(sent))
    except CannotStart as reason:
        return Result(stack, trouble=str(reason))


def judge(results, sent):
    """Mark what differs from the answer most stacks gave."""
    keys = [key(result.answer) for result in results if result.answer]
    if not keys:
        return
    common = Counter(keys).most_common(1)[0][0]
    reference = next(result.answer for result in results if result.answer and key(result.answer) == common)
    for result in results:
        if result.answer:
            result.differs = tuple(differences(result.answer, reference))
        if not result.identical:
            result.known = explanation(result.stack, sent)


def key(answer):
    """What has to be the same. Content-Length is framing: a body that is the same has the same."""
    headers = {name: value for name, value in answer.compared().items() if name != "content-length"}
    return answer.status, json.dumps(headers), answer.body, answer.complete


def differences(answer, reference):
    if answer.status != reference.status:
        yield f"status {answer.status or 'none'}, not {reference.status}"
    ours, theirs = answer.compared(), reference.compared()
    for name in sorted((ours.keys() | theirs.keys()) - {"content-length"}):
        if ours.get(name) != theirs.get(name):
            yield f"{name}: {ours.get(name)}, not {theirs.get(name)}"
    if answer.body != reference.body:
        yield f"body {checking.shortened(answer.body)}"
    if answer.complete != reference.complete:
        yield "the answer was cut off"


def explanation(stack, sent):
    """The known difference of the stack in a case that sends the very same request, or None."""
    for case in contract.CASES:
        if any(step.request.replace(b"{mount}", b"") == sent for step in case.steps):
            if known := checking.known_difference(stack, case.name):
                return known
    return None


def show(sent, results, lacking, svg=None):
    console = Console(highlight=False, record=bool(svg), width=110 if svg else None)
    head, _, body = sent.decode("latin-1").partition("\r\n\r\n")
    console.print(f"[bold]{escape(head)}[/]" + (f"\n\n{escape(body)}" if body else ""), soft_wrap=True)
    table = Table("stack", "interface", "carrier", "status", "bytes", "the answer", box=box.SIMPLE_HEAD)
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
        console.print(f"{len(same)} of {len(results)} gave this answer:\n")
        console.print(f"[cyan]{answer.status}[/]")
        for name, value in answer.compared().items():
            for each in value if isinstance(value, list) else [value]:
                console.print(f"[cyan]{name}[/]: {escape(each)}", soft_wrap=True)
        text = answer.body.decode("utf-8", "replace")
        console.print("\n" + escape(text if len(text) < 2000 else text[:2000] + " …"), soft_wrap=True)
    else:
        print("exhibits: no stack could be asked", file=sys.stderr)
    if svg:
        picture = console.export_svg(title="python -m exhibits compare")
        # rich names a font on another host; whoever looks at the picture shall ask nobody for it.
        Path(svg).write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))


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
