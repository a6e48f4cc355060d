"""What the site draws is where its values say: the length of a bar, the height of a point, the head of an arrow.

What is expected here is worked out from the figures and the bytes, and never read from the drawing.
"""

import re
from html import unescape
from math import log10

import pytest

from exhibits import catalog, contract, journey
from exhibits.backstage.bench import claims
from exhibits.backstage.running import ROOT
from exhibits.backstage.site import agreement as site_agreement
from exhibits.backstage.site import claims as site_claims
from exhibits.backstage.site import concepts as site_concepts
from exhibits.backstage.site import dumps, plots, scratch
from exhibits.backstage.site import moves as site_moves
from exhibits.backstage.site import way as site_way
from exhibits.backstage.site import wire as site_wire
from exhibits.backstage.site.calls import calls_view
from exhibits.backstage.site.journey import journey_view
from exhibits.shared.fields import Field

STAGES = [stage.name for stage in catalog.STAGES]


def text_of(html):
    return unescape(re.sub("<.*?>", "", html))


def cells_of(table):
    """The texts of a table, row by row."""
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def numbers(*texts):
    return [float(text) for text in texts]


# ---------------------------------------------------------------- plots


def test_a_bar_is_as_long_as_its_median_and_its_line_reaches_from_the_smallest_to_the_largest():
    svg = plots.bars("id", "Title", [("one", [10, 4, 20]), ("half", [5]), ("none", [0, 0])], "ms")
    full = 290  # the largest figure, 20, ends here: 360 less 70 for the number behind it
    widths = numbers(*re.findall(r'<rect x="0" y="\d+" width="([\d.]+)"', svg))
    assert widths == [full / 2, full / 4, 1]  # of nothing, a hair
    assert re.findall(r'class="range" d="M([\d.]+),22.5H([\d.]+)M([\d.]+),19v7M([\d.]+),19v7"', svg) == [
        ("58.0", "290.0", "58.0", "290.0")
    ]
    assert svg.count('class="range"') == 2  # one figure has no line
    told = re.findall(r'class="value" x="([\d.]+)" y="([\d.]+)" text-anchor="start">(.*?)<', svg)
    assert told == [("296.0", "27.0", "10"), ("78.5", "63.0", "5"), ("6.0", "99.0", "0")]
    assert re.findall(r'<text x="0" y="(\d+)">(\w+)<', svg) == [("12", "one"), ("48", "half"), ("84", "none")]
    assert re.findall(r'<rect x="0" y="(\d+)"', svg) == ["17", "53", "89"]
    assert 'viewBox="0 0 360 108"' in svg
    assert "<title id=\"id-title\">Title, ms</title>" in svg and ">one: 10; half: 5; none: 0</desc>" in svg


def test_lines_rise_with_their_values_and_go_right_with_their_steps():
    svg = plots.lines("id", "Title", [1, 10, 100], [("up", [[1], [10], [100]]), ("down", [[100], [30], [1]])], "ms")
    left, middle, right, bottom, centre, top = 34, 129, 224, 250, 130, 10
    up, down = (
        [numbers(*point.split(",")) for point in way.split("L")]
        for way in re.findall(r'class="line" d="M(.*?)"', svg)
    )
    assert up == [[left, bottom], [middle, centre], [right, top]]
    height = round(250 - 240 * log10(30) / 2, 1)
    assert down == [[left, top], [middle, height], [right, bottom]]
    scale = re.findall(r'class="scale" d="M34,([\d.]+)H224"></path><text class="value" x="30.0" y="([\d.]+)" '
                      r'text-anchor="end">(\w+)<', svg)
    assert scale == [("250.0", "254.0", "1"), ("130.0", "134.0", "10"), ("10.0", "14.0", "100")]
    steps = re.findall(r'x="([\d.]+)" y="266.0" text-anchor="middle">(\w+)<', svg)
    assert steps == [("34.0", "1"), ("129.0", "10"), ("224.0", "100")]
    labels = re.findall(r'd="M229,([\d.]+)L236,([\d.]+)".*?<text x="250" y="([\d.]+)">(\w+)<', svg)
    assert labels == [("10.0", "10.0", "14.0", "up"), ("250.0", "250.0", "254.0", "down")]
    marks = re.findall(r'class="mark" d="(.*?)" transform="translate\(([\d.]+),([\d.]+)\)"', svg)
    first, second = ({mark for mark, *_ in part} for part in (marks[:4], marks[4:]))
    assert len(first) == len(second) == 1 and first != second  # two lines are told apart without a colour
    assert [numbers(*place) for _, *place in marks[:3]] == up and [numbers(*place) for _, *place in marks[4:7]] == down
    assert "At 1, 10, 100: up: 1, 10, 100; down: 100, 30, 1<" in svg
    assert "range" not in svg  # one figure is no range


