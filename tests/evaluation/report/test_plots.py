"""Scales, places and the colours they are drawn in."""

import re
from html import unescape
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.markup import Html, joined, tag
from palate.evaluation.report.plots.curve import places_of_ages
from palate.evaluation.report.plots.marks import Mark, whisker
from palate.evaluation.report.plots.scale import INSET, linear, ratio, spread
from palate.evaluation.report.plots.scatter import Point, scatter
from palate.evaluation.report.plots.timeline import Span, timeline
from palate.evaluation.report.reading import Estimate

from .reader import Page

FINITE = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6))


def test_a_scale_has_round_ticks_and_holds_its_values() -> None:
    scale = linear([0.0302, 0.1319])
    assert scale.ticks == (0.0, 0.05, 0.1, 0.15)
    assert [scale.label(tick) for tick in scale.ticks] == ["0", ".05", ".10", ".15"]
    assert scale.position(0.0) == INSET
    assert scale.position(0.15) == pytest.approx(100 - INSET)
    assert linear([0.0302, 0.1109]).high == 0.1109  # .15 would be too far beyond
    assert [linear([-0.03, 0.012]).label(tick) for tick in (-0.03, 0.01)] == ["\N{MINUS SIGN}.03", ".01"]


def test_a_ratio_is_as_far_down_as_up() -> None:
    scale = ratio([0.5, 2.0])
    assert scale.position(1.0) == pytest.approx(50.0)
    assert scale.position(2.0) - 50.0 == pytest.approx(50.0 - scale.position(0.5))
    assert scale.ticks == (0.5, 1.0, 2.0)


@given(st.lists(FINITE, max_size=6))
def test_positions_keep_the_order_and_stay_inside(values: list[float]) -> None:
    scale = linear(values)
    places = [scale.position(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(INSET - 1e-6 <= place <= 100 - INSET + 1e-6 for place in places)
    assert 1 <= len(scale.ticks) <= 9
    assert all(scale.low - 1e-6 <= tick <= scale.high + 1e-6 for tick in scale.ticks)


@given(st.lists(st.floats(0, 300), max_size=15))
def test_labels_are_moved_apart_in_their_order(wanted: list[float]) -> None:
    places = spread(wanted, 17.0, 0.0, 300.0)
    order = sorted(range(len(wanted)), key=lambda one: wanted[one])
    ordered = [places[one] for one in order]
    assert all(b - a >= 17.0 - 1e-6 for a, b in pairwise(ordered))
    assert all(-1e-6 <= place <= 300.0 + 1e-6 for place in places)  # 15 labels of 17 pixels fit into 300


def test_now_stands_before_every_age() -> None:
    places = places_of_ages([0.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0])
    assert places == sorted(set(places))
    assert places[2] - places[1] == pytest.approx((places[3] - places[2]) * 0.7737, rel=1e-3)  # log 4 / log 6
    assert places_of_ages([0.0]) == [50.0]
    assert places_of_ages([]) == []


def test_a_dot_stands_where_its_value_is() -> None:
    scale = linear([0.0, 1.0])
    drawn = Page(f"<svg>{whisker(Mark('a & b', Estimate(0.5, 0.25, 0.75)), scale, 10)}</svg>")
    assert [one.attributes["cx"] for one in drawn.all("circle")] == ["50%"]
    assert [(one.attributes["x1"], one.attributes["x2"]) for one in drawn.all("line")] == [("26%", "74%")]
    assert [one.text for one in drawn.all("title")] == ["a & b: .5000 [.2500, .7500]"]
    bare = Page(f"<svg>{whisker(Mark('a', Estimate(0.5)), scale, 10)}</svg>")
    assert bare.all("line") == []


def test_a_name_that_would_cover_another_is_left_out() -> None:
    points = [
        Point("first", 0.5, 0.5, "first", 0),
        Point("second", 0.501, 0.5, "other"),
        Point("far", 0.9, 0.9, "other"),
    ]
    drawn = Page(scatter(points, linear([0, 1]), linear([0, 1]), "a title"))
    names = [one.text for one in drawn.of_class("point-name")]
    assert "far" in names
    assert names.count("first") + names.count("second") >= 1
    assert len([one for one in drawn.all("circle") if "dot" in one.attributes["class"]]) == 3


def test_a_timeline_has_a_row_for_each_window() -> None:
    day = 86_400.0
    spans = [Span(60 * day, 60.02 * day, 67 * day), Span(10 * day, 10.02 * day, 17 * day, is_dropped=True)]
    drawn = Page(timeline(0.0, 100 * day, spans, "two windows"))
    assert [one.attributes["class"] for one in drawn.of_class("window")] == ["window kept", "window dropped"]
    target = drawn.of_class("target")[0].attributes
    assert (target["x"], target["width"]) == ("60.02%", "6.98%")
    assert "1970-03-02" in drawn.of_class("kept")[0].text
    assert timeline(0.0, 0.0, spans, "no length") == ""
    assert timeline(0.0, day, [], "no windows") == ""


@given(st.text(), st.text(min_size=1))
def test_what_is_put_in_is_read_out(words: str, value: str) -> None:
    html = tag("p", words, title=value)
    assert isinstance(html, Html)
    inside = re.fullmatch(r'<p title="([^"<>]*)">([^<>]*)</p>', html, re.DOTALL)
    assert inside is not None
    assert (unescape(inside[1]), unescape(inside[2])) == (
        unescape(unescape_free(value)),
        unescape(unescape_free(words)),
    )


def unescape_free(text: str) -> str:
    """The text as it reads after one escape and one unescape: itself."""
    return text.replace("&", "&amp;")


def test_markup_is_not_escaped_twice() -> None:
    assert joined(tag("b", "<"), " & ", None, 3) == "<b>&lt;</b> &amp; 3"


def colours(scheme: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", scheme))


def luminance(colour: tuple[float, ...]) -> float:
    parts = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in colour]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(scheme: str) -> None:
    """WCAG AA: 4.5 for text, 3 for marks."""
    style = files("palate.evaluation.report").joinpath("style.css").read_text(encoding="utf-8")
    light, dark = style.split("@media (prefers-color-scheme: dark)", 1)
    found = {
        name: rgb(value) for name, value in (colours(light) | (colours(dark[:400]) if scheme == "dark" else {})).items()
    }
    for text in ("ink", "quiet", "accent"):
        assert contrast(found[text], found["paper"]) >= 4.5, text
    assert contrast(found["ink"], found["tint"]) >= 4.5
    assert contrast(found["paper"], found["accent"]) >= 4.5
    assert contrast(rgb("#1d1f23"), found["band"]) >= 4.5
    darkest = tuple(0.45 * accent + 0.55 * paper for accent, paper in zip(found["accent"], found["paper"], strict=True))
    assert contrast(found["ink"], darkest) >= 4.5
