"""The gate: what is worse, damaged or over budget does not become live, and every decision is on record."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.core.artefacts import read_json, write_json
from palate.core.errors import BadInput, BadSettings, Corrupt, PalateError
from palate.core.home import Home
from palate.embeddings.encoder import Encoder
from palate.embeddings.rotation import Rotation
from palate.embeddings.space import Space, Spaces
from palate.jobs import promoting
from palate.jobs.chain import train
from palate.jobs.judge.comparing import AS_PUBLISHED, VECTOR
from palate.jobs.profiling import Budgets, Profile, profile_space
from palate.jobs.promoting import BY_HAND, TASKS, after_training, examine, promote
from palate.lab.book import Book
from palate.lab.profile import Measured
from palate.ranking.ranker import Ranker
from palate.sources.world import WorldSettings

from .small_homes import TOML, copied, filled

END = WorldSettings().end
STAMPS = ("name", "version", "format", "created", "files")


def published(home: Home, spoil: Callable[[Path], None] = lambda _: None) -> Space:
    """A next version that is the live one, but for what `spoil` does to its files before they are hashed."""
    spaces = Spaces(home.spaces)
    old, label = spaces.live, spaces.next_label()

    def fill(folder: Path) -> None:
        shutil.copytree(old.folder, folder, dirs_exist_ok=True)
        manifest = folder / "index" / "manifest.json"
        write_json(manifest, read_json(manifest) | {"space": label})
        (folder / "manifest.json").unlink()
        spoil(folder)

    return spaces.publish({name: value for name, value in old.manifest.items() if name not in STAMPS}, fill)


def shuffled(folder: Path) -> None:
    """Item vectors that belong to other items, and no ranker: whole, quick and useless."""
    vectors = np.load(folder / "item_vectors.npy")
    np.save(folder / "item_vectors.npy", np.random.default_rng(0).permutation(vectors))
    Ranker(None).save(folder / "ranker.txt")


@pytest.fixture(scope="session")
def heard_since(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that was trained 20 days before its log ends, so that published versions can be judged as they are."""
    folder = tmp_path_factory.mktemp("heard-since")
    home = filled(folder / "home", world, until=END - 20 * 86_400.0)
    train(home)
    later = filled(folder / "later", world)
    for name in ("log.sqlite", "log.sqlite-wal", "log.sqlite-shm"):  # the same log, three weeks later
        if (later.listening / name).is_file():
            (home.listening / name).write_bytes((later.listening / name).read_bytes())
    return home


def line(model: str, rows_per_second: float = 1_000.0) -> Measured:
    """A model that takes 5 of everything, undisturbed."""
    told = {one.name: 5.0 for one in fields(Measured)} | {"rows_per_second": rows_per_second, "cpu_share": 1.0}
    return Measured(**told | {"model": model, "unit": "row", "batch": 1, "calls": 100})


LINES = (line("for_you"), line("index"), line("ranker"), line("encoder", rows_per_second=50_000.0))
SMALL = Profile("taste@2", LINES, {"for_you": 1.0}, 3.0, 9, 9.0)
LARGE = replace(SMALL, space_mb=12.0)


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch) -> list[Profile]:
    """What the profiler measures, one call after the other and then SMALL: measuring takes ten seconds."""
    coming: list[Profile] = []
    monkeypatch.setattr(promoting, "profile_space", lambda *_: coming.pop(0) if coming else SMALL)
    return coming


def answer(values: dict[str, tuple[float, float]]) -> Callable[..., tuple[str, dict[str, Any]]]:
    """What `compare` would have found: by task, the difference of candidate minus live and its corrected p."""
    tasks = {
        name: {
            "metric": "ndcg@100", "a": {"value": 0.2}, "b": {"value": 0.2 + value},
            "difference": {"value": value, "low": value - 0.01, "high": value + 0.01, "p": p, "p_holm": p},
            "verdict": "as the judge put it",
        }
        for name, (value, p) in values.items()
    }  # fmt: skip
    return lambda *_: ("", {"compare": {"mode": AS_PUBLISHED, "tasks": tasks}})


def told(home: Home) -> list[tuple[str, str, str]]:
    """(space, move, why) of every decision after the training's."""
    return [(one.space, one.move, one.why) for one in Spaces(home.spaces).aliases.entries()[1:]]


