"""The log as a band of time, one row for each window: what was known, and the days that were to be foretold."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.marks import percent
from palate.evaluation.report.wording import date

ROW_PIXELS, BAR_PIXELS, AXIS_PIXELS = 22.0, 14.0, 26.0
MONTH_SECONDS = 30.44 * 86_400
STEPS_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
TICKS = 5
LABEL_PERCENT = 35.0  # of the width that a label takes on a phone


@dataclass(frozen=True)
class Span:
    """One window in seconds: known before `at`, foretold from `start` to `end`."""

    at: float
    start: float
    end: float
    is_dropped: bool = False


def timeline(begin: float, end: float, spans: Sequence[Span], title: str) -> Html:
    """The drawing. `begin` and `end` are those of the log, in seconds; a log without length gives nothing."""
    if not spans or end <= begin:
        return joined()
    length = max(end, *(span.end for span in spans)) - begin

    def place(moment: float) -> float:
        return 100.0 * min(max((moment - begin) / length, 0.0), 1.0)

    rows = [_row(span, place(span.at), place(span.start), place(span.end), number) for number, span in enumerate(spans)]
    height = ROW_PIXELS * len(spans) + AXIS_PIXELS
    axis = [_tick(moment, place(moment), height) for moment in _round_moments(begin, begin + length)]
    return tag("svg", tag("title", title), *axis, *rows, width="100%", height=height, role="img", aria_label=title)


def _row(span: Span, at: float, start: float, end: float, number: int) -> Html:
    y = ROW_PIXELS * number + (ROW_PIXELS - BAR_PIXELS) / 2
    look = "dropped" if span.is_dropped else "kept"
    words = f"known before {date(span.at)}, foretold from {date(span.start)} to {date(span.end)}"
    known = tag("rect", class_="known", x="0%", width=percent(at), y=y, height=BAR_PIXELS)
    target = tag(
        "rect", class_="target", x=percent(start), width=percent(max(end - start, 0.3)), y=y, height=BAR_PIXELS
    )
    label = date(span.start) + (", dropped" if span.is_dropped else "")
    where = (at, -6, "tick end") if at > LABEL_PERCENT else (end, 6, "tick start")
    name = tag("text", label, x=percent(where[0]), dx=where[1], y=y + BAR_PIXELS - 3, class_=where[2])
    return tag("g", tag("title", words), known, target, name, class_=f"window {look}")


def _tick(moment: float, x: float, height: float) -> Html:
    look = "tick start" if x < 6 else "tick end" if x > 94 else "tick"
    line = tag("line", class_="grid", x1=percent(x), x2=percent(x), y1=0, y2=height - AXIS_PIXELS + 4)
    return joined(line, tag("text", date(moment)[:7], x=percent(x), y=height - 6, class_=look))


def _round_moments(begin: float, end: float) -> list[float]:
    """First days of months, about TICKS of them."""
    months = (end - begin) / MONTH_SECONDS
    step = next((one for one in STEPS_MONTHS if months / one <= TICKS), STEPS_MONTHS[-1])
    year, month = (int(part) for part in date(begin).split("-")[:2])
    found, count = [], 12 * year + month - 1
    while (moment := _first_day(count)) <= end:
        if moment >= begin and count % step == 0:
            found.append(moment)
        count += 1
    return found


def _first_day(months: int) -> float:
    return datetime.datetime(months // 12, months % 12 + 1, 1, tzinfo=datetime.UTC).timestamp()
