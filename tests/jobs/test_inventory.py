"""The catalogue page's entries: what is there, who owns it, how it is, what reads what."""

import os
from pathlib import Path

from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.jobs.inventory import inventory
from palate.lab.inventory import Entry
from palate.listening.log import ListeningLog

from .small_homes import TOML, empty_home, listens_of


def entries(home: Home, *endpoints: tuple[str, str]) -> dict[str, Entry]:
    return {f"{entry.kind}:{entry.name}": entry for entry in inventory(home, endpoints)}


def test_an_empty_home_has_its_surfaces_and_no_model(tmp_path: Path) -> None:
    found = entries(empty_home(tmp_path / "home"))
    assert {entry.kind for entry in found.values()} <= {"data", "surface"}
    assert found["surface:radio"].reads == ("data:items",)


def test_a_trained_home(trained: Home) -> None:
    found = entries(trained, ("GET /v1/users/{user_id}/surfaces/{name}", "a slate"), ("POST /v1/events", "listens in"))
    assert found["space:taste@1"].health == "good"
    assert found["space:taste@1"].note.startswith("live")
    assert found["model:ranker"].version == "taste@1"
    assert found["job:train"].health == "good"
    assert "space:taste@1" in found["surface:for_you"].reads
    assert "surface:for_you" in found["endpoint:GET /v1/users/{user_id}/surfaces/{name}"].reads
    assert found["endpoint:POST /v1/events"].reads == ("data:listens",)


def test_all_that_is_read_is_there(trained: Home) -> None:
    found = entries(trained)
    assert [(name, one) for name, entry in found.items() for one in entry.reads if one not in found] == []


def test_many_new_listens_make_the_live_space_stale(own: Home) -> None:
    listens = Spaces(own.spaces).live.manifest["listens"]
    with ListeningLog(own.log) as log:
        log.append(listens_of([("ana", f"new {n}", 2e9 + n) for n in range(listens // 5)]))
    found = entries(own)["space:taste@1"]
    assert found.health == "stale"
    assert f"{listens // 5:,} listens since" in found.why


def test_a_missing_model_file_is_bad(own: Home) -> None:
    os.unlink(own.spaces / "taste@1" / "ranker.txt")
    assert entries(own)["model:ranker"].health == "bad"


def test_owners_by_name_by_kind_and_by_both(own: Home) -> None:
    owners = '[owners]\nranker = "Ana"\nmodel = "the models team"\n"surface:radio" = "Ben"\n'
    own.settings.write_text(TOML + owners, encoding="utf-8")
    found = entries(own)
    names = {"model:ranker": "Ana", "model:company": "the models team", "surface:radio": "Ben", "surface:for_you": ""}
    assert {name: found[name].owner for name in names} == names


def test_experiments_of_the_settings(own: Home) -> None:
    own.settings.write_text(TOML + '[experiments.louder]\nsurface = "radio"\n', encoding="utf-8")
    assert entries(own)["experiment:louder"].reads == ("surface:radio", "data:listens")