def test_a_line_shows_how_far_the_figures_of_each_step_were_apart():
    svg = plots.lines("id", "Title", [1, 100], [("up", [[1, 1, 10], [100, 10, 1000]])], "ms")
    assert re.findall(r'class="range" d="(.*?)"', svg) == ["M34.0,250.0V130.0", "M224.0,130.0V10.0"]  # 1000 is cut off
    assert re.findall(r'class="line" d="M(.*?)"', svg) == ["34.0,250.0L224.0,10.0"]


def test_a_line_of_less_than_one_has_its_place():
    svg = plots.lines("id", "Title", [1, 2], [("a", [[0.05], [0.5]])], "s")
    assert re.findall(r'text-anchor="end">(.*?)<', svg) == ["0.01", "0.1", "1"]
    (way,) = re.findall(r'class="line" d="M(.*?)"', svg)
    assert way == f"34.0,{250 - 240 * log10(5) / 2:.1f}L224.0,{250 - 240 * log10(50) / 2:.1f}"


@pytest.mark.parametrize(("wanted", "places"), [
    ([100, 30], [100, 30]), ([10, 10], [10, 26]), ([101, 100, 30], [116, 100, 30]), ([50], [50]),
    ([10] * 4, [-22, -6, 10, 26]), ([10, 26], [10, 26]), ([10, 25], [10, 26]),
])
def test_labels_stay_near_their_lines(wanted, places):
    """At most one of them below the lowest line: there the numbers of the steps stand."""
    assert plots.apart(wanted, 16) == places


@pytest.mark.parametrize(("values", "text"), [
    ([5], "5"), ([1, 3, 2], "2 (1–3)"), ([0.1, 0.2], "0.15 (0.1–0.2)"), ([1500, 2500], "2,000 (1,500–2,500)"),
])
def test_a_spread_is_the_median_with_the_smallest_and_the_largest(values, text):
    assert plots.spread(values) == text
    assert [plots.short(number) for number in (1, 0.1, 999, 1000, 10_000)] == ["1", "0.1", "999", "1k", "10k"]


# ---------------------------------------------------------------- the hall of claims


def measured(**rows):
    """A run of one suite "s" with a group "g" of these rows."""
    return {"suites": {"s": {"title": "s", "settings": {}, "figures": {"g": rows}}}}


@pytest.fixture
def figure(monkeypatch):
    """A function that draws a [[figure]] of a run: its parts as a dict, and the run."""

    def drawn(of, run):
        figure = {"name": "f", "title": "Figure", "of": ["s", "g"], "draw": "cpu", "columns": ["cpu", "rate"], **of}
        monkeypatch.setattr(claims, "book", lambda: {"figure": [figure], "claim": []})
        return site_claims.drawn("f", run, "figure")

    return drawn


def test_bars_and_the_table_under_them_have_the_same_order_and_each_its_own_figures(figure):
    row = lambda title, *cpu, rate: {"title": title, "cpu": list(cpu), "rate": rate}  # noqa: E731
    run = measured(a=row("small", 1, 2, 3, rate=[7]), b=row("large", 9, 8, 10, rate=None), c=row("mid", 5, rate=[1500]))
    html = figure({}, run)
    assert re.findall(r'<text x="0" y="\d+">(\w+)<', html) == ["large", "mid", "small"]  # the largest first
    assert cells_of(html) == [
        ["", "Processor time per request, ms", "Responses per second"],
        ["large", "9 (8–10)", "–"], ["mid", "5", "1,500"], ["small", "2 (1–3)", "7"],
    ]
    assert "median of 3, with smallest and largest" in html
    html = figure({"rows": ["c", "a"]}, run)
    assert [cells[0] for cells in cells_of(html)] == ["", "mid", "small"]  # as the book says
    assert "median of 3" in html and "large" not in text_of(html).replace("largest", "")