def test_a_worse_version_is_refused_with_every_reason_and_stays_on_record(heard_since: Home, tmp_path: Path) -> None:
    home = copied(heard_since, tmp_path / "home")
    published(home, shuffled)
    with pytest.raises(PalateError) as refused:
        promote(home, "taste@2", "looks good")
    sentence = str(refused.value)
    assert sentence.startswith("taste@2 is not promoted: next -0.")
    assert "; discover -0." in sentence
    assert sentence.endswith("taste@1 is better; train again, or promote it all the same with --force --why TEXT")
    spaces = Spaces(home.spaces)
    entry = spaces.aliases.entries()[-1]
    assert (spaces.live.label, entry.move, entry.space) == ("taste@1", "refuse", "taste@2")
    assert entry.why in sentence
    run = Book(home.lab).get(entry.run)
    assert (run.job, run.state, run.summary["verdict"]) == ("gate", "finished", "refused")
    assert run.summary["next.difference"] < run.summary["next.high"] < 0.0
    assert run.about["space"] == "taste@2"
    assert spaces.aliases.verify() == entry.chain


def test_a_better_version_passes_with_its_figures(heard_since: Home, tmp_path: Path) -> None:
    home = copied(heard_since, tmp_path / "home")
    good = Spaces(home.spaces).live.folder
    published(home, shuffled)
    Spaces(home.spaces).promote("taste@2", "a mistake")

    def as_before(folder: Path) -> None:
        for name in ("item_vectors.npy", "ranker.txt"):
            shutil.copyfile(good / name, folder / name)

    published(home, as_before)
    verdict = promote(home, "taste@3")
    assert (verdict.passed, verdict.against, verdict.usable) == (True, "taste@2", True)
    assert verdict.figures["next.difference"] == pytest.approx(
        verdict.figures["next.candidate"] - verdict.figures["next.live"]
    )
    assert verdict.figures["next.difference"] > 0.0
    assert verdict.notes[0] == f"compared with taste@2, {AS_PUBLISHED}"
    entry = Spaces(home.spaces).aliases.entries()[-1]
    assert (entry.space, entry.why, entry.run) == ("taste@3", BY_HAND, verdict.run)
    assert Book(home.lab).get(verdict.run).summary["verdict"] == "passed"
    assert Spaces(home.spaces).rollback("test").space == "taste@2"


def test_versions_that_nothing_can_tell_apart_pass_and_it_says_so(own: Home) -> None:
    """Made with the same settings, and nothing was heard since: the usual case of a daily training."""
    published(own)
    verdict = promote(own, "taste@2", "daily")
    assert verdict.notes[0].startswith(
        "not compared with taste@1: taste@1 and taste@2 were made with the same settings"
    )
    assert told(own) == [("taste@2", "promote", "daily")]


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        ({"next": (-0.01, 0.04)}, 1),
        ({"next": (-0.01, 0.05)}, 0),
        ({"next": (0.01, 0.001), "discover": (-0.01, 0.001)}, 1),
        ({"next": (-0.01, 0.001), "discover": (-0.01, 0.001)}, 2),
        ({"next" + VECTOR: (-0.1, 0.001)}, 0),
        ({"next": (0.0, 1.0), "discover": (float("nan"), float("nan"))}, 0),
    ],
)
def test_only_a_sure_loss_of_the_whole_path_is_a_reason(
    own: Home, monkeypatch: pytest.MonkeyPatch, found: dict[str, tuple[float, float]], reasons: int
) -> None:
    published(own)
    monkeypatch.setattr(promoting, "compare", answer(found))
    verdict = examine(own, "taste@2")
    assert len(verdict.reasons) == reasons
    assert len(verdict.reasons) + len(verdict.notes) == len(found) + 2, "how it was compared, and what heads lose"
    assert told(own) == [], "looking decides nothing"


