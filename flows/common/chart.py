"""A small picture for an artifact: stacked bars over time, a line below them. Pure: numbers -> SVG.

The UI shows it as an image in Markdown, so it is self-contained and carries its own background.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, BARS, GAP, LINE, LEFT, TOP, FOOT = 760, 170, 34, 70, 52, 34, 24
HEIGHT = TOP + BARS + GAP + LINE + FOOT
_SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
    f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11" fill="#334155">'
)


@dataclass(frozen=True)
class Series:
    """One value for each bin; None where there is nothing to say."""

    name: str
    colour: str
    values: Sequence[float | None]


def picture(alternative: str, labels: Sequence[str], bars: Sequence[Series], line: Series) -> str:
    """Return a Markdown image of `bars`, stacked, and `line` below; one label for each bin."""
    svg = base64.b64encode(_svg(labels, bars, line).encode()).decode()
    return f"![{alternative}](data:image/svg+xml;base64,{svg})"


def _svg(labels: Sequence[str], bars: Sequence[Series], line: Series) -> str:
    step = (WIDTH - LEFT - 12) / max(1, len(labels))
    parts = [
        _SVG,
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
        *_legend([*bars, line]),
        *_stack(bars, step),
        *_line(line, step),
        *_time_axis(labels, step),
        "</svg>",
    ]
    return "".join(parts)


def _legend(series: Sequence[Series]) -> list[str]:
    width = (WIDTH - LEFT) / len(series)
    return [
        f'<rect x="{LEFT + place * width:.1f}" y="11" width="10" height="10" rx="2" fill="{one.colour}"/>'
        f'<text x="{LEFT + place * width + 15:.1f}" y="20">{escape(one.name)}</text>'
        for place, one in enumerate(series)
    ]


def _stack(bars: Sequence[Series], step: float) -> list[str]:
    columns = list(zip(*([value or 0 for value in one.values] for one in bars), strict=True))
    top = max((sum(column) for column in columns), default=0) or 1
    parts = _scale(TOP, BARS, top)
    for place, column in enumerate(columns):
        foot = float(TOP + BARS)
        for one, value in zip(bars, column, strict=True):
            height = BARS * value / top
            foot -= height
            parts.append(
                f'<rect x="{LEFT + place * step + 0.5:.2f}" y="{foot:.2f}" width="{max(0.8, step - 1):.2f}" '
                f'height="{height:.2f}" fill="{one.colour}"/>'
            )
    return parts


def _line(line: Series, step: float) -> list[str]:
    known = [value for value in line.values if value is not None]
    top = max(known, default=0) or 1
    foot = TOP + BARS + GAP + LINE
    points = [
        (LEFT + (place + 0.5) * step, foot - LINE * value / top)
        for place, value in enumerate(line.values)
        if value is not None
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8" fill="{line.colour}"/>' for x, y in points]
    polyline = f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="1.5"/>'
    return [*_scale(TOP + BARS + GAP, LINE, top), polyline, *dots]


def _scale(top: int, height: int, value: float) -> list[str]:
    """Two grid lines, at nothing and at the largest value."""
    return [
        f'<line x1="{LEFT}" x2="{WIDTH - 12}" y1="{y}" y2="{y}" stroke="#e2e8f0"/>'
        f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{_short(number)}</text>'
        for y, number in ((top, value), (top + height, 0))
    ]


def _time_axis(labels: Sequence[str], step: float) -> list[str]:
    every = max(1, len(labels) // 8)
    return [
        f'<text x="{LEFT + place * step:.1f}" y="{HEIGHT - 7}">{escape(label)}</text>'
        for place, label in enumerate(labels)
        if place % every == 0
    ]


def _short(number: float) -> str:
    """Return the number as it fits beside an axis.

    >>> _short(0.5), _short(1475), _short(85_240), _short(2_366_420)
    ('0.5', '1475', '85.24k', '2.366M')
    """
    for least, size, unit in ((1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(number) >= least:
            return f"{number / size:.4g}{unit}"
    return f"{number:.4g}"
