"""Plots: marks stand where their values are, all is well-formed and escaped, and nothing is drawn from nothing."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.markup import Html
from palate.lab.plots import bar_plot, in_figures, line_plot, parallel_plot, scatter_plot
from palate.lab.plots.frame import DARK, LEFT, LIGHT, RIGHT, short
from palate.lab.plots.scale import axis, spans_powers

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)


def drawn(plot: Html) -> ElementTree.Element:
    return ElementTree.fromstring(plot)


def titles(plot: Html) -> list[str]:
    return [one.text or "" for one in drawn(plot).iter(f"{SVG}title")]


def words(plot: Html) -> list[str]:
    return ["".join(one.itertext()) for one in drawn(plot).iter(f"{SVG}text")]


def percents(plot: Html, element: str, attribute: str) -> list[float]:
    return [float(one.attrib[attribute].removesuffix("%")) for one in drawn(plot).iter(f"{SVG}{element}")]


def polylines(plot: Html) -> list[list[tuple[float, float]]]:
    found = []
    for one in drawn(plot).iter(f"{SVG}polyline"):
        pairs = (pair.split(",") for pair in one.attrib["points"].split())
        found.append([(float(x), float(y)) for x, y in pairs])
    return found


def test_a_line_goes_through_its_points() -> None:
    plot = line_plot([("a", [0, 1, 2], [0.0, 0.5, 1.0])], x="step", y="loss")
    (points,) = polylines(plot)
    assert [x for x, _ in points] == [LEFT, pytest.approx((LEFT + RIGHT) / 2), RIGHT]
    heights = [y for _, y in points]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2])
    assert heights[0] > heights[2], "more is higher"
    assert titles(plot) == ["a: 0 at 0", "a: .5 at 1", "a: 1 at 2"]
    assert {"loss", "step"} <= set(words(plot))


def test_a_value_that_is_not_finite_breaks_its_line() -> None:
    plot = line_plot([("a", [0, 1, 2, 3], [1.0, math.nan, 3.0, 4.0])], x="x", y="y")
    assert [len(piece) for piece in polylines(plot)] == [1, 2]
    on_log = line_plot([("a", [0, 1, 2], [1.0, 0.0, 10.0])], x="x", y="y", is_log_y=True)
    assert [len(piece) for piece in polylines(on_log)] == [1, 1]


def test_a_long_line_keeps_its_spike() -> None:
    values = [0.0] * 10_000
    values[7_123] = 1.0
    (points,) = polylines(line_plot([("a", list(range(10_000)), values)], x="x", y="y"))
    assert len(points) <= 402
    highest = min(points, key=lambda one: one[1])
    assert highest[0] == pytest.approx(LEFT + (RIGHT - LEFT) * 7_123 / 9_999, abs=0.01)
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_nine_lines_are_told_apart_by_colour_and_dash() -> None:
    plot = line_plot([(f"m{place}", [0, 1], [place, place + 1]) for place in range(9)], x="x", y="y")
    looks = [
        (group.attrib["class"], line.attrib.get("stroke-dasharray"))
        for group in drawn(plot).iter(f"{SVG}g")
        for line in group.iter(f"{SVG}polyline")
    ]
    assert len(set(looks)) == 9


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        line_plot([("a", [0, 1], [0.0])], x="x", y="y")


def test_bars_begin_at_zero() -> None:
    plot = bar_plot([("a", 4.0), ("b", -1.0), ("none", math.nan)], unit="ms", intervals=[(3.0, 4.0), None, None])
    assert percents(plot, "rect", "x") == [20.0, 0.0]
    assert percents(plot, "rect", "width") == [80.0, 20.0]
    assert words(plot)[:3] == ["ms", "a", "4 [3, 4]"]
    assert "a: 4 [3, 4] ms" in titles(plot)


def test_bars_are_written_with_three_figures_of_the_largest() -> None:
    plot = bar_plot([("a", 0.16224), ("b", 0.005995)], intervals=[(0.1476, 0.1784), (0.003458, 0.009305)])
    assert words(plot) == ["a", ".162 [.148, .178]", "b", ".006 [.003, .009]"]
    assert titles(plot)[1] == "b: .005995 [.003458, .009305]"


def test_intervals_are_given_for_each_bar_or_none() -> None:
    with pytest.raises(ValueError, match="1 intervals for 2 bars"):
        bar_plot([("a", 1.0), ("b", 2.0)], intervals=[(0.0, 1.0)])


def test_dots_stand_where_their_values_are() -> None:
    plot = scatter_plot([(0.0, 0.0, "low"), (10.0, 1.0, "high"), (math.inf, 1.0, "away")], x="s", y="ndcg")
    circles = list(drawn(plot).iter(f"{SVG}circle"))
    assert [one.attrib["cx"] for one in circles] == [f"{LEFT:g}%", f"{RIGHT:g}%"]
    assert titles(plot) == ["low: s 0, ndcg 0", "high: s 10, ndcg 1"]
    assert {"low", "high"} <= set(words(plot))


def test_names_that_would_cover_each_other_are_left_out() -> None:
    crowd = [(0.5 + place / 1e6, 0.5, f"the same place {place}") for place in range(40)] + [(0.0, 0.0, "far")]
    named = [one for one in words(scatter_plot(crowd, x="x", y="y")) if "same" in one or one == "far"]
    assert "far" in named
    assert len(named) < 12
    assert len(titles(scatter_plot(crowd, x="x", y="y"))) == 41


def test_parallel_lines_cross_every_axis_at_their_value() -> None:
    rows = [
        {"name": "one", "dim": 64, "loss": "bpr", "score": 0.0},
        {"name": "two", "dim": 128, "loss": "softmax", "score": 1.0},
        {"name": "three", "dim": 128, "loss": None, "score": 0.5},
    ]
    plot = parallel_plot(rows, ["dim", "loss", "score"], "score")
    by_title = {group.find(f"{SVG}title").text.split(":")[0]: group for group in drawn(plot).iter(f"{SVG}g")}  # type: ignore[union-attr]
    assert list(by_title) == ["one", "three", "two"], "the best is drawn last, on top"
    assert [piece[0][0] for piece in polylines(plot)] == [3.0, 97.0]
    assert [len(piece) for piece in polylines(plot)] == [3, 3], "three has no two neighbouring values"
    assert "100%" in by_title["two"].attrib["style"]
    assert "0%" in by_title["one"].attrib["style"]
    low = parallel_plot(rows, ["dim"], "score", best="low")
    assert re.findall(r"deep\) (\d+)%", low) == ["0", "50", "100"]
    assert titles(low)[-1].startswith("one: ")


def test_a_run_without_a_result_is_grey() -> None:
    plot = parallel_plot([{"a": 1, "b": 2, "r": None}, {"a": 2, "b": 3, "r": 1.0}], ["a", "b"], "r")
    first = next(drawn(plot).iter(f"{SVG}g"))
    assert first.attrib["style"].endswith("stroke:var(--line)")


@pytest.mark.parametrize(
    "plot",
    [
        line_plot([], x="step", y="loss"),
        line_plot([("a", [0.0], [math.nan])], x="step", y="loss"),
        bar_plot([]),
        scatter_plot([(math.nan, 1.0, "a")], x="x", y="y"),
        parallel_plot([], ["a"], "b"),
    ],
    ids=["no lines", "no values", "no bars", "no points", "no rows"],
)
def test_nothing_to_draw_is_said_in_words(plot: Html) -> None:
    assert "Nothing to draw" in "".join(words(plot))


NAMES = st.text(min_size=1, max_size=30)


@given(NAMES, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8))
def test_whatever_comes_is_a_whole_picture(name: str, pairs: list[tuple[float, float]]) -> None:
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    plots = [
        line_plot([(name, xs, ys), ("b", ys, xs)], x=name, y=name),
        bar_plot([(name, y) for y in ys], unit=name, intervals=[None if x != x else (x, y) for x, y in pairs]),
        scatter_plot([(x, y, name) for x, y in pairs], x=name, y=name, is_log_x=True),
        parallel_plot([{"name": name, name: x, "r": y} for x, y in pairs], [name], "r"),
    ]
    for plot in plots:
        root = drawn(plot)
        assert root.tag == f"{SVG}svg"
        assert not re.search(
            r"\b(nan|inf)\b", "".join(re.findall(r'(?:x|y|cx|cy|x1|x2|y1|y2|points|width)="([^"]*)"', plot))
        )


def test_a_name_cannot_become_an_element() -> None:
    evil = "<script>alert(1)</script>\x00"
    for plot in (
        line_plot([(evil, [0, 1], [1, 2]), ("b", [0], [1])], x=evil, y=evil),
        bar_plot([(evil, 1.0)], unit=evil),
        scatter_plot([(0.0, 1.0, evil)], x=evil, y=evil),
        parallel_plot([{"name": evil, evil: evil, "r": 1.0}], [evil], "r"),
    ):
        assert "<script" not in plot
        assert not list(drawn(plot).iter(f"{SVG}script"))


@given(st.lists(st.floats(-1e12, 1e12), min_size=1), st.booleans())
def test_an_axis_holds_its_values_and_ticks(values: list[float], is_log: bool) -> None:
    found = axis(values, is_log=is_log)
    assert found.low < found.high
    assert list(found.ticks) == sorted(set(found.ticks))
    assert all(0.0 <= found.part(one) <= 1.0 for one in (*values, *found.ticks))
    assert len(found.ticks) <= 25


def test_labels_have_the_decimals_that_ticks_need() -> None:
    assert [axis([0.0, 0.1]).label(tick) for tick in axis([0.0, 0.1]).ticks] == ["0", ".02", ".04", ".06", ".08", ".10"]
    assert [axis([-1.0, 1.0]).label(tick) for tick in (-1.0, 0.5)] == ["−1.0", ".5"]


def test_a_factor_of_thirty_asks_for_a_logarithm() -> None:
    assert spans_powers([1e-5, 1e-2])
    assert not spans_powers([1.0, 30.0])
    assert not spans_powers([0.0, 1000.0])
    assert not spans_powers([])


@given(st.floats(-1e300, 1e300))
def test_figures_read_back_as_the_number(value: float) -> None:
    read = float(in_figures(value).replace("−", "-").replace(",", ""))
    assert read == pytest.approx(value, rel=6e-4)


@given(st.text(max_size=60), st.integers(3, 40))
def test_a_short_name_fits(name: str, letters: int) -> None:
    assert len(short(name, letters)) <= letters
    assert short(name, letters) == name or "…" in short(name, letters)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("hues", "paper"), [(LIGHT, "#fbfaf7"), (DARK, "#16181c")], ids=["light", "dark"])
def test_every_hue_can_be_seen(hues: tuple[str, ...], paper: str) -> None:
    for hue in hues:
        low, high = sorted((luminance(hue), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 3.0, hue
