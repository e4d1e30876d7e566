"""A sweep's folder, read back for the page and the terminal."""

import fcntl
import os

import pytest
from fastapi.testclient import TestClient

from palate.core.artefacts import read_json, write_json
from palate.core.errors import BadInput, Corrupt, PalateError
from palate.core.home import Home
from palate.lab.sweeps.reading import listed, read_sweep, table
from palate.lab.sweeps.routes import router
from palate.lab.sweeps.spec import Spec, sweep_named, sweeps
from palate.lab.sweeps.study import Search

from .conftest import TODAY, objective


@pytest.fixture
def lab(book, spec, begin):
    """A lab with the sweep `cake`: one whole trial, one pruned, one in work."""
    sweep = sweep_named(book.folder, "cake")
    sweep.write(spec)
    search = Search(sweep.trials, spec.space, spec.seed, book.runs_folder)
    search.begin_with(TODAY)
    for number in range(3):
        claimed = search.claim(9, begin)
        if number == 0:
            claimed.complete([objective(claimed.values)])
        elif number == 1:
            claimed.prune([objective(TODAY) - 0.25])
    return book.folder


def test_the_spec_comes_back(lab, spec):
    assert sweep_named(lab, "cake").spec == spec
    assert Spec.of_json(spec.to_json()) == spec


def test_a_sweep_in_brief(lab):
    (one,) = listed(lab)
    told = {name: one[name] for name in ("name", "target", "finished", "pruned", "running", "best", "best_trial")}
    assert told == {
        "name": "cake", "target": "cakes", "finished": 2, "pruned": 1, "running": 1, "best": objective(TODAY),
        "best_trial": 0,
    }  # fmt: skip
    assert (one["at_work"], one["verdict"], one["simulated"]) == (False, "", True)
    assert table([one]).startswith("cake  2 trials (1 pruned)  best 0.75000  not ended")


def test_a_sweep_whole(lab):
    found = read_sweep(lab, "cake")
    assert [one["name"] for one in found["space"]] == ["a.x", "a.y"]
    assert found["space"][0]["today"] == 0.2
    assert [one["state"] for one in found["trials"]] == ["complete", "pruned", "running"]
    assert found["trials"][0]["values"] == TODAY
    assert found["result"] is None


def test_its_result_and_proposal_are_told(lab):
    sweep = sweep_named(lab, "cake")
    sweep.keep_result({"verdict": "better", "proposed": True, "importances": {"a.x": 1.0}, "evidence": None})
    sweep.proposal.write_text("[a]\nx = 0.7\n")
    found = read_sweep(lab, "cake")
    assert found["proposal"] == "[a]\nx = 0.7\n"
    assert found["result"]["importances"] == {"a.x": 1.0}
    assert (found["verdict"], found["proposed"]) == ("better", True)


def test_a_sweep_at_work_says_so_and_lets_nobody_else_in(lab):
    sweep = sweep_named(lab, "cake")
    descriptor = os.open(sweep.folder / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert sweep.at_work
    with pytest.raises(PalateError, match="another command works on the sweep cake"), sweep.working():
        pass
    os.close(descriptor)
    assert not sweep.at_work
    with sweep.working():
        assert sweep.at_work


def test_a_newer_format_is_refused(lab):
    path = lab / "sweeps" / "cake" / "sweep.json"
    write_json(path, read_json(path) | {"format": 99})
    with pytest.raises(Corrupt, match="written by a newer Palate"):
        _ = sweep_named(lab, "cake").spec


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "a b", "x" * 81])
def test_names_that_are_no_folder_are_refused(lab, name):
    with pytest.raises(BadInput, match="no dot or dash first"):
        sweep_named(lab, name)


def test_a_lab_without_sweeps(tmp_path):
    assert sweeps(tmp_path) == []
    assert listed(tmp_path) == []
    assert table([]).startswith("no sweeps yet; begin one with: palate lab sweep")
    with pytest.raises(BadInput, match="there is no sweep 'cake'"):
        read_sweep(tmp_path, "cake")


def test_the_routes_tell_the_same(lab):
    from fastapi import FastAPI

    app = FastAPI()
    app.include_router(router(Home(lab.parent)))
    client = TestClient(app)
    assert client.get("/api/sweeps").json()["sweeps"][0]["name"] == "cake"
    assert client.get("/api/sweeps/cake").json()["trials"][1]["objective"] == objective(TODAY) - 0.25
