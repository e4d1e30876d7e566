"""What the batching window costs in processor time, beside what it costs in waiting, as an SVG."""

import math
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, PANEL_WIDTH, PANEL_HEIGHT = 760, 330, 56, 44, 290, 220
LOOKS = ("#1f6f8b", "#c8553d", "#5b7f3a", "#7a5195")


class Panel:
    """One pair of axes: windows side by side at even steps, values on a linear or logarithmic scale from the floor."""

    def __init__(self, place: int, title: str, windows: list[int], values: list[float], logarithmic: bool) -> None:
        self.left, self.windows, self.logarithmic = LEFT + place * (PANEL_WIDTH + 76), windows, logarithmic
        self.low = 10.0 ** math.floor(math.log10(min(values))) if logarithmic else 0.0
        self.high = 10.0 ** math.ceil(math.log10(max(values))) if logarithmic else max(values) * 1.1
        self.parts = [f'<text x="{self.left}" y="{TOP - 14}" class="t">{title}</text>']
        for value in self._ticks():
            y = self.y(value)
            self.parts.append(
                f'<line x1="{self.left}" x2="{self.left + PANEL_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="g"/>'
            )
            self.parts.append(f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for window in windows:
            self.parts.append(
                f'<text x="{self.x(window):.1f}" y="{TOP + PANEL_HEIGHT + 18}" text-anchor="middle">{window}</text>'
            )

    def x(self, window: int) -> float:
        """Pixels from the left."""
        step = PANEL_WIDTH / max(len(self.windows) - 1, 1)
        return self.left + step * self.windows.index(window)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        if self.logarithmic:
            part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return TOP + PANEL_HEIGHT * (1 - part)

    def line(self, points: list[tuple[int, float]], look: str, dashed: bool = False) -> None:
        """One measure over the windows."""
        path = " ".join(f"{self.x(window):.1f},{self.y(value):.1f}" for window, value in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{look}" stroke-width="2"{dash}/>')

    def _ticks(self) -> list[float]:
        if self.logarithmic:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = 10.0 ** math.floor(math.log10(self.high))
        step = step if self.high / step >= 3 else step / 5
        return [step * number for number in range(int(self.high / step) + 1)]


def drawing(rows: list[dict[str, Any]]) -> str:
    """The SVG: processor time on the left; p50 (whole lines) and p99 (dashed) of event to answer on the right."""
    windows = sorted({one["window_ms"] for one in rows})
    cost = Panel(
        0, "CPU seconds per 1,000 events", windows, [max(one["cpu_seconds_per_1000"], 0) for one in rows], False
    )
    waits = [one[name] for one in rows for name in ("answer_p50", "answer_p99")]
    wait = Panel(1, "accepted to answer, ms: p50, p99 dashed", windows, waits, True)
    legend = []
    for place, (rate, look) in enumerate(zip(sorted({one["rate"] for one in rows}), LOOKS, strict=False)):
        mine = sorted((one for one in rows if one["rate"] == rate), key=lambda one: one["window_ms"])
        cost.line([(one["window_ms"], max(one["cpu_seconds_per_1000"], 0)) for one in mine], look)
        wait.line([(one["window_ms"], one["answer_p50"]) for one in mine], look)
        wait.line([(one["window_ms"], one["answer_p99"]) for one in mine], look, dashed=True)
        legend.append(
            f'<text x="{LEFT + place * 150}" y="{HEIGHT - 8}" style="fill:{look}">{rate:g} events a second</text>'
        )
    axis = f'<text x="{LEFT + 3 * 150}" y="{HEIGHT - 8}">below: [fresh] window_ms</text>'
    style = "text{font:12px sans-serif;fill:#444}.t{font-weight:bold}.g{stroke:#ddd}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
    white = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    return "\n".join([head, f"<style>{style}</style>", white, *cost.parts, *wait.parts, *legend, axis, "</svg>\n"])
