"""The name of a run: the same for the same inputs, another for others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from palate.catalog.catalog import Catalog
from palate.catalog.playlists import PlaylistTable
from palate.core.errors import BadSettings
from palate.core.home import Home
from palate.core.items import Item, Membership
from palate.jobs.runs import name_run, read_run
from palate.listening.log import ListeningLog

from .small_homes import empty_home, listens_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = empty_home(tmp_path / "home")
    listen(home, 1_000.0)
    return home


def listen(home: Home, at: float) -> None:
    with ListeningLog(home.log) as log:
        log.append(listens_of([("ana", "a", at)]))


def described(home: Home) -> None:
    with Catalog.changing(home.catalog) as catalog:
        catalog.upsert([Item("a", title="A")])


def listed(home: Home) -> None:
    with PlaylistTable.changing(home.catalog) as playlists:
        playlists.add([Membership("p", "a")])


def paused(home: Home, start: float) -> None:
    with ListeningLog(home.log) as log:
        log.add_pause(start, start + 9e6)


def test_the_name_stays_while_nothing_changes(home: Home) -> None:
    run = name_run(home, None, None)
    assert name_run(home, None, None) == run
    paused(home, 1_001.0)  # a silence after the last listen changes nothing that is learnt
    assert name_run(home, None, None) == run
    assert not home.jobs.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda home: listen(home, 2_000.0),
        described,
        listed,
        lambda home: paused(home, 0.0) or listen(home, 9.1e6),
        lambda home: home.settings.write_text("[items]\ndim = 8\n"),
        lambda home: home.settings.write_text("[ranker]\nrounds = 1\n"),
        lambda home: home.settings.write_text("[index]\nrecall_at = 100\n"),
    ],
)
def test_another_input_gives_another_name(home: Home, change: Callable[[Home], object]) -> None:
    before = name_run(home, None, None).fingerprint
    change(home)
    assert name_run(home, None, None).fingerprint != before
    assert name_run(home, 1_500.0, None).fingerprint not in (before, name_run(home, None, None).fingerprint)


def test_settings_of_other_rooms_do_not_train_again(home: Home) -> None:
    before = name_run(home, None, None).fingerprint
    home.settings.write_text(home.settings.read_text() + "[server]\nport = 1\n")
    assert name_run(home, None, None).fingerprint == before


def test_a_wrong_setting_is_named(home: Home) -> None:
    home.settings.write_text("[items]\ndimensions = 8\n")
    with pytest.raises(BadSettings, match=r"palate\.toml: \[items\] dimensions is not a setting; choose from dim"):
        name_run(home, None, None)


def test_what_is_written_down_is_read_again(home: Home) -> None:
    run = name_run(home, 1_500.0, None)
    run.write_down()
    assert read_run(run.folder) == run
