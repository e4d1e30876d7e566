"""Export and deletion over HTTP: the next answer is a stranger's, and the home's files lack the id."""

import subprocess
import sys
import time

import pytest

from palate.api.app import create_app
from palate.core.home import Home
from palate.core.locks import alone
from privacy.places import places

from .homes import TestClient
from .servers import running

VICTIM = "victim-of-the-test-0001"
ITEM = "sim-track-00002"


def play(client: TestClient, user: str, at: float = 0.0) -> dict[str, object]:
    event = {"user_id": user, "item_id": ITEM, "timestamp": at or time.time()}
    return dict(client.post("/v1/events", json={"events": [event]}).json())


def wait_until_known(client: TestClient, user: str) -> None:
    end = time.monotonic() + 10
    while client.get(f"/v1/users/{user}/taste").json()["stranger"]:
        assert time.monotonic() < end, "the listen was not folded"
        time.sleep(0.02)


@pytest.fixture
def served(home: Home):  # type: ignore[no-untyped-def]
    with TestClient(create_app(home)) as client:
        yield client


def test_a_deleted_listener_is_a_stranger_at_once_and_nowhere_on_the_disk(served: TestClient, home: Home) -> None:
    play(served, VICTIM)
    wait_until_known(served, VICTIM)
    answer = served.delete(f"/v1/users/{VICTIM}")
    assert (answer.status_code, answer.json()["done"], answer.json()["removed"]["listens"]) == (200, True, 1)
    assert served.get(f"/v1/users/{VICTIM}/taste").json()["stranger"]
    assert served.get(f"/v1/users/{VICTIM}/surfaces/for_you").json()["stranger"]
    assert served.get(f"/v1/users/{VICTIM}/listens").json()["listens"] == []
    assert places(home, VICTIM) == []


def test_their_events_are_left_out_from_then_on_and_others_count(served: TestClient) -> None:
    play(served, VICTIM)
    served.delete(f"/v1/users/{VICTIM}")
    late = play(served, VICTIM, at=1_000_000.0)
    assert (late["accepted"], late["duplicates"], late["left_out"], late["offsets"]) == (0, 0, 1, [-1])
    play(served, "somebody-else")
    wait_until_known(served, "somebody-else")
    assert served.get(f"/v1/users/{VICTIM}/taste").json()["stranger"]
    assert served.get("/health/ready").status_code == 200


def test_deleting_again_is_answered_at_once_and_a_stranger_can_be_deleted(served: TestClient) -> None:
    for _ in range(2):
        answer = served.delete("/v1/users/a%2Fb")
        assert (answer.status_code, answer.json()["user_id"], answer.json()["done"]) == (200, "a/b", True)


def test_export_tells_what_is_known(served: TestClient) -> None:
    play(served, VICTIM, at=1_700_000_000.0)
    wait_until_known(served, VICTIM)
    told = served.get(f"/v1/users/{VICTIM}/export").json()
    (listen,) = told["listens"]
    assert (listen["item_id"], listen["time"], listen["event"]) == (ITEM, "2023-11-14T22:13:20Z", "play")
    (space,) = told["spaces"].values()
    assert (space["record"]["items"], space["record"]["plays"]) == (1, 1)
    assert space["taste"] == pytest.approx(served.get(f"/v1/users/{VICTIM}/taste").json()["vector"], rel=1e-6)
    assert not any(served.get("/v1/users/nobody/export").json()[name] for name in ("listens", "spaces", "attributes"))


def test_beside_a_training_it_is_in_force_and_finished_afterwards(served: TestClient, home: Home, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("palate.api.routes.privacy.SERVER_SECONDS", 0.5)
    play(served, VICTIM)
    wait_until_known(served, VICTIM)
    with alone(home.jobs / ".lock"):
        answer = served.delete(f"/v1/users/{VICTIM}")
        assert (answer.status_code, answer.json()["done"]) == (202, False)
        assert served.get(f"/v1/users/{VICTIM}/taste").json()["stranger"]
    end = time.monotonic() + 20
    while places(home, VICTIM):
        assert time.monotonic() < end, "it was not finished"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_command_beside_a_running_server_leaves_it_to_the_server(home: Home) -> None:
    with running(home, workers=2) as server:
        server.post([{"user_id": VICTIM, "item_id": ITEM, "timestamp": time.time()}])
        end = time.monotonic() + 20
        while server.get(f"/v1/users/{VICTIM}/taste")["stranger"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        code = "from palate.cli import main; main()"
        command = [sys.executable, "-c", code, "--home", str(home.root), "user", "delete", VICTIM, "--yes"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{VICTIM} is deleted: 1 listens, 1 records")
        assert [server.get(f"/v1/users/{VICTIM}/taste")["stranger"] for _ in range(8)] == [True] * 8
        assert server.get("/health/ready")["status"] == "ready"
        assert places(home, VICTIM) == []
    assert places(home, VICTIM) == [], "nor does the server write it when it ends"