def test_a_line_goes_through_the_medians_of_its_steps(figure):
    step = lambda *cpu: {"r": {"title": "racer", "cpu": list(cpu)}}  # noqa: E731
    run = {"suites": {"s": {"figures": {"1": step(1, 1, 5), "100": step(100, 99, 101)}}}}
    html = figure({"of": ["s"], "over": ["1", "100"], "rows": ["r"]}, run)
    assert re.findall(r'class="line" d="(.*?)"', html) == ["M34.0,250.0L224.0,10.0"]
    assert cells_of(html) == [["", "1 at once", "100 at once"], ["racer", "1 (1–5)", "100 (99–101)"]]


def test_of_too_many_bars_some_are_drawn_evenly_and_all_are_in_the_table(figure):
    rows = {f"r{n}": {"title": f"row {n}", "cpu": [100 - n], "rate": [1]} for n in range(34)}
    html = figure({}, measured(**rows))
    shown = re.findall(r'<text x="0" y="\d+">row (\d+)<', html)
    assert list(map(int, shown)) == [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33]
    assert len(cells_of(html)) == 35


@pytest.mark.parametrize(("low", "yes", "told"), [
    (2, True, "<li><b>Yes.</b> It is so. <small>ratio 4, 2 to 8</small></li>"),
    (8, False, "<li><b>No.</b> It is so. <small>ratio 4</small></li>"),
])
def test_a_part_of_a_claim_is_told_with_its_figures(low, yes, told):
    assert site_claims.told(claims.Outcome("It is so.", "", yes, 4, low, 8, "ratio")) == told


def test_a_part_tells_what_it_was_under_other_conditions():
    under = {"on one core": claims.Outcome("", "", False, 1, 1, 1, "ratio")}
    told = site_claims.told(claims.Outcome("It is so.", "", True, 4, 4, 4, "ratio", under))
    assert told == "<li><b>Yes.</b> It is so. <small>ratio 4; on one core: 1, no</small></li>"


def test_holds_only_when_always_says_when():
    """The page would read "Holds only when." otherwise."""
    tests = [{"says": "", "more": ["s", "g"], "than": ["s", each], "when": when}
             for each, when in (("low", ""), ("low", "it is low"), ("high", "it is high"))]
    run = {"suites": {"s": {"figures": {"g": [5], "low": [1], "high": [9]}}}}
    for some in (tests, tests[::2]):  # "it is low" and nothing, and nothing alone
        with pytest.raises(ValueError, match="when"):
            claims.verdict({"says": "", "test": some}, run)
    assert claims.verdict({"says": "", "test": tests[1:]}, run).when == "it is low"
    for word, when in ((claims.SOMETIMES, ""), (claims.HOLDS, "it rains"), (claims.FALSE, "it rains"), ("maybe", "")):
        with pytest.raises(ValueError):
            claims.Verdict(word, when)


def test_how_far_two_runs_are_apart_is_a_median_and_the_most(monkeypatch):
    book = {"claim": [{"id": f"K{n}", "test": [{"says": "", "more": ["s", f"a{n}"], "than": ["s", "one"], "by": 1}]}
                      for n in range(3)]}
    monkeypatch.setattr(claims, "book", lambda: book)
    first, second = ({"suites": {"s": {"figures": {"one": [1], "a0": [a], "a1": [b], "a2": [c]}}}}
                     for a, b, c in ((10, 10, 2), (11, 5, 2)))
    assert claims.moved(first, second) == [1, 1.1, 2]
    assert site_claims.differed(first, second) == (
        "No verdict changed. Of 3 ratios, half moved by less than 10 %, and none by more than 100 %.")


# ---------------------------------------------------------------- the way of a request

