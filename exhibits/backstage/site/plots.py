"""Plots as inline SVG: they take the colours of the page and can be read without any."""

import statistics
from html import escape
from math import log10

WIDTH = 360  # as wide as a telephone shows it; on wider screens it is enlarged a little
ROW = 36
DASHES = ("", "8 3", "2 3", "8 3 2 3", "14 4", "4 4")
MARKS = ("M-3,-3h6v6h-6z", "M0,-4l4,7h-8z", "M0,-4l4,4l-4,4l-4,-4z", "M-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0",
         "M-3,-3l6,6M3,-3l-6,6", "M-4,0h8M0,-4v8")


def plain(number):
    """A number for readers: three digits that count, no exponent."""
    if number == 0 or abs(number) >= 1000:
        return f"{number:,.0f}"
    digits = max(0, 2 - int(log10(abs(number)) // 1))
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spread(values):
    """The median and, where there are several figures, the smallest and the largest."""
    middle = plain(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({plain(min(values))}–{plain(max(values))})"


def bars(id, title, rows, unit):
    """Horizontal bars from zero, one for each of rows [(label, [figures])], with a line from smallest to largest."""
    most = max(max(values) for _, values in rows) or 1
    room = WIDTH - 70
    drawn = []
    for number, (label, values) in enumerate(rows):
        y, middle = number * ROW, statistics.median(values)
        low, high, end = (value / most * room for value in (min(values), max(values), middle))
        drawn.append(
            f'<text x="0" y="{y + 12}">{escape(label)}</text>'
            f'<rect x="0" y="{y + 17}" width="{max(end, 1):.1f}" height="11"></rect>'
            + (f'<path class="range" d="M{low:.1f},{y + 22.5}H{high:.1f}M{low:.1f},{y + 19}v7M{high:.1f},{y + 19}v7">'
               "</path>" if len(values) > 1 else "")
            + value(max(end, high) + 6, y + 27, plain(middle))
        )
    described = "; ".join(f"{label}: {plain(statistics.median(values))}" for label, values in rows)
    return svg(id, f"{title}, {unit}", described, len(rows) * ROW, "".join(drawn))


def lines(id, title, steps, series, unit):
    """Lines over steps [number] on two logarithmic axes, through the medians, and at each step a line from smallest
    to largest; series: [(label, [[figures] at each step])]."""
    left, top, right, bottom = 34, 10, 224, 250
    ranges = [[(min(values), max(values)) for values in figures] for _, figures in series]
    series = [(label, [statistics.median(values) for values in figures]) for label, figures in series]
    every = [value for _, values in series for value in values if value > 0]
    low, high = 10 ** int(log10(min(every)) // 1), 10 ** -int(-log10(max(every)) // 1)

    def x(step):
        return left + (right - left) * log10(step / steps[0]) / log10(steps[-1] / steps[0])

    def y(value):
        return bottom - (bottom - top) * log10(min(max(value, low), high) / low) / log10(high / low)

    drawn, power = [], low
    while power <= high:
        drawn.append(f'<path class="scale" d="M{left},{y(power):.1f}H{right}"></path>'
                     + value(left - 4, y(power) + 4, short(power), "end"))
        power *= 10
    for step in steps:
        drawn.append(value(x(step), bottom + 16, short(step), "middle"))
    ends = apart([y(values[-1]) for _, values in series], 16)
    for number, ((label, values), end) in enumerate(zip(series, ends, strict=True)):
        points = [(x(step), y(value)) for step, value in zip(steps, values, strict=True)]
        way = "L".join(f"{a:.1f},{b:.1f}" for a, b in points)
        drawn.append(f'<path class="line" d="M{way}" stroke-dasharray="{DASHES[number % 6]}"></path>')
        drawn += [f'<path class="range" d="M{a:.1f},{y(least):.1f}V{y(most):.1f}"></path>'
                  for (a, _), (least, most) in zip(points, ranges[number], strict=True) if least < most]
        drawn += [f'<path class="mark" d="{MARKS[number % 6]}" transform="translate({a:.1f},{b:.1f})"></path>'
                  for a, b in points]
        drawn.append(f'<path class="scale" d="M{right + 5},{points[-1][1]:.1f}L{right + 12},{end:.1f}"></path>'
                     f'<path class="mark" d="{MARKS[number % 6]}" transform="translate({right + 18},{end:.1f})"></path>'
                     f'<text x="{right + 26}" y="{end + 4:.1f}">{escape(label)}</text>')
    described = "; ".join(f"{label}: {', '.join(map(plain, values))}" for label, values in series)
    described = f"At {', '.join(map(str, steps))}: {described}"
    return svg(id, f"{title}, {unit}", described, bottom + 26, "".join(drawn))


def apart(wanted, least):
    """Places as near to the wanted ones as they can be and `least` from each other."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    places, before = [0.0] * len(wanted), float("-inf")
    for number in order:
        before = places[number] = max(wanted[number], before + least)
    over = max(0, before - max(wanted) - least)
    return [place - over for place in places]


def short(number):
    return f"{number // 1000}k" if number >= 1000 else f"{number:g}"


def value(x, y, text, anchor="start"):
    return f'<text class="value" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def svg(id, title, described, height, drawn):
    return (
        f'<svg class="plot" role="img" aria-labelledby="{id}-title {id}-desc" viewBox="0 0 {WIDTH} {height}">'
        f'<title id="{id}-title">{escape(title)}</title><desc id="{id}-desc">{escape(described)}</desc>{drawn}</svg>'
    )
