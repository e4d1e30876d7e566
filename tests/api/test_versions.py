"""Versions side by side: every one in use can be asked for and stays fresh; a damaged one harms no other."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from palate.api.app import create_app
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.fresh.fold import Folded, Folder
from palate.store.records import OnlineStore

from .homes import TestClient, copy_space
from .test_follower import eventually, post


@pytest.fixture
def spaces(home: Home) -> Spaces:
    """taste@1 is live; taste@2 and taste@3 have the same vectors. taste@2 has no records yet, taste@3 has the same."""
    for number in (2, 3):
        copy_space(home.spaces / "taste@1", home.spaces / f"taste@{number}")
    with OnlineStore(home.online / "records") as store:
        states = [(user, store.get("taste@1", user) or b"") for user in store.users("taste@1")]
        store.replace("taste@3", states, store.offset("taste@1"))
    return Spaces(home.spaces)


@pytest.fixture
def client(home: Home, spaces: Spaces) -> Iterator[TestClient]:
    """A client of a server that starts with what `spaces` has done by then."""
    with TestClient(create_app(home)) as client:
        yield client


def taste(client: TestClient, space: str | None = None, user: str = "somebody new") -> dict:
    answer = client.get(f"/v1/users/{user}/taste", params={} if space is None else {"space": space})
    assert answer.status_code == 200, answer.text
    return answer.json()


def status(client: TestClient, space: str) -> int:
    return client.get("/v1/users/u/taste", params={"space": space}).status_code


def test_one_log_gives_equal_versions_equal_tastes(spaces: Spaces, client: TestClient) -> None:
    """taste@2 comes in without records, so all of the log is folded into it, slice by slice; taste@1 was trained."""
    spaces.propose("taste@2", why="test")
    offset = post(client)
    assert eventually(lambda: status(client, "taste@2") == 200)
    assert eventually(lambda: taste(client, "taste@2")["offset"] >= offset)
    users = [*client.get("/v1/users", params={"n": 20}).json()["users"], "somebody new"]
    for user in users:
        live, other = taste(client, user=user), taste(client, "taste@2", user)
        assert (live["space"], other["space"]) == ("taste@1", "taste@2")
        assert not other["stranger"]
        np.testing.assert_allclose(other["vector"], live["vector"], rtol=1e-3, atol=1e-4)
        assert taste(client, "taste@1", user)["vector"] == live["vector"]


def test_a_space_that_nobody_uses_is_not_served(spaces: Spaces, client: TestClient) -> None:
    for label in ("taste@2", "taste@9", "", "\ud800"):
        answer = client.get("/v1/users/u/taste", params={"space": label.encode("utf-8", "surrogatepass")})
        assert answer.status_code == 404
    detail = client.get("/v1/users/u/candidates", params={"space": "taste@2"}).json()["detail"]
    assert detail == ("the space 'taste@2' is not served; ask for one of taste@1, or pin it with `palate space pin`")
    spaces.pin("churn", "taste@3", why="test")
    assert eventually(lambda: client.get("/v1/home").json()["served"] == ["taste@1", "taste@3"])
    spaces.unpin("churn", why="moved")
    assert eventually(lambda: status(client, "taste@3") == 404)


def test_what_was_live_stays_asked_for_and_fresh_after_a_promotion(spaces: Spaces, client: TestClient) -> None:
    """A consumer that was built on taste@1 goes on while taste@3 serves, and so does the way back."""
    spaces.promote("taste@3", why="test")
    assert eventually(lambda: taste(client)["space"] == "taste@3")
    offset = post(client)
    assert eventually(lambda: taste(client, "taste@1")["offset"] >= offset)
    assert not taste(client, "taste@1")["stranger"]


def test_a_version_that_left_is_no_longer_folded_into(spaces: Spaces, client: TestClient) -> None:
    spaces.pin("churn", "taste@3", why="test")
    offset = post(client)
    assert eventually(lambda: status(client, "taste@3") == 200 and taste(client, "taste@3")["offset"] >= offset)
    spaces.unpin("churn", why="moved")
    assert eventually(lambda: status(client, "taste@3") == 404)
    for number in ("2", "3"):  # by the time of the second, a whole round has passed since the first was folded
        later = post(client, id=number)
        assert eventually(lambda later=later: taste(client)["offset"] >= later)
    assert client.app.state.serving.store.offset("taste@3") == offset


def test_a_damaged_version_stops_no_other(home: Home, spaces: Spaces) -> None:
    spaces.pin("a", "taste@2", why="test")
    spaces.propose("taste@3", why="test")
    (home.spaces / "taste@2" / "columns.npz").write_bytes(b"damaged")
    with TestClient(create_app(home)) as client:
        offset = post(client)
        assert eventually(lambda: taste(client)["offset"] >= offset)
        assert eventually(lambda: taste(client, "taste@3")["offset"] >= offset)
        shown = client.get("/metrics").text
        assert client.get("/health/ready").status_code == 200
    assert "palate_fold_failures_total 0.0" not in shown
    lags = dict(line.split() for line in shown.splitlines() if line.startswith("palate_space_lag_listens{"))
    assert {label.split('"')[1]: float(lag) for label, lag in lags.items()} == {
        "taste@1": 0.0, "taste@2": float(offset), "taste@3": 0.0
    }  # fmt: skip


def test_a_fault_in_the_live_space_does_not_stop_the_one_beside_it(home: Home, spaces: Spaces, monkeypatch) -> None:
    fold = Folder.catch_up

    def failing(self: Folder, most: int | None = None, partitions: Sequence[int] = ()) -> Folded:
        if self.space == "taste@1":
            raise RuntimeError("a fault")
        return fold(self, most, partitions)

    monkeypatch.setattr(Folder, "catch_up", failing)
    spaces.propose("taste@3", why="test")
    with TestClient(create_app(home)) as client:
        offset = post(client)
        assert eventually(lambda: taste(client, "taste@3")["offset"] >= offset)
        assert taste(client)["offset"] < offset


def test_candidates_of_another_version(spaces: Spaces, client: TestClient) -> None:
    spaces.promote("taste@3", why="test")
    assert eventually(lambda: taste(client)["space"] == "taste@3")
    user = "sim-user-0001"
    other = client.get(f"/v1/users/{user}/candidates", params={"n": 10, "space": "taste@1"}).json()
    assert other["space"] == "taste@1"
    assert len(other["items"]) == 10
    assert eventually(lambda: taste(client)["offset"] == taste(client, "taste@1")["offset"])
    live = client.get(f"/v1/users/{user}/candidates", params={"n": 10}).json()
    assert [one["item_id"] for one in live["items"]] == [one["item_id"] for one in other["items"]]


@pytest.fixture(autouse=True)
def quick(caplog: pytest.LogCaptureFixture) -> None:
    """Failures that are made on purpose are logged; not on the screen."""
    caplog.set_level("CRITICAL", logger="palate.api")