def test_what_is_over_budget_twice_is_refused_together_with_what_is_worse(
    own: Home, monkeypatch: pytest.MonkeyPatch, profiles: list[Profile]
) -> None:
    published(own)
    own.settings.write_text(TOML + "\n[budgets]\nspace_mb_most = 10.0\n", encoding="utf-8")
    monkeypatch.setattr(promoting, "compare", answer({"next": (-0.1, 0.001)}))
    profiles += [LARGE, LARGE]
    with pytest.raises(PalateError) as refused:
        promote(own, "taste@2")
    for part in ("size on disk is 12.0 MB", "next -0.1000"):
        assert part in str(refused.value)
    monkeypatch.setattr(promoting, "compare", answer({"next": (0.1, 0.001)}))
    profiles += [LARGE, SMALL]
    verdict = promote(own, "taste@2")
    assert (profiles, verdict.figures["for_you.p99_ms"], verdict.figures["space_mb"]) == ([], 5.0, 3.0)
    assert [move for _, move, _ in told(own)] == ["refuse", "promote"]


def test_without_budgets_nothing_is_measured(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    published(own)
    none = "\n".join(f"{one.name} = 0.0" for one in fields(Budgets))
    own.settings.write_text(f"{TOML}\n[budgets]\n{none}\n", encoding="utf-8")
    monkeypatch.setattr(promoting, "profile_space", lambda *_: pytest.fail("it was measured"))
    assert promote(own, "taste@2").notes[0] == "not profiled: no budget is set"


def test_a_model_that_cannot_be_measured_is_refused(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Profile:
        raise PalateError("the ranker of taste@2 could not be profiled: no memory")

    published(own)
    monkeypatch.setattr(promoting, "profile_space", fails)
    with pytest.raises(PalateError, match="taste@2 is not promoted: the ranker of taste@2 could not be profiled"):
        promote(own, "taste@2")


def other_axes(folder: Path) -> None:
    """The same space seen from elsewhere: every score of every listener is what it was, and no coordinate is."""
    vectors, encoder = np.load(folder / "item_vectors.npy"), Encoder.load(folder / "encoder.npz")
    nothing = Rotation.fit(np.zeros((0, vectors.shape[1] - 1), np.float32), vectors[:0, :-1])
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=nothing.matrix.shape))
    turn = replace(nothing, matrix=q)
    np.save(folder / "item_vectors.npy", turn.turn_factors(vectors))
    encoder.with_rows(turn.turn_factors(encoder.rows)).save(folder / "encoder.npz")


