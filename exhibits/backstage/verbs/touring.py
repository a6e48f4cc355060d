"""`serve --once`: some requests to an exhibit, and what goes over the wire, both ways."""

import re

from exhibits.backstage import checking
from exhibits.backstage.terminal import escape
from exhibits.contract import FORM, JSON, PLAIN, Step, get, plain, post, signed

# What the guestbook is asked, in this order, and must answer.
TOUR = (
    plain(get("/hello?name=J%C3%BCrgen"), "Hello, Jürgen!\n"),
    signed(post("/entries", b"name=Grace&message=Hello", FORM), "Grace", 1),
    Step(get("/entries"), 200, JSON, re.compile(rb'\[\{"id":\d+,"at":"[^"]+","name":"Grace","message":"Hello"\}.*\]')),
    Step(get("/stream?n=3"), 200, {**PLAIN, "cache-control": "no-store"}, b"line 1 of 3\nline 2 of 3\nline 3 of 3\n"),
)
SMALLEST = (Step(get("/hello"), 200, PLAIN, b"Hello, World!\n"),)
FRONT_DOOR = (Step(get("/"), 200, {}),)  # what a program of the visitor's own is asked


def tour(exhibit, console):
    """Send the requests and print them and their answers; return the exit code.

    0: every answer was whole, and as the contract has it. 1: one was not, and below it stands why.
    """
    code = 0
    seen = "" if exhibit.stack.mount_is_stripped else exhibit.mount
    steps = FRONT_DOOR if exhibit.app else SMALLEST if exhibit.hello else TOUR[: 2 if exhibit.stack.partial else None]
    with exhibit.visitor() as visitor:
        for step in steps:
            sent = step.request.replace(b"{mount}", seen.encode())
            answer = visitor.ask(sent)
            head, _, body = sent.decode("latin-1").partition("\r\n\r\n")
            console.print(f"[cyan]{escape(head)}\n[/]")
            if body:
                console.print(f"[cyan]{escape(body)}[/]\n")
            console.print(f"[green]{answer.status}[/]")
            for name, value in answer.headers:
                console.print(f"[green]{escape(name)}: {escape(value)}[/]", soft_wrap=True)
            console.print("\n" + escape(answer.body.decode("utf-8", "replace")), soft_wrap=True)
            wrong = failures(answer) if exhibit.app else checking.judge(step, answer, exhibit.place, sent)
            for sentence in wrong:
                console.print(f"[red]Not as the contract has it:[/] {escape(sentence)}", soft_wrap=True)
                code = 1
    return code


def failures(answer):
    """What is wrong with an answer of a program that may answer anything but a failure, as sentences."""
    wrong = [] if 200 <= answer.status < 500 else [f"status {answer.status or 'none'}, not one below 500"]
    return wrong if answer.complete else [*wrong, "the response was cut off"]
