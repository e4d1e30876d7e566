"""Profiles of a small trained home, and the budgets that they are held to."""

from dataclasses import replace
from pathlib import Path

import pytest

from palate.core.errors import BadInput, BadSettings, PalateError
from palate.core.home import Home
from palate.core.settings import Settings
from palate.embeddings.space import Spaces
from palate.jobs.chain import train
from palate.jobs.importing import import_playlists
from palate.jobs.profiling import Budgets, Profile, as_answer, as_text, broken, profile_space
from palate.jobs.subjects import MODELS, profile, sample
from palate.lab.book import Book
from palate.lab.profile import Measured
from palate.store.records import OnlineStore

from .small_homes import empty_home

NOTHING = Budgets(*[0.0] * 7)


def line(model: str, batch: int = 1, p99_ms: float = 10.0, **changed: float) -> Measured:
    measured = Measured(model, "rows", batch, 40, 5.0, 8.0, p99_ms, 10_000.0, 0.01, 3.0, 1.0, 500.0, 40.0)
    return replace(measured, **changed)


def told(*lines: Measured, **changed: object) -> Profile:
    own = {one.model for one in lines}
    every = [*lines, *(line(model) for model in MODELS if model not in own)]
    found = Profile("taste@7", tuple(every), dict.fromkeys(MODELS, 2.0), 120.0, 30, 300.0)
    return replace(found, **changed)


@pytest.fixture(scope="module")
def measured(trained: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Profile]:
    """A profile of the live space with the shortest of measurements."""
    return trained, profile_space(trained, "live", seconds=0.01, batches=(2, 1, 2))


@pytest.mark.slow
def test_every_model_is_measured_at_every_batch_size(measured: tuple[Home, Profile]) -> None:
    home, found = measured
    sizes = [(one.model, one.batch) for one in found.lines]
    assert sizes == [*((model, batch) for model in MODELS[:3] for batch in (1, 2)), ("for_you", 1)]
    for one in found.lines:
        assert one.calls >= 20
        assert 0.0 < one.p50_ms <= one.p95_ms <= one.p99_ms
        assert one.peak_mb > one.added_mb >= 0.0
    assert found.space == Spaces(home.spaces).live.label
    assert set(found.load_seconds) == set(MODELS)
    files = [file for file in Spaces(home.spaces).live.folder.rglob("*") if file.is_file()]
    assert found.space_mb == sum(file.stat().st_size for file in files) / 1e6
    assert found.listeners > 100
    assert found.candidates > 50


@pytest.mark.slow
def test_it_is_kept_as_a_run(measured: tuple[Home, Profile]) -> None:
    home, found = measured
    book = Book(home.lab)
    info = book.get(str(found.run))
    assert (info.job, info.state, info.named("space")) == ("profile", "finished", found.space)
    assert book.history(info)["index.p99_ms"].steps == [1, 2]
    assert info.named("for_you.p99_ms") == found.line("for_you").p99_ms
    columns, rows = book.table(info, "profile")
    assert len(rows) == len(found.lines)
    assert columns[0] == "model"
    assert {file.name for file in info.files if file.type == "image"} == {"latency", "throughput"}


@pytest.mark.slow
def test_a_space_that_has_no_records_online_is_given_those_of_the_log(own: Home, tmp_path) -> None:
    space = Spaces(own.spaces).live
    (tmp_path / "online").mkdir()
    (tmp_path / "log").mkdir()
    with_records = sample(own, space, tmp_path / "online")
    with OnlineStore(own.online / "records") as store:
        store.drop(space.label)
    assert sample(own, space, tmp_path / "log")["listeners"] == with_records["listeners"] > 100


@pytest.mark.slow
def test_a_damaged_space_says_what_is_wrong_with_it(own: Home) -> None:
    (Spaces(own.spaces).live.folder / "ranker.txt").write_text("no trees")
    with pytest.raises(PalateError, match=r"ranker of taste@\d+ could not be profiled: .*is not a (whole )?ranker"):
        profile_space(own, "live", seconds=0.01, batches=(1,))
    assert Book(own.lab).runs()[-1].state == "failed"


@pytest.mark.parametrize(
    ("seconds", "batches"), [(0.0, (1,)), (-1.0, (1,)), (float("nan"), (1,)), (1.0, ()), (1.0, (0, 1))]
)
def test_sizes_that_cannot_be_measured(trained: Home, seconds: float, batches: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="cannot be measured"):
        profile_space(trained, "live", seconds=seconds, batches=batches)


def test_an_unknown_space(trained: Home) -> None:
    with pytest.raises(BadInput, match="no space 'taste@99'"):
        profile_space(trained, "taste@99")