@pytest.fixture
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small home has enough listeners for the gate, and the judge has nothing against the version."""
    monkeypatch.setattr(promoting, "LEAST_LISTENERS", 50)
    monkeypatch.setattr(promoting, "compare", answer({"next": (0.0, 1.0)}))


def test_a_version_that_old_heads_cannot_read_is_refused(own: Home, enough: None) -> None:
    published(own, other_axes)
    with pytest.raises(PalateError, match=r"not promoted: heads made for taste@1 keep .*, at least 98.0% is wanted"):
        promote(own, "taste@2")
    run = Book(own.lab).get(Spaces(own.spaces).aliases.entries()[-1].run)
    assert run.summary["stability.kept_share"] < 0.98
    assert run.summary["stability.flip_rate"] > 0.0
    own.settings.write_text(TOML + "\n[promotion]\nleast_kept_share = 0.0\n", encoding="utf-8")
    assert "stability.kept_share" not in promote(own, "taste@2").figures, "it was not asked"


def test_a_version_that_old_heads_can_read_passes_with_its_figures(own: Home, enough: None) -> None:
    published(own)
    verdict = promote(own, "taste@2")
    assert verdict.notes[-1] == "heads made for taste@1 keep 100.0% [100.0%, 100.0%] of their quality"
    assert verdict.figures["stability.kept_share"] == pytest.approx(1.0, abs=1e-5)
    assert verdict.figures["stability.listener_overlap"] == 1.0


def test_too_few_listeners_say_nothing_about_heads(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promoting, "compare", answer({"next": (0.0, 1.0)}))
    published(own, other_axes)
    note = promote(own, "taste@2").notes[-1]
    assert note == "stability not measured: 118 listeners take part and 200 are needed"


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_that_is_none_is_told(own: Home, share: float) -> None:
    published(own)
    own.settings.write_text(f"{TOML}\n[promotion]\nleast_kept_share = {share}\n", encoding="utf-8")
    with pytest.raises(BadSettings, match="is no share; choose one from 0 to 1"):
        promote(own, "taste@2")


@pytest.mark.slow
def test_the_whole_gate_with_nothing_planted(
    heard_since: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promoting, "profile_space", profile_space)
    home = copied(heard_since, tmp_path / "home")
    home.settings.write_text(TOML + "\n[budgets]\nfor_you_p99_ms = 0.001\n", encoding="utf-8")
    published(home, shuffled)
    with pytest.raises(PalateError, match=r"p99 of for_you.* over the budget of 0.001 ms .*; next -0\."):
        promote(home, "taste@2")
    runs = [run.job for run in Book(home.lab).runs() if run.job in ("gate", "profile", "compare")]
    assert runs == ["gate", "profile", "profile", "compare"]


def test_force_asks_no_judge_needs_a_why_and_is_on_record_as_such(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    published(own)
    monkeypatch.setattr(promoting, "compare", lambda *_: pytest.fail("the judge was asked"))
    for why in ("", "  "):
        with pytest.raises(BadInput, match="add --why TEXT"):
            promote(own, "taste@2", why, force=True)
    assert told(own) == []
    promote(own, "taste@2", "the licence of taste@1 ends", force=True)
    assert told(own) == [("taste@2", "force", "the licence of taste@1 ends")]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["item_vectors.npy", "ranker.txt", "index/vectors.npy"])
def test_a_damaged_version_is_refused_even_by_force(own: Home, name: str, force: bool) -> None:
    space = published(own)
    (space.folder / name).write_bytes(b"damaged")
    with pytest.raises(PalateError, match=rf"not promoted: .*{name} is not what was published; .*restore its files"):
        promote(own, "taste@2", "must be", force=force)
    assert [(space, move) for space, move, _ in told(own)] == [("taste@2", "refuse")]


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda folder: (folder / "trends.npz").unlink(), "trends.npz"),
        (lambda folder: np.save(folder / "item_vectors.npy", np.zeros((3, 4), np.float32)), "it cannot answer"),
        (lambda folder: (folder / "encoder.npz").write_bytes(b"PK"), "encoder.npz cannot be read"),
    ],
    ids=["a part was never there", "parts of two models", "published damaged"],
)
def test_a_version_that_is_as_published_but_cannot_answer_is_refused(
    own: Home, spoil: Callable[[Path], None], what: str
) -> None:
    published(own, spoil)
    with pytest.raises(PalateError, match=f"not promoted: .*{what}"):
        promote(own, "taste@2")
    assert Spaces(own.spaces).live.label == "taste@1"


def test_without_a_live_version_only_the_version_itself_is_looked_at(own: Home) -> None:
    Spaces(own.spaces).aliases.path.unlink()
    assert promote(own, "taste@1").notes == ("not compared: nothing is live yet",)
    assert promote(own, "taste@1").notes == ("not compared: taste@1 is live already",)
    assert Spaces(own.spaces).live.label == "taste@1"


def test_a_live_version_that_is_broken_is_no_reason_to_keep_it(own: Home) -> None:
    published(own)
    live = Spaces(own.spaces).live.folder
    (live / "ranker.txt").write_bytes(b"damaged")
    assert "taste@1, which is live, is damaged" in examine(own, "taste@2").notes[0]
    manifest = read_json(Spaces(own.spaces).get("taste@2").folder / "manifest.json")
    live.rename(own.root / "gone")
    assert "the folder of taste@1, which is live, is gone" in promote(own, "taste@2").notes[0]
    published(own)
    manifest["settings"]["items"]["of_a_newer_palate"] = 1
    write_json(own.spaces / "taste@2" / "manifest.json", manifest)
    assert "taste@2 was made with settings that this Palate does not know" in promote(own, "taste@3").notes[0]


def test_nothing_is_judged_when_it_could_not_be_decided(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    published(own)
    monkeypatch.setattr(promoting, "compare", lambda *_: pytest.fail("the judge was asked"))
    with pytest.raises(BadInput, match="no space 'taste@9'"):
        promote(own, "taste@9")
    path = own.spaces / "aliases.jsonl"
    path.write_bytes(path.read_bytes().replace(b"trained", b"Trained"))
    with pytest.raises(Corrupt, match=r"aliases\.jsonl, line 1 "):
        promote(own, "taste@2")
    assert Spaces(own.spaces).live.label == "taste@1"
    assert not Book(own.lab).runs("job == 'gate'")


def test_settings_that_make_no_sense_are_told_instead_of_passed_over(own: Home) -> None:
    published(own)
    own.settings.write_text(TOML + "\n[eval]\nwindows = 'x'\n", encoding="utf-8")
    with pytest.raises(BadSettings, match="windows"):
        promote(own, "taste@2")
    assert told(own) == []


def test_a_verdict_against_a_version_that_is_not_live_any_more_promotes_nothing(
    own: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two promoters at once: the second to finish was compared with what is not live any more."""
    published(own)
    published(own)

    def overtaken(*_: object) -> tuple[str, dict[str, Any]]:
        Spaces(own.spaces).promote("taste@3", "the other one was quicker")
        return answer({"next": (0.0, 1.0)})()

    monkeypatch.setattr(promoting, "compare", overtaken)
    with pytest.raises(PalateError, match="taste@2 was judged against taste@1, but taste@3 has become live since"):
        promote(own, "taste@2")
    assert Spaces(own.spaces).live.label == "taste@3"