PLACE = r"([\d.]+) ([\d.]+)"
ARROW = re.compile(f'<path class="(?:there|back)" d="M{PLACE}L{PLACE}M{PLACE}L{PLACE}L{PLACE}"')
LABEL = re.compile(r'<text class="([\w ]*)" x="([\d.]+)" y="([\d.]+)">(.*?)</text>')
FRAME = re.compile(r'<rect class="frame ([\w ]*)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"')
BOX = re.compile(r'<rect class="box[\w ]*" x="([\d.]+)" y="([\d.]+)" width="(\d+)" height="(\d+)"')


def arrows(svg):
    """(start, end) of each arrow, the head checked to point where it ends."""
    for found in ARROW.findall(svg):
        x1, y1, x2, y2, *head = map(float, found)
        assert head[2:4] == [x2, y2]
        across = y1 == y2  # 1 where it goes from side to side: its barbs then differ in their heights
        assert head[not across] == head[4 + (not across)]
        assert {head[across] - (x2, y2)[across], head[4 + across] - (x2, y2)[across]} == {4, -4}
        for x, y in (head[:2], head[4:]):  # both barbs lie behind the end
            assert abs(x1 - x) + abs(y1 - y) < abs(x1 - x2) + abs(y1 - y2) + 4
            assert (x2 - x) * (x2 - x1) + (y2 - y) * (y2 - y1) > 0
        yield (x1, y1), (x2, y2)


@pytest.mark.parametrize("stage", STAGES)
def test_what_goes_in_has_an_arrow_in_and_what_comes_back_one_back(stage):
    recorded = site_wire.recording(f"{stage}-greeting")
    wide, tall = re.findall(r"<svg .*?</svg>", site_way.way_view(recorded, "id"), re.DOTALL)
    hops = site_way.way_of(recorded).hops
    count = len(catalog.stacks_of(stage)[0].processes) + 1  # one more than processes: to the program, too
    assert len(hops) == count
    for svg, along, across in ((wide, 0, 1), (tall, 1, 0)):
        boxes = [numbers(*box) for box in BOX.findall(svg)]
        assert len(boxes) == count + 1
        assert [box[along] for box in boxes] == sorted(box[along] for box in boxes)
        pairs = list(arrows(svg))
        assert len(pairs) == 2 * count
        labels = [(css, float(x), float(y), re.findall(r"<tspan.*?>(.*?)</tspan>", text))
                  for css, x, y, text in LABEL.findall(svg) if "workers" not in css]
        assert len(labels) == 3 * count
        for *_, text in LABEL.findall(svg):  # the lines of a label stand under each other
            steps = re.findall(r'<tspan x="[\d.]+" dy="(\d+)">', text)
            assert steps == ["0", *["14"] * (len(steps) - 1)]
        for n, (hop, here, there) in enumerate(zip(hops, boxes, boxes[1:], strict=False)):
            (start, end), (back_start, back_end) = pairs[2 * n : 2 * n + 2]
            assert here[along] + here[2 + along] < start[along] < end[along] < there[along]
            assert start[across] == end[across] and back_start[across] == back_end[across]
            assert (back_start[along], back_end[along]) == (end[along], start[along])
            goes, comes, rides = labels[3 * n : 3 * n + 3]
            assert [unescape(line) for line in goes[3]] == hop.there
            assert [unescape(line) for line in comes[3]] == hop.back
            assert unescape(rides[3][0]) == hop.on
            if svg is wide:  # what goes in is told above its arrow, what comes back below its own
                assert goes[2] < start[across] < back_start[across] < comes[2] < rides[2]
                assert start[along] < goes[1] < end[along] and start[along] < comes[1] < end[along]
            else:  # and here to the left of the one down, to the right of the one up
                assert goes[1] < start[across] < back_start[across] < comes[1]
                assert start[along] < goes[2] < comes[2] + 14 < rides[2] + 14 < end[along] + 28


