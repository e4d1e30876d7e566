"""Importing: counted rows, rejects in a file, strict before anything is written, twice equals once."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from palate.catalog.catalog import Catalog
from palate.catalog.playlists import load
from palate.core.errors import BadInput, MissingHome
from palate.core.home import Home
from palate.core.items import Kind
from palate.jobs.importing import general, import_items, import_listens, import_playlists
from palate.listening.log import ListeningLog

NOW = 1_700_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.settings.touch()
    return home


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def logged(home: Home) -> list[tuple[str, str, float]]:
    with ListeningLog(home.log) as log:
        return [
            row
            for batch in log.replay(0)
            for row in zip(batch.user_id, batch.item_id, batch.timestamp.tolist(), strict=True)
        ]


def test_listens_land_in_the_log_and_twice_equals_once(home: Home, tmp_path: Path) -> None:
    file = written(tmp_path / "l.csv", "user_id,item_id,timestamp", "ana,a,100", "bo,b,50", "ana,a,100")
    report = import_listens(home, [file], {}, strict=False, now=NOW)
    assert (report.files, report.rows, report.accepted, report.duplicates, report.rejected) == (1, 3, 2, 1, 0)
    assert (report.reasons, report.rejects_file) == ({}, None)
    again = import_listens(home, [file, file], {}, strict=True, now=NOW)
    assert (again.files, again.rows, again.accepted, again.duplicates) == (2, 6, 0, 6)
    assert logged(home) == [("ana", "a", 100.0), ("bo", "b", 50.0)]
    assert not home.rejects.exists()
    assert len(Catalog.open(home.catalog)) == 0


def test_bad_rows_are_counted_by_reason_and_kept_in_one_file(home: Home, tmp_path: Path) -> None:
    head = "user_id,item_id,timestamp"
    good = written(tmp_path / "good.csv", head, "ana,a,100")
    bad = written(tmp_path / "bad.csv", head, "ana,a,soon", "ana,b,later", ",a,7", "ana,c,200")
    worse = written(tmp_path / "worse.csv", head, "bo,a,never")
    report = import_listens(home, [good, bad, worse], {}, strict=False, now=NOW)
    assert (report.rows, report.accepted, report.duplicates, report.rejected) == (6, 2, 0, 4)
    assert sorted(report.reasons.values(), reverse=True) == list(report.reasons.values()) == [3, 1]
    assert report.rejects_file == home.rejects / "20231114T221320Z-bad.csv.csv"
    with report.rejects_file.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(Path(row["file"]).name, row["line"]) for row in rows] == [
        ("bad.csv", "2"), ("bad.csv", "3"), ("bad.csv", "4"), ("worse.csv", "2"),
    ]  # fmt: skip
    assert logged(home) == [("ana", "a", 100.0), ("ana", "c", 200.0)]


def test_strict_names_the_first_bad_row_and_writes_nothing(home: Home, tmp_path: Path) -> None:
    head = "user_id,item_id,timestamp"
    good = written(tmp_path / "good.csv", head, "ana,a,100")
    bad = written(tmp_path / "bad.csv", head, "ana,b,200", "ana,c,soon", "ana,d,never")
    with pytest.raises(BadInput, match=r"bad\.csv line 3: timestamp .*soon"):
        import_listens(home, [good, bad], {}, strict=True, now=NOW)
    assert not home.listening.exists()


def test_a_mapping_names_the_columns(home: Home, tmp_path: Path) -> None:
    file = written(tmp_path / "dj.csv", "DJ,Artist,Played", "x,y,5")
    mapping = {"user_id": "DJ", "item_id": "Artist", "timestamp": "Played"}
    assert import_listens(home, [file], mapping, strict=False, now=NOW).accepted == 1
    assert logged(home) == [("x", "y", 5.0)]


def test_items_land_in_the_catalogue_and_add_to_it(home: Home, tmp_path: Path) -> None:
    first = written(tmp_path / "a.csv", "item_id,kind,title,explicit", "e,episode,One,true", "t,track,Two,false")
    report = import_items(home, [first], {}, strict=False, now=NOW)
    assert (report.rows, report.accepted, report.duplicates) == (2, 2, 0)
    second = written(tmp_path / "b.csv", "item_id,language", "e,de", "t,", "u,en")
    report = import_items(home, [second], {}, strict=False, now=NOW)
    assert (report.rows, report.accepted, report.duplicates) == (3, 2, 1)
    episode, track, other = Catalog.open(home.catalog).items()
    assert (episode.kind, episode.title, episode.language, episode.explicit) == (Kind.EPISODE, "One", "de", True)
    assert (track.item_id, track.language) == ("t", None)
    assert (other.item_id, other.language) == ("u", "en")


def test_items_of_json_lines_say_what_each_line_says(home: Home, tmp_path: Path) -> None:
    first = written(tmp_path / "a.jsonl", '{"item_id": "e"}', '{"item_id": "f", "kind": "episode"}')
    import_items(home, [first], {}, strict=False, now=NOW)
    assert [one.kind for one in Catalog.open(home.catalog).items()] == [Kind.TRACK, Kind.EPISODE]


def test_one_unreadable_file_leaves_the_catalogue_as_it_was(home: Home, tmp_path: Path) -> None:
    good = written(tmp_path / "a.csv", "item_id", "a")
    with pytest.raises(BadInput, match=r"missing\.csv is not a file"):
        import_items(home, [good, tmp_path / "missing.csv"], {}, strict=False, now=NOW)
    assert len(Catalog.open(home.catalog)) == 0


def test_playlists_bring_their_items_into_the_catalogue(home: Home, tmp_path: Path) -> None:
    import_items(home, [written(tmp_path / "i.csv", "item_id,title", "b,B")], {}, strict=False, now=NOW)
    file = written(tmp_path / "p.csv", "playlist_id,name,item_id,added", "p,Mornings,a,5", "p,Mornings,b,6", "q,,a,")
    report = import_playlists(home, [file], {}, strict=False, now=NOW)
    assert (report.rows, report.accepted, report.duplicates) == (3, 3, 0)
    assert import_playlists(home, [file], {}, strict=True, now=NOW).duplicates == 3
    catalog = Catalog.open(home.catalog)
    playlists = load(home.catalog, catalog)
    assert catalog.ids == ["b", "a"]
    assert catalog.item(0).title == "B"
    assert playlists.item.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(playlists.added, [5.0, 6.0, np.nan])
    assert playlists.names == ["Mornings", None]


def test_a_folder_that_is_no_home_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "l.csv", "user_id,item_id,timestamp", "ana,a,100")
    with pytest.raises(MissingHome):
        import_listens(Home(tmp_path / "nowhere"), [file], {}, strict=False, now=NOW)


@pytest.mark.parametrize(
    ("reason", "generalised"),
    [
        ("timestamp is 'soon', not a time", "timestamp is …, not a time"),
        ('title is "it\'s", not text', "title is …, not text"),
        ("seconds_played is -5, below 0", "seconds_played is …, below …"),
        ("released is 1.5e+20, more than 4,102,444,800", "released is …, more than …"),
        ("user_id is missing", "user_id is missing"),
    ],
)
def test_reasons_are_counted_without_their_values(reason: str, generalised: str) -> None:
    assert general(reason) == generalised


DATA = Path(os.environ.get("PALATE_DATA", Path(__file__).parents[2] / "../shared/data"))


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "30music").is_dir(), reason="no real data: set PALATE_DATA to the folder with 30music/")
def test_thirty_music_is_imported_whole_and_in_time_order(home: Home) -> None:
    file = DATA / "30music" / "listens.parquet"
    report = import_listens(home, [file], {}, strict=True, now=NOW)
    assert (report.accepted, report.rejected) == (265_252, 0)
    with ListeningLog(home.log) as log:
        items = log.item_ids()
        history = log.history(np.arange(len(items), dtype=np.int32), len(items))
    assert (len(history), len(history.users), len(items)) == (265_252, 11_606, 9_950)
    assert bool((np.diff(history.timestamp) >= 0).all())
