"""Attributes looked up while they change: every answer is of the file as it is then."""

from pathlib import Path

import pytest

from palate.core.artefacts import write_arrays
from palate.core.clock import Calendar
from palate.core.errors import Corrupt
from palate.listening.attributes import Attributes
from palate.listening.listeners import ListenerTable

NO_PAUSE = Calendar()


def tell(path: Path, user: str, country: str) -> None:
    with ListenerTable.changing(path) as table:
        table.upsert([user], {"country": [country]})


def test_what_is_told_and_taken_back_is_seen_at_once(tmp_path: Path) -> None:
    path = tmp_path / "listeners.npz"
    attributes = Attributes(path)
    assert attributes.of(["u", "v"], NO_PAUSE).values == {}
    tell(path, "v", "SE")
    assert attributes.of(["u", "v"], NO_PAUSE).values == {"country": [None, "SE"]}
    tell(path, "v", "NO")
    assert attributes.of(["v"], NO_PAUSE).values == {"country": ["NO"]}
    with ListenerTable.changing(path) as table:
        table.forget(["v"])
    assert attributes.of(["v"], NO_PAUSE).values == {}


def test_times_are_the_homes(tmp_path: Path) -> None:
    path = tmp_path / "listeners.npz"
    with ListenerTable.changing(path) as table:
        table.upsert(["u"], {"account_created": ["400"]})
    paused = Calendar(((100.0, 300.0),))
    assert Attributes(path).of(["u"], paused).number("account_created").tolist() == [paused.home_time(400.0)]


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "listeners.npz"
    write_arrays(path)
    with pytest.raises(Corrupt, match=r"listeners\.npz"):
        Attributes(path).of(["u"], NO_PAUSE)