@pytest.mark.parametrize("stage", STAGES)
def test_a_frame_is_a_process_and_a_dashed_one_is_made_for_one_request(stage):
    html = site_way.way_view(site_wire.recording(f"{stage}-greeting"), "id")
    stack = catalog.stacks_of(stage)[0]
    for svg in re.findall(r"<svg .*?</svg>", html, re.DOTALL):
        frames = [(css.strip(), *numbers(*place)) for css, *place in FRAME.findall(svg)]
        boxes = [numbers(*box) for box in BOX.findall(svg)]

        def inside(box, frames=frames):
            return [css for css, x, y, width, height in frames
                    if x < box[0] and y < box[1] and box[0] + box[2] < x + width and box[1] + box[3] < y + height]

        assert inside(boxes[0]) == []  # the visitor is somewhere else
        assert [css for css, *_ in frames].count("once") == (stage == "cgi")
        assert inside(boxes[-1])[-1] == ("once" if stage == "cgi" else "")
        server = inside(boxes[-2])
        assert set(server) == {""} and len(server) >= 1
        assert len(frames) == (2 if stage == "cgi" else stack.processes[0].copies + len(stack.processes) - 1)


def test_the_way_is_told_in_words_too():
    workers = catalog.find("cgi").processes[0].workers
    assert site_way.described(site_way.way_of(site_wire.recording("cgi-greeting"))) == (
        "Visitor to our CGI server, by TCP: HTTP request; back: HTTP answer. our CGI server to program, by pipes: "
        "environment, standard input; back: standard output. "
        f"What serves: {workers}. The program is a process for each request."
    )
    assert site_way.described(site_way.way_of(site_wire.recording("uwsgi-greeting"))).startswith(
        "Visitor to nginx, by TCP: HTTP request; back: HTTP answer. nginx to uWSGI, by Unix socket: uwsgi packet, "
        "body; back: HTTP answer. uWSGI to program, by call: environ, start_response; back: status, fields, iterable."
    )


def test_a_way_is_drawn_as_far_as_is_known():
    """Of a stack of the catalog to its program, though nobody wrote down the last hop; of others what passed."""
    http = {"between": ["visitor", "nginx"], "carrier": "HTTP/1.1", "pieces": []}
    records = {"between": ["nginx", "our FastCGI server"], "carrier": "FastCGI", "pieces": []}
    known = site_way.way_of({"stack": "fastcgi-ours", "links": [http, records]})
    assert [hop.who for hop in known.hops] == ["visitor", "nginx", "our FastCGI server"]
    assert (known.program, known.hops[-1].on) == ("program", "call")
    assert site_way.way_of({"stack": "fastcgi-ours", "links": [http]}) == known  # it went no further
    other = site_way.way_of({"stack": "of somebody", "links": [http, {**records, "on": "the page"}]})
    assert ([hop.who for hop in other.hops], other.program) == (["visitor", "nginx"], "our FastCGI server")
    assert other.hops[1].on == "the page"


def test_two_requests_of_one_connection_go_one_way():
    recorded = site_wire.recording("wsgi-greeting")
    twice = {**recorded, "links": [*recorded["links"], recorded["links"][-1]]}
    assert site_way.way_of(twice) == site_way.way_of(recorded)
    html = journey_view(twice, "twice")
    assert len(set(re.findall(r' id="([^"]+)"', html))) == html.count(' id="')


# ---------------------------------------------------------------- a journey, step by step


@pytest.mark.parametrize("name", [path.stem for path in sorted((ROOT / "docs/recordings").glob("*.json"))])
def test_a_step_shows_what_is_there(name):
    """Its figure or call has the id that it names, its bytes are among those shown, and its hop is drawn."""
    recorded = site_wire.recording(name)
    html = journey_view(recorded, name)
    ids = set(re.findall(r' id="([^"]+)"', html))
    hops = set(re.findall(r'<g class="hop" data-hop="(\d)">', html))
    items = re.findall(r'<li data-kind="(\w+)" data-hop="(\d)" data-by="([01])" data-at="([\d.e-]+)" '
                       r'data-shows="([^"]+)"(?: data-from="(\d+)" data-to="(\d+)")?>(.*?)</li>', html)
    steps = journey.steps(recorded)
    assert len(items) == len(steps)
    for (kind, hop, by, at, shows, start, end, text), step in zip(items, steps, strict=True):
        assert (kind, int(by), float(at)) == (step.kind, step.by, pytest.approx(step.at, rel=1e-5))
        assert hop in hops and shows in ids
        assert text_of(text).startswith(step.caption)
        link = recorded["links"][step.link]
        if step.what:
            assert link["pieces"][step.number]["bytes"].encode("latin-1") == (
                journey.said(link)[step.what][int(start) : int(end)])
        elif "calls" in link:
            assert shows.endswith(f"-{step.link}-call-{step.number + 1}")


