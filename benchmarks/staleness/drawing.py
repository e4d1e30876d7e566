"""The curve as a picture."""

from collections.abc import Sequence
from html import escape

import numpy as np

from palate.evaluation.intervals import Interval
from staleness.moments import EVERYTHING
from staleness.showing import ALL, COHORTS, MAIN, NEWCOMERS, PLACES, REST, Curve, words

WIDTH, HEIGHT, LEFT, TOP, GAP = 380, 230, 56, 46, 70
COLOURS = ("#0969da", "#cf222e", "#1a7f37", "#8250df", "#6e7781", "#bf8700")
Line = tuple[str, str, list[Interval]]  # name, colour, by age


def picture(curve: Curve) -> str:
    """SVG: left inside a sitting, right at its beginning; above the first method by cohort, below all methods."""
    first, parts = curve.methods[0], []
    cohorts = [ALL, NEWCOMERS, *(one for one in COHORTS if one not in (ALL, NEWCOMERS))]
    for column, where in enumerate(PLACES):
        rows = (
            [(cohort, curve.points(first, where, cohort, REST, EVERYTHING, MAIN)) for cohort in cohorts],
            [(name, curve.points(name, where, ALL, REST, EVERYTHING, MAIN, curve.common)) for name in curve.methods],
        )
        about = (f"{first}, by what was heard before", f"methods, {curve.common} weeks")
        for row, (named, told) in enumerate(zip(rows, about, strict=True)):
            lines = [
                (name, colour, points.values)
                for (name, points), colour in zip(named, COLOURS, strict=False)
                if points is not None
            ]
            parts += _panel(
                curve, f"{where}: {told}", lines, LEFT + column * (WIDTH + GAP), TOP + row * (HEIGHT + GAP + 16)
            )
    size = (LEFT + 2 * WIDTH + GAP + 40, TOP + 2 * HEIGHT + GAP + 70)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" font-family="sans-serif" '
        'font-size="11">'
    )
    title = f"{MAIN} of the {REST}, by the age of the taste"
    heading = f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold">{escape(title)}</text>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', heading, *parts, "</svg>", ""])


def _panel(curve: Curve, title: str, lines: Sequence[Line], left: float, top: float) -> list[str]:
    """Ages stand side by side, evenly; bands are intervals."""
    highest = max((one.high for _, _, values in lines for one in values), default=0.0) or 1.0
    step = WIDTH / max(len(curve.ages_seconds) - 1, 1)

    def y(value: float) -> float:
        return top + HEIGHT * (1.0 - value / (highest * 1.05))

    parts = [f'<text x="{left}" y="{top - 8}" font-weight="bold">{escape(title)}</text>']
    for tick in np.linspace(0.0, highest, 5).tolist():
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="#57606a">{tick:.2f}</text>')
    for place, age in enumerate(curve.ages_seconds):
        x, low = left + place * step, top + HEIGHT + 14 + 12 * (place % 2)
        parts.append(f'<text x="{x:.1f}" y="{low}" text-anchor="middle" fill="#57606a">{words(age)}</text>')
    for number, (name, colour, values) in enumerate(lines):
        across = [left + place * step for place in range(len(values))]
        upper = [f"{x:.1f},{y(one.high):.1f}" for x, one in zip(across, values, strict=True)]
        lower = [f"{x:.1f},{y(one.low):.1f}" for x, one in zip(across, values, strict=True)][::-1]
        path = " ".join(f"{x:.1f},{y(one.value):.1f}" for x, one in zip(across, values, strict=True))
        parts.append(f'<polygon points="{" ".join(upper + lower)}" fill="{colour}" fill-opacity="0.12"/>')
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        place = f'x="{left + WIDTH - 4}" y="{top + 12 + 14 * number}"'
        parts.append(f'<text {place} text-anchor="end" fill="{colour}">{escape(name)}</text>')
    return parts
