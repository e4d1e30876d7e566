"""Folding beside the requests: one process folds, failures pass, a promoted space takes over."""

import time
from collections.abc import Callable

import pytest

from palate.api import follower
from palate.api.app import create_app
from palate.core.listens import Listen, in_columns
from palate.core.partitions import PARTITIONS
from palate.embeddings.space import Spaces
from palate.fresh import worker
from palate.fresh.fold import Folder
from palate.fresh.shares import Shares
from palate.listening.log import ListeningLog

from .homes import TestClient, copy_space

EVENT = {"user_id": "somebody new", "item_id": "sim-track-00001"}


def eventually(what: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def post(client: TestClient, **fields: object) -> int:
    answer = client.post("/v1/events", json={"events": [EVENT | fields]})
    assert answer.status_code == 202
    return answer.json()["offset"]


def taste(client: TestClient) -> dict:
    return client.get("/v1/users/somebody new/taste").json()


def test_an_unknown_item_is_accepted_and_changes_no_taste(home):
    with TestClient(create_app(home)) as client:
        offset = post(client, item_id="never heard of")
        assert eventually(lambda: taste(client)["offset"] >= offset)
        assert taste(client)["stranger"]


def test_a_failing_fold_is_counted_and_tried_again(home, monkeypatch):
    monkeypatch.setattr(worker, "MAX_BACK_OFF_SECONDS", 0.2)
    fold, failures = Folder.catch_up, []

    def failing(self, most=None, partitions=()):
        if len(failures) < 3:
            failures.append(1)
            raise RuntimeError("a fault")
        return fold(self, most, partitions)

    monkeypatch.setattr(Folder, "catch_up", failing)
    with TestClient(create_app(home)) as client:
        offset = post(client)
        assert eventually(lambda: taste(client)["offset"] >= offset)
        assert "palate_fold_failures_total 3.0" in client.get("/metrics").text
        assert client.get("/health/ready").status_code == 200


def test_a_server_that_is_far_behind_is_not_ready(home, monkeypatch):
    monkeypatch.setattr(
        Folder, "catch_up", lambda self, most=None, partitions=(): (_ for _ in ()).throw(RuntimeError("a fault"))
    )
    with TestClient(create_app(home)) as client:
        post(client)
        assert client.get("/health/ready").status_code == 200
        monkeypatch.setattr("palate.api.routes.operations.MAX_BEHIND_SECONDS", -1.0)
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["detail"].startswith("1 listens wait to be folded")
        assert "palate_fold_lag_listens 1.0" in client.get("/metrics").text


def test_what_another_worker_has_taken_is_its_to_fold(home):
    other = Shares(home.online / "fold")
    assert len(other.mine()) == PARTITIONS
    with TestClient(create_app(home)) as client:
        offset = post(client)
        assert not eventually(lambda: taste(client)["offset"] >= offset, seconds=0.5)
        other.close()
        assert eventually(lambda: taste(client)["offset"] >= offset)


def test_listens_that_another_process_logs_are_folded(home):
    with TestClient(create_app(home)) as client, ListeningLog(home.log) as log:
        offset = log.append(in_columns([Listen("somebody new", EVENT["item_id"], time.time())])).last_offset
        assert eventually(lambda: taste(client)["offset"] >= offset)
        assert not taste(client)["stranger"]


def test_a_promoted_space_answers_without_a_restart(home, monkeypatch):
    monkeypatch.setattr(follower, "REFRESH_SECONDS", 0.0)
    spaces = Spaces(home.spaces)
    with TestClient(create_app(home)) as client:
        before = taste(client)
        offset = post(client)
        assert eventually(lambda: taste(client)["offset"] >= offset)
        copy_space(home.spaces / "taste@1", home.spaces / "taste@2")
        spaces.promote("taste@2", why="test")
        assert eventually(lambda: taste(client)["space"] == "taste@2")
        assert eventually(lambda: taste(client)["offset"] >= offset)  # folded into the new space from the log
        assert client.get("/v1/home").json()["space"] == "taste@2"
        spaces.promote("taste@1", why="back")
        assert eventually(lambda: taste(client)["space"] == "taste@1")
        assert taste(client)["offset"] >= offset > before["offset"]


def test_a_damaged_space_does_not_replace_a_good_one(home, monkeypatch):
    monkeypatch.setattr(follower, "REFRESH_SECONDS", 0.0)
    with TestClient(create_app(home)) as client:
        copy_space(home.spaces / "taste@1", home.spaces / "taste@2")
        (home.spaces / "taste@2" / "columns.npz").write_bytes(b"damaged")
        Spaces(home.spaces).promote("taste@2", why="test")
        assert eventually(lambda: "palate_fold_failures_total 0.0" not in client.get("/metrics").text)
        assert taste(client)["space"] == "taste@1"


def test_an_untrained_home_accepts_events_and_answers_once_it_is_trained(home, monkeypatch):
    monkeypatch.setattr(follower, "REFRESH_SECONDS", 0.0)
    aliases = home.spaces / "aliases.jsonl"
    hidden = aliases.rename(aliases.with_suffix(".hidden"))
    with TestClient(create_app(home)) as client:
        answer = client.get("/v1/users/u/taste")
        assert (answer.status_code, "run `palate train`" in answer.json()["detail"]) == (503, True)
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200
        assert client.get("/metrics").status_code == 200
        offset = post(client)
        hidden.rename(aliases)
        assert eventually(lambda: client.get("/health/ready").status_code == 200)
        assert eventually(lambda: taste(client)["offset"] >= offset)


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Failures that are made on purpose are logged; not on the screen."""
    caplog.set_level("CRITICAL", logger="palate.fresh")


def test_what_cannot_be_folded_is_counted(home):
    with TestClient(create_app(home)) as client:
        assert "\npalate_dead_letters 0.0\n" in client.get("/metrics").text
        store = client.app.state.serving.store  # type: ignore[attr-defined]
        store.put_many("taste@1", {"somebody new": b"no record"}, store.offset("taste@1"))
        offset = post(client)
        assert eventually(lambda: store.offset("taste@1") >= offset)
        assert "\npalate_dead_letters 1.0\n" in client.get("/metrics").text


@pytest.mark.slow
@pytest.mark.parametrize("surface", ["for_you", "radio"])
def test_what_is_hidden_does_not_come_back_and_the_taste_stays(home, surface):
    path = f"/v1/users/{EVENT['user_id']}/surfaces/{surface}"
    with TestClient(create_app(home)) as client:
        offset = post(client, timestamp=time.time() - 60)
        assert eventually(lambda: taste(client)["offset"] >= offset)
        before, first = taste(client), client.get(path).json()["items"][0]["item_id"]
        offset = post(client, event="hide", item_id=first)
        assert eventually(lambda: taste(client)["offset"] >= offset)
        after = client.get(path).json()
        assert first not in [item["item_id"] for item in after["items"]]
        assert after["removed"]["hidden by the listener"] == 1
        assert taste(client)["vector"] == before["vector"]