# ---------------------------------------------------------------- moves


@pytest.mark.parametrize(("name", "suffix"), [
    (name, suffix) for name in site_moves.moves() for suffix in site_moves.suffixes(name)])
def test_a_move_goes_from_before_to_after(name, suffix):
    html = site_moves.diff_view(name, suffix)
    copied, caption, code = re.fullmatch(
        r'(?s)<figure class="move" data-copy="(.*?)"><figcaption>(.*?)</figcaption>(.*)</figure>', html).groups()
    lines = text_of(code).strip("\n").split("\n")
    captions = text_of(caption.replace("<br>", "\n")).split("\n")
    for stem, sign, other in (("before", "-", "+"), ("after", "+", "-")):
        file = site_moves.FOLDER / name / f"{stem}{suffix}"
        source = file.read_text().splitlines() if file.exists() else []
        assert (f"{sign} exhibits/moves/{name}/{stem}{suffix}" in captions) == file.exists()
        shown = [line[1:] for line in lines if not line.startswith(other)]
        wanted = [line.rstrip() for line in source if "--8<--" not in line]
        assert [line.rstrip() for line in shown] == wanted, file
    assert unescape(copied).splitlines() == wanted, "what is copied is the new file, without marks"


def test_an_answer_is_the_same_or_differs_from_the_first():
    servers = [{"title": title} for title in ("Old", "New", "Newer")]
    asks = [{"request": "GET /", "answers": ["200 a · x", "200 a · x", "500 b"], "at_once": 3},
            {"request": "GET /b", "answers": ["1", "2", "1"]}]
    assert cells_of(site_moves.answers_view(servers, asks)) == [
        ["Request", "Old", "New", "Newer"],
        ["GET /3 at once", "200 ax", "200 axthe same", "500 bdiffers"],
        ["GET /b", "1", "2differs", "1the same"],
    ]


# ---------------------------------------------------------------- the run of the contract


def test_what_was_not_asked_is_never_shown_as_kept():
    stack = catalog.find("wsgi-waitress")
    cases = [case for case in contract.CASES if case.name.startswith("entr")]
    names = [case.name for case in cases]
    kept = {"kept": names, "differs": {}, "not testable": [], "not asked": []}
    assert text_of(site_agreement.cell(stack, kept, cases)) == "✓"
    assert text_of(site_agreement.cell(stack, {**kept, "kept": [], "not asked": names}, cases)) == "–"
    broken = {**kept, "kept": names[1:], "differs": {names[0]: ["root"]}}
    assert text_of(site_agreement.cell(stack, broken, cases)) == "1"  # though nobody can say why
    partly = site_agreement.cell(stack, {**kept, "kept": names[1:], "not asked": names[:1]}, cases)
    assert text_of(partly) == f"✓ {len(names) - 1}"  # of so many one can say it
    open_ = site_agreement.cell(stack, {**kept, "kept": names[1:], "not testable": names[:1]}, cases)
    assert text_of(open_) == f"✓ {len(names) - 1} ○ 1"


def test_the_grid_is_what_the_run_says():
    run = site_agreement.the_run()
    grid = site_agreement.agreement("", "agreement", "agreement", {}, None)
    names = [text_of(cell) for cell in re.findall(r'<th scope="col".*?</th>', grid)][1:]
    stacks = [stack for stage in catalog.STAGES for stack in catalog.stacks_of(stage.name)]
    assert names == [stack.server for stack in stacks]
    assert f"{len(run['stacks'])} stacks, {len(contract.CASES)} cases" in text_of(grid)
    body = cells_of(grid.partition("<tbody>")[2].partition("</tbody>")[0])
    for (title, cases), (first, *marks) in zip(site_agreement.rows().items(), body, strict=True):
        assert first == f"{title} {len(cases)}"
        for stack, mark in zip(stacks, marks, strict=True):
            result = run["stacks"][stack.name]
            asked = [case.name for case in cases if case.name not in result["not asked"] + result["not testable"]]
            mark, _, left_open = mark.partition("○ ")
            mark = mark.strip()
            assert int(left_open or 0) == len([case for case in cases if case.name in result["not testable"]])
            differs = [name for name in asked if name in result["differs"]]
            if differs:
                assert sum(map(int, mark.split())) >= len(differs), (title, stack.name)
            else:
                few = "" if len(asked) == len(cases) else f" {len(asked)}"
                assert mark == (f"✓{few}" if asked else "" if left_open else "–"), (title, stack.name)


