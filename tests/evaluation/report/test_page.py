"""The page as one file: what it says, that it is whole without any part, and that no name becomes markup."""

import copy
import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.evaluation.report.data import to_json
from palate.evaluation.report.page import page

from .fabricated import NASTY, comparison, crowded, full, nothing, small
from .reader import Page
from .test_text import outcome

MAIL = 1_500_000  # bytes
REPORTS = {
    "full": full,
    "simulated": lambda: full(simulated=True),
    "nothing": nothing,
    "empty": dict,
    "crowded": crowded,
    "compared": lambda: {**full(), "compare": comparison()},
    "only compared": lambda: {"compare": comparison()},
}


def check(html: str) -> Page:
    """What holds for every page."""
    seen = Page(html)
    ids = [one.attributes["id"] for one in seen.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for one in seen.elements:
        assert (one.attributes.get("href") or "#")[:1] in ("#", "d")
        if "href" in one.attributes and one.name == "a":
            assert one.attributes["href"][1:] in ids
        for name in ("aria-labelledby", "for"):
            assert one.attributes.get(name, ids[0]) in ids
        assert [name for name in one.attributes if name.startswith("on") or name in ("src", "action")] == []
    assert {"script", "img", "iframe", "object", "form", "base"}.isdisjoint(one.name for one in seen.elements)
    assert len(seen.all("h1")) == 1
    assert "nan" not in re.sub(r"[^a-z]+", " ", html.lower()).split()
    return seen


@pytest.mark.parametrize("name", REPORTS)
def test_every_page_is_whole(name: str) -> None:
    seen = check(page(REPORTS[name]()))
    assert seen.all("title")[0].text == seen.all("h1")[0].text
    for drawing in seen.all("svg"):
        assert drawing.attributes.get("role") == "img" or "aria-label" not in drawing.attributes


def test_what_the_judge_gives_can_be_shown() -> None:
    data = json.loads(json.dumps(to_json(outcome(), simulated=True, first="item-knn")))
    seen = check(page(data))
    for place, part in enumerate(data["tasks"].values()):
        assert (part["reason"] or "").rstrip(".") in seen.by_id(f"task-{place}").text
    assert "On next, only baselines were measured" in seen.by_id("answer").text


def test_it_fetches_nothing_and_the_browser_would_refuse() -> None:
    html = page(full())
    policy = next(
        one for one in Page(html).all("meta") if one.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.attributes["content"].startswith("default-src 'none'")
    assert re.findall(r"https?:|url\(|@import|@font-face", html) == []


def test_the_same_data_gives_the_same_page_and_keeps_the_data() -> None:
    data = full()
    before = copy.deepcopy(data)
    assert page(data) == page(data)
    assert data == before


def test_what_is_absent_is_said_and_not_drawn() -> None:
    seen = check(page(nothing()))
    assert seen.all("svg") == []
    assert seen.all("table") == []
    parts = (
        "answer",
        "measured",
        "tasks",
        "cohorts",
        "staleness",
        "coldstart",
        "beyond",
        "intrinsic",
        "probes",
        "twin",
        "cost",
        "again",
    )
    for key in parts:
        assert re.search(r"Not |Nothing |no |does not ", seen.by_id(key).text), key
    assert len(seen.of_class("absent")) >= len(parts)


def test_a_task_without_questions_gives_its_reason() -> None:
    data = full()
    data |= {"probes": None, "reasons": {"probes": "every space is younger than its windows."}}
    seen = check(page(data))
    assert "Not measured: this home has no playlist that grew in a window." in seen.by_id("task-3").text
    assert "Not measured: every space is younger than its windows." in seen.by_id("probes").text


def test_every_method_metric_and_task_is_in_words() -> None:
    data = full()
    seen = check(page(data))
    for place, (name, part) in enumerate(data["tasks"].items()):
        text = seen.by_id(f"task-{place}").text
        assert text.lower().startswith(name)
        for row in part["methods"]:
            assert row["method"] in text
            assert f"{row['ndcg@10']['value']:.4f}".removeprefix("0") in text
    for word in ("NDCG@10", "recall@100", "MRR@100", "hit rate@10", "seed spread", "1,537 questions about 1,404"):
        assert word in seen.by_id("task-0").text


def test_names_stay_text() -> None:
    seen = check(page(crowded()))
    words = seen.all("body")[0].text
    for name in NASTY:
        assert name in words
    assert [one.text for one in seen.all("h1")] == [f"{NASTY[0]} or {NASTY[1]}?"]


def test_half_a_surrogate_can_be_written() -> None:
    data = full()
    data["made"]["machine"] = "half \ud800 a pair"
    assert "half ? a pair" in page(data).encode("utf-8").decode("utf-8")


def test_forty_methods_on_eight_tasks_can_be_mailed() -> None:
    data = crowded()
    (part,) = data["tasks"].values()
    data["tasks"] = {f"task {place}": part for place in range(8)}
    html = page(data)
    check(html)
    assert len(html.encode()) < MAIL


def test_simulated_data_cannot_be_missed() -> None:
    seen = check(page(full(simulated=True)))
    assert [one.text for one in seen.of_class("band")[:1]] == [
        "SIMULATED Nobody here is real: these numbers say nothing about people."
    ]
    assert seen.all("body")[0].text.startswith("SIMULATED")
    assert "nothing about people" in seen.by_id("limits").text
    assert "SIMULATED" not in page(full())


def test_a_comparison_opens_the_page() -> None:
    seen = check(page({**full(), "compare": comparison()}))
    sections = [one.attributes["id"] for one in seen.all("section")]
    assert sections[:2] == ["compare", "answer"]
    text = seen.by_id("compare").text
    assert seen.all("h1")[0].text == "taste@3 or taste@4?"
    assert "next: taste@4 is better" in text
    assert "taste@4 minus taste@3" in text
    assert "+.0067 [+.0040, +.0097]" in text


def test_a_comparison_the_other_way_round_is_told_from_its_numbers() -> None:
    compared = comparison()
    for one in compared["tasks"].values():
        one["a"], one["b"] = one["b"], one["a"]
    assert "taste@3 minus taste@4" in check(page({"compare": compared})).by_id("compare").text


def test_two_versions_without_a_baseline_have_one_answer() -> None:
    data = {**small(), "compare": comparison("taste@3", "taste 4")}
    for about in data["methods"].values():
        about["kind"] = "palate"
    seen = check(page(data))
    assert [one.text for one in seen.all("h2")][1] == "Contents"
    assert seen.of_class("summary") == []
    assert "eval run --compare taste@3 'taste 4'" in seen.by_id("again").text


def test_what_was_left_out_is_named() -> None:
    seen = check(page(full()))
    assert "language: listeners have no column language" in seen.by_id("cohorts").text
    assert "listeners: country: nobody says where they are" in seen.by_id("intrinsic").text
    assert "reads what vectors are trained on" in seen.by_id("intrinsic").text
    assert "hears audiobooks: nobody did" in seen.by_id("probes").text
    assert "no space is better than chance, so it is not in Borda" in seen.by_id("probes").text
    assert "no clear difference between the twin and last week" in seen.by_id("twin").text


def test_the_page_can_be_repeated() -> None:
    text = check(page(full())).by_id("again").text
    assert "git checkout 0a7382e4b1 palate --home HOME eval run" in text
    assert "[eval] windows = 8 spacing_days = 28.0" in text
    assert "k = [10, 100]" in text


def test_the_worst_cohort_is_marked_once() -> None:
    data = full()
    worst = data["tasks"]["next"]["worst"]["cohort"]
    marked = check(page(data)).of_class("worst")
    assert (
        len(marked) == sum(bool(part.get("worst")) for part in data["tasks"].values()) - 1
    )  # a baseline leads on similar
    assert marked[0].text.startswith(f"{worst} worst")


def broken(data: dict[str, Any], chance: random.Random, cuts: int) -> dict[str, Any]:
    """The report with parts null or gone, down to single values of a task; intervals are whole or null."""
    for _ in range(cuts):
        part: Any = data
        for _ in range(chance.randint(1, 5)):
            keys = list(part) if isinstance(part, dict) else range(len(part))
            if not keys:
                break
            key = chance.choice(list(keys))
            below = part[key]
            whole = not isinstance(below, dict | list) or (isinstance(below, dict) and {"low", "start"} & set(below))
            if whole or chance.random() < 0.3:
                if isinstance(part, dict) and key != "method":
                    part[key] = None
                    if chance.random() < 0.5:
                        del part[key]
                break
            part = below
    return data


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.integers(1, 40))
def test_any_part_may_be_missing(seed: int, cuts: int) -> None:
    chance = random.Random(seed)
    check(page(broken(small(chance.random() < 0.5), chance, cuts)))