def test_a_profile_within_every_budget_breaks_none() -> None:
    assert broken(told(), Budgets()) == []


@pytest.mark.parametrize(
    ("found", "key", "limit", "words"),
    [
        (told(line("for_you", p99_ms=61.25)), "for_you_p99_ms", 50.0, "p99 of for_you over 40 calls is 61.2 ms"),
        (told(line("index", p99_ms=61.0)), "index_p99_ms", 20.0, "p99 of index over 40 calls is 61.0 ms"),
        (told(line("ranker", p99_ms=61.0)), "ranker_p99_ms", 20.0, "p99 of ranker over 40 calls is 61.0 ms"),
        (told(), "load_seconds_most", 1.5, "opening for_you is 2.0 s"),
        (told(), "memory_mb_most", 400.0, "peak memory of for_you is 500.0 MB"),
        (told(), "space_mb_most", 100.0, "size on disk is 120.0 MB"),
    ],
)
def test_a_broken_budget_names_what_was_measured_and_the_budget(found, key, limit, words) -> None:
    unit = words.rpartition(" ")[2]
    assert broken(found, replace(NOTHING, **{key: limit})) == [
        f"taste@7: {words}, over the budget of {limit:g} {unit} ({key})"
    ]


def test_a_slow_encoder_is_under_its_budget() -> None:
    assert broken(told(), replace(NOTHING, encoder_rows_per_second_least=50_000.0)) == [
        "taste@7: encoder does 10,000 records/s, under the budget of 50,000 records/s (encoder_rows_per_second_least)"
    ]
    busy = told(line("encoder", cpu_share=0.1, cpu_seconds_per_1000_rows=0.01))
    assert broken(busy, replace(NOTHING, encoder_rows_per_second_least=50_000.0)) == []


def test_other_work_on_the_cores_breaks_no_latency() -> None:
    busy = told(line("for_you", p99_ms=167.0, cpu_p99_ms=3.0, cpu_share=0.1))
    assert broken(busy, Budgets()) == []
    slow = told(line("for_you", p99_ms=167.0, cpu_p99_ms=60.0, cpu_share=0.5))
    assert broken(slow, Budgets()) == [
        "taste@7: p99 of for_you over 40 calls, in CPU time since other work had the cores (wall time 167.0 ms) is "
        "60.0 ms, over the budget of 50 ms (for_you_p99_ms)"
    ]


def test_latency_is_judged_at_the_smallest_batch_and_the_encoder_at_its_fastest() -> None:
    found = told(
        line("index", 512, p99_ms=900.0), line("index", 1), line("encoder", 64, rows_per_second=9e4), line("encoder")
    )
    assert broken(found, Budgets(encoder_rows_per_second_least=5e4)) == []
    assert found.line("index", 512).p99_ms == 900.0
    with pytest.raises(BadInput, match="no index at batch 7"):
        found.line("index", 7)


def test_budgets_are_read_from_the_settings() -> None:
    read = Budgets.read(Settings({"budgets": {"for_you_p99_ms": 30, "space_mb_most": 0}}))
    assert (read.for_you_p99_ms, read.space_mb_most, read.memory_mb_most) == (30.0, 0.0, Budgets().memory_mb_most)
    with pytest.raises(BadSettings, match="index_p99_ms = -1"):
        Budgets.read(Settings({"budgets": {"index_p99_ms": -1}}))


def test_words_and_json_say_the_same() -> None:
    found = told(line("for_you", p99_ms=61.25), run="run-1")
    text, answer = as_text(found, Budgets()), as_answer(found, Budgets())
    assert answer["broken"][0] in text
    assert "run-1" in text
    assert answer["lines"][0]["p99_ms"] == 61.25
    assert answer["budgets"]["for_you_p99_ms"] == 50.0
    assert "within every budget" in as_text(told(), Budgets())


@pytest.mark.slow
def test_a_home_without_a_listener_is_measured_with_a_stranger(tmp_path: Path) -> None:
    home = empty_home(tmp_path / "home")
    rows = "".join(f"p{number % 9},i{number % 7}\n" for number in range(40))
    (tmp_path / "playlists.csv").write_text(f"playlist_id,item_id\n{rows}", encoding="utf-8")
    import_playlists(home, [tmp_path / "playlists.csv"], {}, True, 1.7e9)
    space, _ = train(home)
    (tmp_path / "sample").mkdir()
    assert sample(home, space, tmp_path / "sample")["listeners"] == 0
    found = profile("for_you", home, space, tmp_path / "sample", 0.0, [1])
    assert found["lines"][0]["calls"] == 20
