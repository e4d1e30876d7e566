"""Errors: one sentence on stderr with what to do, exit code 1, nothing on stdout and no traceback."""

from pathlib import Path

import pytest

from palate.core.artefacts import write_json
from palate.core.home import Home
from palate.embeddings.space import Spaces

from .conftest import Palate


def refused(palate: Palate, home: Home | Path, *words: str | Path) -> str:
    """The sentence of a command that cannot do what it was asked."""
    found = palate(home, *words)
    assert (found.exit_code, found.stdout) == (1, ""), (words, found.stdout)
    assert found.stderr.startswith("error: "), found.stderr
    assert found.stderr.count("\n") == 1, found.stderr
    return found.stderr.removeprefix("error: ").rstrip("\n")


HOMELESS = [
    ("import", "listens", "l.csv"), ("import", "items", "i.csv"), ("import", "playlists", "p.csv"), ("train",),
    ("recommend", "--users", "u.txt", "--out", "r.parquet"), ("embed", "users", "--out", "u.parquet"), ("similar", "a"),
    ("search", "a"), ("explain", "u", "a"), ("eval", "run"), ("eval", "report"), ("space", "list"),
    ("space", "promote", "taste@1"), ("space", "rollback"), ("serve",), ("fresh",),
]  # fmt: skip


@pytest.mark.parametrize("words", HOMELESS, ids=" ".join)
def test_a_folder_that_is_no_home(palate: Palate, tmp_path: Path, monkeypatch, words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "u.txt").write_text("ana\n")
    sentence = refused(palate, tmp_path / "nowhere", *words)
    assert sentence == (
        f"{tmp_path / 'nowhere'} is not a Palate home (no palate.toml); run: palate --home {tmp_path / 'nowhere'} init"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["u.txt"]


UNTRAINED = [
    ("recommend", "--users", "u.txt", "--out", "r.parquet"), ("embed", "users", "--out", "r.parquet"),
    ("embed", "items", "--out", "r.parquet"), ("similar", "a"), ("search", "a"), ("explain", "u", "a"), ("fresh",),
    ("train", "--only", "users"),
]  # fmt: skip


@pytest.mark.parametrize("words", UNTRAINED, ids=" ".join)
def test_a_home_that_was_never_trained(palate: Palate, tmp_path: Path, monkeypatch, words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "u.txt").write_text("ana\n")
    (tmp_path / "l.csv").write_text("user_id,item_id,timestamp\nana,a,1400000000\n")
    home = tmp_path / "home"
    palate(home, "init")
    palate(home, "import", "listens", "l.csv")
    assert "run `palate train`" in refused(palate, home, *words)
    assert not (tmp_path / "r.parquet").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train",), "has no listens yet; run `palate import listens FILE` first"),
        (("eval", "run"), "has no listens yet"),
        (("eval", "report"), "has not been evaluated yet; run: palate eval run"),
        (("space", "promote", "taste@1"), "no space 'taste@1'; there are: none yet, run `palate train`"),
    ],
)
def test_an_empty_home(palate: Palate, tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    palate(tmp_path / "home", "init")
    assert sentence in refused(palate, tmp_path / "home", *words)


def test_a_home_without_versions_lists_none(palate: Palate, tmp_path: Path) -> None:
    palate(tmp_path / "home", "init")
    assert palate(tmp_path / "home", "space", "list").stdout == "no spaces yet; run: palate train\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("similar", "zzz"), "no item 'zzz' in the catalogue; import it with `palate import items`"),
        (("explain", "sim-user-0001", "zzz"), "no item 'zzz' in the catalogue"),
        (("similar", "sim-track-00001", "--n", "0"), "n = 0 must be between 1 and 1,000"),
        (("search", "a", "--n", "-3"), "n = -3 must be between 1 and 1,000"),
        (("space", "promote", "taste@9"), "no space 'taste@9'; there are: taste@1"),
        (("space", "promote", "../taste@1"), "no space '../taste@1'; there are: taste@1"),
        (("space", "rollback"), "there is no earlier live version to roll back to"),
        (("train", "--until", "soon"), "'soon' is not a time; give unix seconds or ISO 8601, e.g. 2014-12-01"),
        (("train", "--until", "nan"), "'nan' is not a time"),
        (("train", "--until", "2014-13-01"), "'2014-13-01' is not a time"),
        (("train", "--until", "1971-01-01"), "is before --until; give a later time"),
        (("recommend", "--users", "u.txt", "--at", "inf", "--out", "r.parquet"), "'inf' is not a time"),
        (("recommend", "--users", "u.txt", "--n", "0", "--out", "r.parquet"), "n = 0 must be between"),
        (("recommend", "--users", "u.txt", "--n", "9999", "--out", "r.parquet"), "n = 9999 must be between"),
        (("recommend", "--users", "u.txt", "--surface", "x", "--out", "r.parquet"), "choose from for_you"),
        (("recommend", "--users", "none.txt", "--out", "r.parquet"), "no file none.txt; give a text file with"),
        (("recommend", "--users", "empty.txt", "--out", "r.parquet"), "empty.txt holds no user ids; write one a line"),
        (("recommend", "--users", "u.txt", "--out", "folder"), "folder"),
        (("embed", "items", "--out", "u.txt/r.parquet"), "u.txt"),
        (("embed", "users", "--at", "yesterday", "--out", "r.parquet"), "'yesterday' is not a time"),
        (("import", "listens", "none.csv"), "none.csv"),
        (("import", "listens", "l.csv", "--map", "user"), "--map"),
        (("import", "listens", "l.csv", "--map", "user=Nobody"), "Nobody"),
        (("import", "listens", "l.csv", "--map", "listener=DJ"), "listener"),
        (("import", "listens", "l.csv", "--strict"), "l.csv line 2"),
        (("import", "items", "u.txt"), "u.txt"),
        (("eval", "run", "--windows", "0"), "windows = 0"),
        (("demo", "--no-serve"), "holds listens already; give the demo a home of its own"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_trained_home_asked_for_the_impossible(
    palate: Palate, own: Home, tmp_path: Path, monkeypatch, words: tuple[str, ...], sentence: str
) -> None:
    work = tmp_path / "work"
    (work / "folder").mkdir(parents=True)
    monkeypatch.chdir(work)
    (work / "u.txt").write_text("sim-user-0001\n")
    (work / "empty.txt").write_text("\n")
    (work / "l.csv").write_text("user_id,item_id,timestamp\nana,a,never\n")
    before = sorted(work.rglob("*"))
    assert sentence in refused(palate, own, *words)
    assert sorted(work.rglob("*")) == before, "it left something behind"
    assert Spaces(own.spaces).live.label == "taste@1"


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("dim = 3", "'dim' stands outside any [table]"),
        ("[items]\ndim = 'x'", "[items] dim = 'x' must be of type int"),
        ("[items", "is not valid TOML"),
    ],
)
def test_settings_that_make_no_sense(palate: Palate, own: Home, toml: str, sentence: str) -> None:
    own.settings.write_text(toml)
    assert sentence in refused(palate, own, "train")
    assert sentence in refused(palate, own, "eval", "run")