def test_the_table_of_starts_is_sorted_and_each_stack_has_its_own_figures():
    run = site_agreement.the_run()["stacks"]
    head, *rows = cells_of(site_agreement.started("", "started", "started", {}, None))
    assert head[2:] == ["To the first response, ms", "Memory, MiB", "Processes"]
    assert [int(row[2].replace(",", "")) for row in rows] == sorted(run[row[0]]["started"]["ms"] for row in rows)
    for name, _, *figures in rows:
        started = run[name]["started"]
        assert figures == [f"{started[figure]:,}" for figure in ("ms", "MiB", "processes")]


# ---------------------------------------------------------------- dumps


def rows_of(dump):
    """The offset of each row that a dump shows, as told, and the bytes that stand there (8, or fewer at an end)."""
    offsets, digits = re.fullmatch(r'(?s).*class="offsets".*?>(.*?)</div><div class="hex">(.*?)</div>.*', dump).groups()
    told = [None if text == "⋮" else int(text) for text in re.findall(r"<i.*?>(.*?)</i>", offsets)]
    pieces = [bytes.fromhex(re.sub("<.*?>", " ", piece)) for piece in re.split(r"<em.*?</em>", digits)]
    shown = [piece[at : at + 8] for piece in pieces for at in range(0, len(piece), 8)]
    return [at for at in told if at is not None], shown, told.count(None), len(pieces) - 1


@pytest.mark.parametrize("long", [0, 128, 256, 257, 300, 400, 401, 70_000])
@pytest.mark.parametrize("before", [0, 5, 16, 31])
def test_a_row_of_a_dump_begins_at_the_byte_it_says(before, long):
    lengths = [length for length in (before, long, 21) if length]
    fields = [Field(sum(lengths[:n]), length, "name", "", "", "") for n, length in enumerate(lengths)]
    data = (b"".join(n.to_bytes(4) for n in range(20_000)))[: sum(lengths)]
    offsets, shown, gaps_told, gaps = rows_of(dumps.dump("id", data, fields))
    assert gaps_told == gaps == (long > 256)
    assert len(offsets) == len(shown)
    for at, piece in zip(offsets, shown, strict=True):
        assert data[at : at + len(piece)] == piece and at % 8 == 0
    assert offsets[-1] + len(shown[-1]) == len(data)
    if gaps:
        (left_out,) = re.findall(r"([\d,]+) bytes left out", dumps.dump("id", data, fields))
        assert int(left_out.replace(",", "")) == len(data) - sum(map(len, shown)) > 0


@pytest.mark.parametrize("name", [path.stem for path in sorted((ROOT / "docs/recordings").glob("*.json"))])
def test_the_offsets_of_a_recording_are_those_of_its_bytes(name):
    for link in site_wire.recording(name)["links"]:
        for what, fields in journey.explain(link).items():
            if data := journey.said(link)[what]:
                offsets, shown, *_ = rows_of(dumps.dump("id", data, fields))
                assert [data[at : at + len(piece)] for at, piece in zip(offsets, shown, strict=True)] == shown


def test_a_piece_says_who_sent_it_and_how_much():
    link = {"between": ["nginx", "uWSGI"], "carrier": "uwsgi"}
    fields = [Field(0, 2, "name", "ab", "", "RFC 9112 section 3"), Field(2, 3, "body", "cde", "", "SCGI section 1")]
    there, back = (dumps.piece_view("id", link, what, b"abcde", fields) for what in ("request", "response"))
    assert "uwsgi <b>request</b> from nginx to uWSGI: 5 bytes in 2 fields" in there
    assert "<b>response</b> from uWSGI to nginx: 5 bytes in 2 fields" in back
    assert re.findall(r'<div class="text" aria-hidden="true">(.*?)</div>', there) == [
        '<span class="name">ab</span><span class="body begins">cde</span>'
    ]
    assert "from uWSGI to nginx: no bytes" in dumps.piece_view("id", link, "response", b"", [])
    with pytest.raises(ValueError, match="id"):
        dumps.piece_view("id", link, "request", b"abcdef", fields)


