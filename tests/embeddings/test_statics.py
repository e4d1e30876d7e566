import doctest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import palate.embeddings.statics as statics
from palate.core.artefacts import write_arrays
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, Corrupt
from palate.embeddings.statics import MOST_COLUMNS, WORDS, Statics, joined
from palate.listening.listeners import Column, ListenerColumns

AT = 44 * 365.25 * DAY_SECONDS  # 2014
NOBODY = ListenerColumns({})


def columns_of(**values: Column) -> ListenerColumns:
    return ListenerColumns(values)


def told(vocabulary: Statics, columns: ListenerColumns, row: int = 0, at: float = AT) -> set[str]:
    """The names of the columns that hold a 1."""
    found = vocabulary.features(columns, np.array([row], np.int32), at)[0]
    assert set(found.tolist()) <= {0.0, 1.0}
    return {name for name, value in zip(vocabulary.names, found.tolist(), strict=True) if value}


def test_the_docstrings_hold() -> None:
    assert doctest.testmod(statics).failed == 0


def test_each_attribute_has_its_place() -> None:
    columns = columns_of(
        country=["SE", "SE", "PE"],
        languages=["sv|en", "sv", None],
        device=["phone"] * 3,
        birth_year=["1990", None, "1950"],
        account_created=[repr(AT - 3 * DAY_SECONDS), None, repr(AT - 4000 * DAY_SECONDS)],
    )
    vocabulary = Statics.fit(columns, least=2)
    assert vocabulary.values == {"country": ["SE"], "languages": ["sv"], "device": ["phone"]}
    assert told(vocabulary, columns, 0) == {
        "country=SE", "languages=sv", "languages=other", "device=phone", "age=18-25", "account_days=1-7",
    }  # fmt: skip
    assert told(vocabulary, columns, 1) == {
        "country=SE", "languages=sv", "device=phone", "age=unknown", "account_days=unknown",
    }  # fmt: skip
    assert told(vocabulary, columns, 2) == {
        "country=other", "languages=unknown", "device=phone", "age=55-", "account_days=365-",
    }  # fmt: skip


def test_who_was_never_seen_is_unknown_in_everything() -> None:
    columns = columns_of(country=["SE"] * 30, birth_year=["1980"] * 30)
    vocabulary = Statics.fit(columns)
    unknown = {name for name in vocabulary.names if name.endswith("=unknown")}
    assert len(unknown) == 5
    for who, row in ((columns, -1), (columns, 30), (NOBODY, 0), (NOBODY, -1)):
        assert told(vocabulary, who, row) == unknown


def test_an_account_of_later_is_a_new_one() -> None:
    columns = columns_of(account_created=[repr(AT + DAY_SECONDS)])
    assert "account_days=0-1" in told(Statics.fit(columns), columns)


def test_every_listener_is_asked_at_a_moment_of_their_own() -> None:
    columns = columns_of(account_created=["0.0", "0.0"])
    found = Statics.fit(columns).features(columns, np.array([0, 1]), np.array([DAY_SECONDS / 2, 30 * DAY_SECONDS]))
    names = Statics.fit(columns).names
    assert found[0, names.index("account_days=0-1")] == found[1, names.index("account_days=28-182")] == 1.0


def test_the_most_frequent_values_win_the_columns_there_are() -> None:
    countries: Column = [f"c{number:02d}" for number in range(80) for _ in range(100 - number)]
    vocabulary = Statics.fit(columns_of(country=countries))
    assert len(vocabulary.names) == MOST_COLUMNS
    assert vocabulary.values["country"] == [f"c{number:02d}" for number in range(len(vocabulary.values["country"]))]


def test_nobody_to_learn_from_gives_a_vocabulary_without_values() -> None:
    vocabulary = Statics.fit(NOBODY)
    assert vocabulary.values == {name: [] for name in WORDS}
    assert vocabulary.features(NOBODY, np.zeros(0, np.int32), AT).shape == (0, len(vocabulary.names))


texts = st.one_of(st.none(), st.sampled_from(["SE", "BR", "en|sv", "", "|", "x" * 40, "en"]))


@given(
    st.lists(st.tuples(texts, texts, texts, st.one_of(st.none(), st.sampled_from(["1990", "soon", "1"]))), max_size=12)
)
def test_each_attribute_is_told_once_and_languages_at_least_once(rows: list[tuple[str | None, ...]]) -> None:
    country, languages, device, birth = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    columns = columns_of(country=country, languages=languages, device=device, birth_year=birth)
    vocabulary = Statics.fit(columns, least=1)
    users = np.arange(-1, len(rows) + 1)
    found = vocabulary.features(columns, users, AT)
    assert found.dtype == np.float32
    for name in ("country", "device", "age", "account_days", "languages"):
        mine = [place for place, one in enumerate(vocabulary.names) if one.startswith(f"{name}=")]
        sums = found[:, mine].sum(axis=1)
        assert (sums >= 1).all() if name == "languages" else (sums == 1).all()
    alone = [vocabulary.features(columns, users[[row]], AT)[0] for row in range(len(users))]
    np.testing.assert_array_equal(found, np.stack(alone))


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    vocabulary = Statics.fit(columns_of(country=["ÅL"] * 20, languages=["en|sv"] * 20))
    vocabulary.save(tmp_path / "statics.npz")
    assert Statics.load(tmp_path / "statics.npz") == vocabulary


def test_a_newer_or_odd_file_is_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "new.npz", format=np.array(99))
    write_arrays(tmp_path / "odd.npz", format=np.array(1), values=np.frombuffer(b"[]", np.uint8))
    for name in ("new", "odd"):
        with pytest.raises(Corrupt, match="train again"):
            Statics.load(tmp_path / f"{name}.npz")


def test_a_value_with_the_separator_cannot_be_joined() -> None:
    with pytest.raises(BadInput, match="separates values"):
        joined(["en|sv"])
