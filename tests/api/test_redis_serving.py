"""A trained home served over Redis: switched by palate.toml, fresh, durable, forgetful of the deleted."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from palate.api.app import create_app
from palate.core.home import Home
from palate.core.ids import ItemId, UserId
from palate.core.listens import Listen, in_columns
from palate.core.partitions import PARTITIONS, partition_of
from palate.embeddings.space import Spaces
from palate.embeddings.states import UserState
from palate.fresh.archive import copy_of
from palate.fresh.dead import FILE as DEAD
from palate.fresh.dead import DeadLetters
from palate.fresh.engine import open_log, open_store
from palate.fresh.retry import Retried
from palate.jobs.chain import train
from palate.jobs.retrying import retry
from palate.listening.log import ListeningLog
from palate.testing.redis_server import RedisServer

from .homes import TestClient
from .homes import copy_of as copied

pytestmark = pytest.mark.slow  # a server is started for each, and synced at every write

WAIT_SECONDS = 60.0
TRACK = "sim-track-00001"


@pytest.fixture
def server(tmp_path: Path, redis_server: RedisServer) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", ("--save", "3600 1")) as server:
        yield server


@pytest.fixture
def home(trained: Home, tmp_path: Path, server: RedisServer) -> Home:
    """A home that was embedded until now."""
    home = copied(trained, tmp_path)
    told = home.settings.read_text() + f'\n[engine]\nkind = "redis"\nurl = "{server.url}"\n'
    home.settings.write_text(told, encoding="utf-8")
    return home


def post(client: TestClient, user: str, *items: str) -> dict:
    events = [{"user_id": user, "item_id": item, "timestamp": 1_700_000_000.0 + n} for n, item in enumerate(items)]
    answer = client.post("/v1/events", json={"events": events})
    assert answer.status_code == 202
    return answer.json()


def until(condition) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def taste(client: TestClient, user: str) -> dict:
    return client.get(f"/v1/users/{user}/taste").json()


def level(client: TestClient) -> bool:
    told = client.get("/v1/home").json()
    return told["folded_offset"] == told["log_offset"]


def test_records_move_in_events_reach_tastes_and_the_archive(home: Home) -> None:
    with TestClient(create_app(home)) as client:
        until(lambda: client.get("/v1/home").json()["listeners"] > 100)  # made from the archive
        before = client.get("/v1/users/sim-user-0001/taste").json()
        assert not before["stranger"]
        written = post(client, "over-redis", TRACK, "sim-track-00002")
        assert (written["accepted"], written["offset"] % PARTITIONS) == (2, partition_of("over-redis"))
        until(lambda: taste(client, "over-redis")["offset"] >= written["offset"])
        assert not taste(client, "over-redis")["stranger"]
        assert post(client, "over-redis", TRACK)["duplicates"] == 1
        until(lambda: level(client))
        assert client.get("/health/ready").json()["behind_listens"] == 0
        assert "palate_fold_lag_listens 0.0" in client.get("/metrics").text
    copy_of(home)
    with ListeningLog(home.log) as log:
        assert [one for batch in log.listens_of("over-redis") for one in batch.item_id] == [TRACK, "sim-track-00002"]


def test_the_records_are_those_that_the_files_had(home: Home, trained: Home) -> None:
    label = Spaces(home.spaces).live.label
    with TestClient(create_app(home)) as client:
        until(lambda: client.get("/v1/home").json()["listeners"] > 100)
    with open_store(home) as store, open_store(trained, readonly=True) as files:
        assert set(store.users(label)) == set(files.users(label))
        for user in list(files.users(label))[:50]:
            mine, theirs = (UserState.unpack(one.get(label, user) or b"") for one in (store, files))
            np.testing.assert_array_equal(mine.record.items, theirs.record.items)
            np.testing.assert_allclose(mine.taste, theirs.taste, rtol=1e-3, atol=1e-4)


def test_a_server_that_is_killed_loses_nothing_that_was_accepted(home: Home, server: RedisServer) -> None:
    with TestClient(create_app(home)) as client:
        for turn in range(3):
            post(client, f"user-{turn}", TRACK)
            server.kill()
            event = {"user_id": "nobody", "item_id": TRACK, "timestamp": 1_700_000_000.0}
            refused = client.post("/v1/events", json={"events": [event]})
            assert (refused.status_code, "cannot be reached" in refused.json()["detail"]) == (503, True)
            server.start()
            post(client, f"later-{turn}", TRACK)
        users = [f"{word}-{turn}" for turn in range(3) for word in ("user", "later")]
        until(lambda: all(not taste(client, user)["stranger"] for user in users) and level(client))
        label = Spaces(home.spaces).live.label
        with open_store(home) as store:
            for user in users:
                state = UserState.unpack(store.get(label, user) or b"")
                assert state.record.plays.tolist() == [1]


def test_a_deleted_listener_is_nowhere_on_the_servers_disk(home: Home, server: RedisServer) -> None:
    name, deleted = b"somebody-who-leaves", "somebody-who-leaves"

    def held() -> bool:
        return any(name in path.read_bytes() for path in server.folder.rglob("*") if path.is_file())

    with TestClient(create_app(home)) as client:
        post(client, deleted, TRACK, "sim-track-00002")
        post(client, "who-stays", TRACK)
        until(lambda: not taste(client, deleted)["stranger"] and level(client))
        server.engine().one("SAVE")
        assert held()
        assert client.delete(f"/v1/users/{deleted}").status_code in (200, 202)
        until(lambda: not held())
        assert taste(client, deleted)["stranger"]
        assert post(client, deleted, TRACK)["left_out"] == 1
        assert not taste(client, "who-stays")["stranger"]
    with open_log(home) as log, ListeningLog(home.log) as kept:
        assert list(log.listens_of(deleted)) == []
        assert deleted not in kept.user_ids()


def test_training_reads_what_was_accepted_and_folding_goes_on_from_there(home: Home) -> None:
    with TestClient(create_app(home)) as client:
        post(client, "before-training", TRACK)
        until(lambda: level(client))
    space, worked = train(home)
    assert worked
    with open_store(home) as store, open_log(home) as log:
        assert store.get(space.label, "before-training") is not None
        assert log.lacking(store.standing(space.label).offsets) == 0
    with TestClient(create_app(home)) as client:
        assert client.get("/v1/home").json()["space"] == space.label
        post(client, "before-training", "sim-track-00002")
        until(lambda: level(client))
    with open_store(home) as store:
        state = UserState.unpack(store.get(space.label, "before-training") or b"")
        assert state.record.plays.tolist() == [1, 1]


def test_back_to_files_nothing_is_lost(home: Home) -> None:
    with TestClient(create_app(home)) as client:
        post(client, "comes-back", TRACK)
        until(lambda: level(client))
    copy_of(home)
    home.settings.write_text(home.settings.read_text().replace('kind = "redis"', 'kind = "embedded"'))
    with TestClient(create_app(home)) as client:
        until(lambda: not taste(client, "comes-back")["stranger"])


WORKER = """
import sys, time
from pathlib import Path
from palate.core.home import Home
from palate.core.ids import ItemId, UserId
from palate.core.listens import Listen, in_columns
from palate.jobs.following import follow
print("ready", flush=True)
follow(Home(Path(sys.argv[1])), lambda: False)
"""


def test_workers_that_are_killed_fold_each_listen_once(home: Home) -> None:
    """Two at a time, each killed after a random while, until six have died; then one finishes."""
    rng, posts = np.random.default_rng(0), 0
    label, users = Spaces(home.spaces).live.label, [f"worked-{n}" for n in range(40)]

    def started() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", WORKER, str(home.root)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    running = [started(), started()]
    with open_log(home) as log, open_store(home) as store:
        for death in range(6):
            end = time.monotonic() + float(rng.uniform(2.0, 5.0))
            while time.monotonic() < end:
                when = 1_700_000_000.0 + posts
                log.append(in_columns([Listen(UserId(user), ItemId(TRACK), when) for user in users]))
                posts += 1
                time.sleep(0.05)
            killed = running[death % 2]
            killed.kill()
            killed.communicate()
            running[death % 2] = started()
        until(lambda: log.lacking(store.standing(label).offsets) == 0)
        for one in running:
            one.kill()
            one.communicate()
        plays = {user: UserState.unpack(store.get(label, user) or b"").record.plays.tolist() for user in users}
        assert plays == {user: [posts] for user in users}
    copy_of(home)
    with ListeningLog(home.log) as kept:
        assert sum(len(batch) for batch in kept.listens_of(users[0])) == posts


def test_dead_letters_are_mended_by_making_the_records_anew(home: Home) -> None:
    label = Spaces(home.spaces).live.label
    with open_log(home) as log, open_store(home) as store, DeadLetters(home.online / DEAD) as dead:
        offset = int(log.append(in_columns([Listen(UserId("mended"), ItemId(TRACK), 1.7e9)])).offsets[0])
        store.replace(label, [], log.ends())  # somebody went past it without folding it
        dead.add(label, partition_of("mended"), [offset], "it was not to be")
        assert retry(home) == {label: Retried(1, 0, 0)}
        assert dead.all() == []
        assert UserState.unpack(store.get(label, "mended") or b"").record.plays.tolist() == [1]