def test_a_value_is_readable_and_steers_nothing():
    assert journey.readable("a\r\nb\x1b\xc3\xbc\xff") == "a\\r\\nb\\x1b\xc3\xbc\xff"  # no UTF-8: latin-1
    assert journey.readable("\xc3\xbc\t") == "ü\\t"
    assert dumps.glyphs_of(b"a<\x00\xff~\x7f ") == "a&lt;··~· "


def test_a_call_is_made_by_who_made_it():
    calls = [{"by": "server", "call": "application", "arguments": [{"wsgi.version": 1}, "b"], "began": 0.001,
              "ended": 0.01, "returned": "b'x'"},
             {"by": "program", "call": "wsgi.input.read", "arguments": [5], "began": 0.002, "ended": 1.5,
              "raised": "OSError"},
             {"by": "program", "call": "iter", "arguments": [], "began": 0.003, "ended": 0.004, "returned": None},
             {"by": "program", "call": "next", "arguments": [], "began": 1.6}]
    html = calls_view("id", {"between": ["gunicorn", "program"], "carrier": "WSGI callable", "calls": calls})
    first, second, third, fourth = re.findall(r"<li class=.*?(?=<li|$)", html)
    assert "The version of WSGI, 1.0. <small>PEP 3333 § environ Variables</small>" in first
    assert "PEP 3333 § environ Variables" in html.partition('<p class="sections">')[2]
    bare = (re.sub('<i>.*?</i>|<p class="sections">.*', "", each) for each in (first, second, third, fourth))
    first, second, third, fourth = bare
    assert "4 calls" in html and "between gunicorn and program" in html
    assert text_of(first) == "gunicorn calls application 1.0 mswith 'wsgi.version'1and 'b'"
    assert text_of(second) == "program calls iter() 3.0 msreturns None 4.0 msreturns b'x' 10.0 ms"  # inside the first
    # It ended later than the first:
    assert text_of(third) == "program calls wsgi.input.read 2.0 mswith 5raises OSError 1.50 s"
    assert text_of(fourth) == "program calls next() 1.60 sdoes not end before the journey does"
    assert [re.search('id="(.*?)"', item)[1] for item in (first, second, third, fourth)] == [
        "id-call-1", "id-call-3", "id-call-2", "id-call-4"]
    assert '<li class="server"' in first and '<li class="program"' in second


# ---------------------------------------------------------------- sums


@pytest.mark.parametrize("stage", STAGES)
def test_the_lines_of_a_server_are_the_sum_of_those_of_its_files(stage):
    text = text_of(scratch.scratch(stage, "scratch", "scratch", {}, None))
    total, files = re.match(r"([\d,]+) lines, comments included: (.*?)\.(?=[A-Z])", text).groups()
    counts = re.findall(r"(\S+)\xa0(\d+)", files)
    assert int(total.replace(",", "")) == sum(int(count) for _, count in counts)
    for name, count in counts:
        assert int(count) == len((ROOT / "exhibits" / name).read_text().splitlines()), name


@pytest.mark.parametrize("pair", [("cgi", "asgi"), ("wsgi", "uwsgi"), ("scgi", "fastcgi")])
def test_the_sum_of_differences_is_that_of_the_concepts(pair):
    concepts = site_concepts.comparison()["concept"]
    html = site_concepts.concepts(" ".join(pair), "concepts", "concepts", {}, None)
    one, other = (catalog.stage(name).title for name in pair)
    differs = html.count('<p class="verdict">differs')
    assert differs == sum(not any({*pair} <= {*way["stages"]} for way in each["way"]) for each in concepts)
    assert f"{one} and {other} differ in {differs} of {len(concepts)} concepts." in unescape(html)
