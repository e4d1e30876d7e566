"""WordIndex: what is found is what a plain search of the texts finds, also of short beginnings and with typos."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.ids import ItemId
from palate.core.items import Item
from palate.store import words as module
from palate.store.items import ItemStore
from palate.store.words import FIRST, NAME, TITLE, WHERE, WordIndex, Writing, edits

letters = st.text("abc", min_size=1, max_size=4)
texts = st.lists(st.lists(letters, max_size=5), min_size=1, max_size=30)


def plain(texts: list[list[str]], words: list[str]) -> list[int]:
    *whole, last = words
    return [
        row for row, one in enumerate(texts)
        if set(whole) <= set(one) and any(word.startswith(last) for word in one)
    ]  # fmt: skip


@given(texts, st.lists(letters, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_it_finds_what_a_plain_search_finds(texts: list[list[str]], words: list[str]) -> None:
    found = WordIndex.of(texts, np.zeros(len(texts))).find(words)
    if not found.typo:
        assert found.rows.tolist() == plain(texts, words)
    for row, whole in zip(found.rows.tolist(), found.whole.tolist(), strict=True):
        assert whole == [word in texts[row] for word in words]


@given(texts, st.text("abc", min_size=1, max_size=2), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_a_short_beginning_finds_the_heaviest(texts: list[list[str]], begun: str, seed: int) -> None:
    """With room for 3 places and lists of 2: all where there are few, else the two heaviest."""
    weights = np.random.default_rng(seed).permutation(len(texts)).astype(np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "HEAVY", 3)
        patch.setattr(module, "HEAD", 2)
        found = WordIndex.of(texts, weights).find([begun])
        every = plain(texts, [begun])
        places = sum(word.startswith(begun) for one in texts for word in set(one))
        heaviest = sorted(sorted(every, key=lambda row: -weights[row])[:2])
        assert found.rows.tolist() == (every if places <= 3 else heaviest)
        own = np.arange(len(texts), dtype=np.int32)
        assert WordIndex.of(texts, weights).find([begun], own).rows.tolist() == every


@pytest.mark.parametrize("typed", ["beatels", "beatls", "baetles", "beaatles", "bestles", "beatlex"])
def test_one_edit_is_forgiven_when_nothing_else_is_found(typed: str) -> None:
    index = WordIndex.of([["the", "beatles"], ["queen"]], np.zeros(2))
    found = index.find([typed])
    assert (found.rows.tolist(), found.typo) == ([0], True)
    assert not index.find(["beatles"]).typo
    assert index.find(["thx"]).rows.tolist() == [], "three letters are too few to guess from"
    assert index.find(["beetlez"]).rows.tolist() == [], "two edits are too many"


def test_edits_are_one_step_apart_both_ways() -> None:
    for word in ("queen", "a1b2"):
        for one in edits(word):
            assert word in edits(one)


def test_fields_and_beginnings_are_told_apart(tmp_path: Path) -> None:
    writing = Writing()
    writing.add(0, ["killer", "queen"], TITLE)
    writing.add(0, ["queen"], NAME)
    writing.add(1, ["queen", "of", "hearts"], TITLE)
    writing.add(2, ["radio", "queen"], WHERE)
    writing.index(3, np.zeros(3)).save(tmp_path / "words")
    found = WordIndex.load(tmp_path / "words").find(["queen"])
    assert found.rows.tolist() == [0, 1, 2]
    assert found.fields[:, 0].tolist() == [TITLE | NAME | FIRST, TITLE | FIRST, WHERE]


def test_no_texts_and_no_words() -> None:
    assert WordIndex.of([], np.zeros(0)).find(["a"]).rows.tolist() == []
    assert WordIndex.of([["a"]], np.zeros(1)).find([]).rows.tolist() == []
    assert WordIndex.of([["a"]], np.zeros(1)).find(["b" * 300]).rows.tolist() == []


def test_an_item_is_found_by_its_album_and_the_most_heard_first_among_many(tmp_path: Path) -> None:
    items = [Item(ItemId(f"i{n}"), title=f"Take {n}", collection="Kind of Blue") for n in range(6_000)]
    ItemStore.write(tmp_path, items, np.arange(6_000, dtype=np.int32))
    with ItemStore(tmp_path) as store:
        assert store.search("kind blue take 77", 1).tolist() == [77]
        heavy = store.words.find(["t"]).rows
        assert (len(heavy), int(heavy.min())) == (module.HEAD, 6_000 - module.HEAD)
        assert store.plays[5_999] == 5_999