KILLED = """
import os, signal, sys
from pathlib import Path
from palate.core.home import Home
from palate.jobs import promoting

promoting.profile_space = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
promoting.promote(Home(Path(sys.argv[1])), "taste@2")
"""


def test_kill_9_while_the_gate_works_moves_nothing_and_the_next_try_goes_through(own: Home) -> None:
    published(own)
    before = (own.spaces / "aliases.jsonl").read_bytes()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(own.root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (own.spaces / "aliases.jsonl").read_bytes() == before
    assert [run.state for run in Book(own.lab).runs("job == 'gate'")] == ["interrupted"]
    promote(own, "taste@2")
    assert Spaces(own.spaces).live.label == "taste@2"


def test_after_training_a_version_is_live_unless_the_settings_say_otherwise(own: Home) -> None:
    published(own)
    assert after_training(own, "taste@2", "f00") == ""
    assert after_training(own, "taste@2", "f00") == ""
    assert told(own) == [("taste@2", "promote", "trained, run f00")]


def test_after_training_a_version_may_wait_as_next(own: Home) -> None:
    published(own)
    own.settings.write_text(TOML + '\n[promotion]\nafter_training = "next"\n', encoding="utf-8")
    for _ in range(2):
        assert after_training(own, "taste@2", "f00").endswith("make it live with: palate space promote taste@2")
    standing = Spaces(own.spaces).aliases.standing()
    assert (standing.live, standing.next, len(told(own))) == ("taste@1", "taste@2", 1)
    assert after_training(own, "taste@1", "f00") == ""


def test_after_training_the_gate_may_decide_once(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    published(own)
    own.settings.write_text(TOML + '\n[promotion]\nafter_training = "gate"\n', encoding="utf-8")
    monkeypatch.setattr(promoting, "compare", answer({"next": (-0.1, 0.001)}))
    for _ in range(2):
        assert after_training(own, "taste@2", "f00").startswith("taste@2 stays next, refused: next -0.1000 [")
    assert [(space, move) for space, move, _ in told(own)] == [("taste@2", "promote"), ("taste@2", "refuse")]
    assert Spaces(own.spaces).live.label == "taste@1"
    published(own)
    Spaces(own.spaces).promote("taste@3", "by hand")  # beside another live version the gate is asked again
    monkeypatch.setattr(promoting, "compare", answer(dict.fromkeys(TASKS, (0.1, 0.001))))
    assert after_training(own, "taste@2", "f00") == ""
    standing = Spaces(own.spaces).aliases.standing()
    assert (standing.live, standing.next) == ("taste@2", None)


def test_a_setting_that_there_is_not_names_those_there_are(own: Home) -> None:
    own.settings.write_text(TOML + '\n[promotion]\nafter_training = "later"\n', encoding="utf-8")
    with pytest.raises(BadSettings, match="'later' must be one of 'live', 'gate', 'next'"):
        after_training(own, "taste@1", "f00")