def test_a_home_that_is_a_file(palate: Palate, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert str(tmp_path / "home") in refused(palate, tmp_path / "home", "init")
    assert "is not a Palate home" in refused(palate, tmp_path / "home", "train")


def test_damaged_files_are_named(palate: Palate, own: Home) -> None:
    (Spaces(own.spaces).live.folder / "encoder.npz").write_bytes(b"PK")
    sentence = refused(palate, own, "explain", "nobody", "sim-track-00001")
    assert "encoder.npz cannot be read" in sentence
    found = palate(own, "doctor")
    assert found.exit_code == 1
    assert "BAD  live space: " in found.stdout
    (own.catalog / "items.parquet").write_bytes(b"PAR1")
    assert "items.parquet cannot be read" in refused(palate, own, "train")
    write_json(own.lab / "eval.json", {})
    (own.lab / "eval.json").write_text("{")
    assert "eval.json is not valid JSON" in refused(palate, own, "eval", "report")


@pytest.mark.parametrize(
    "words",
    [("nonsense",), ("train", "--only", "taste"), ("recommend",), ("embed", "all", "--out", "x"), ("train", "-x")],
)
def test_words_that_are_no_command_show_the_usage(palate: Palate, tmp_path: Path, words: tuple[str, ...]) -> None:
    found = palate(tmp_path, *words)
    assert (found.exit_code, found.stdout) == (2, "")
    assert "Error: " in found.stderr
