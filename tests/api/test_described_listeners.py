"""What is known of a listener who heard nothing yet: from an import through training to an answer, and away again."""

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.api.app import create_app
from palate.core.home import Home
from palate.core.ids import UserId
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Spaces
from palate.embeddings.states import UserState
from palate.jobs.batch import Moment, recommend
from palate.listening.listeners import ListenerColumns, ListenerTable
from palate.store.records import OnlineStore

from .homes import TestClient

TOLD, UNTOLD = UserId("told"), UserId("untold")


@pytest.fixture
def country(home: Home) -> str:
    """The country that says most, told of a listener without a listen."""
    start = Spaces(home.spaces).live.encoder.start
    assert start is not None
    says = np.linalg.norm(start.described, axis=1)
    _, name = max((size, name) for size, name in zip(says, start.statics.names, strict=True) if "country=" in name)
    tell(home, name.partition("=")[2])
    return name.partition("=")[2]


def tell(home: Home, country: str) -> None:
    with ListenerTable.changing(home.listeners) as table:
        table.upsert([TOLD], {"country": [country]})


@pytest.fixture
def served(home: Home, country: str):  # type: ignore[no-untyped-def]
    with TestClient(create_app(home)) as client:
        yield client


def vector(client: TestClient, user: str) -> list[float]:
    return list(client.get(f"/v1/users/{user}/taste").json()["vector"])


def for_you(client: TestClient, user: str) -> list[str]:
    items = client.get(f"/v1/users/{user}/surfaces/for_you", params={"n": 20}).json()["items"]
    return [item["item_id"] for item in items]


@pytest.mark.usefixtures("country")
def test_a_country_gives_another_list_than_a_strangers_online_as_offline(home: Home, tmp_path: Path) -> None:
    with TestClient(create_app(home)) as client:
        online = {user: for_you(client, user) for user in (TOLD, UNTOLD)}
    assert online[TOLD] != online[UNTOLD]
    recommend(home, [TOLD, UNTOLD], 20, None, "for_you", False, tmp_path / "recs.parquet")
    offline = pl.read_parquet(tmp_path / "recs.parquet")
    for user in (TOLD, UNTOLD):
        assert offline.filter(user_id=user)["item_id"].to_list() == online[user]
    reasons = set(offline.filter(user_id=TOLD, source="near_taste")["reason"])
    assert reasons == {"Liked by listeners who told the same of themselves."}
    assert not len(offline.filter(user_id=UNTOLD, source="near_taste"))


def test_a_listen_leaves_half_of_it_online_as_offline(served: TestClient, home: Home, country: str) -> None:
    item = for_you(served, UNTOLD)[0]
    event = {"user_id": TOLD, "item_id": item, "timestamp": time.time()}
    served.post("/v1/events", json={"events": [event]})
    end = time.monotonic() + 10
    while served.get(f"/v1/users/{TOLD}/taste").json()["stranger"]:
        assert time.monotonic() < end, "the listen was not folded"
        time.sleep(0.02)
    encoder, online = Spaces(home.spaces).live.encoder, vector(served, TOLD)
    told = ListenerColumns({"country": [country]})
    offline = dict(Moment.open(home, None).states_of([TOLD]))[TOLD]
    np.testing.assert_allclose(online, offline.taste, atol=1e-4)
    np.testing.assert_allclose(online, encoder.encode([offline.record], told)[0], atol=1e-4)
    nothing = UserRecord.empty(encoder.dim)
    whole, half = (encoder.encode([one], told) - encoder.encode([one]) for one in (nothing, offline.record))
    np.testing.assert_allclose(half, whole / 2, atol=1e-5)


def test_what_is_told_later_counts_at_once_and_a_deletion_takes_it_back(served: TestClient, home: Home) -> None:
    before = vector(served, TOLD)
    assert before != vector(served, UNTOLD)
    tell(home, "nowhere")
    assert vector(served, TOLD) == vector(served, UNTOLD)
    tell(home, "SE")
    assert served.delete(f"/v1/users/{TOLD}").json()["done"]
    assert vector(served, TOLD) == vector(served, UNTOLD)
    assert ListenerTable.open(home.listeners).of(TOLD) == {}


def test_training_stores_the_tastes_that_the_log_would_give(trained: Home) -> None:
    space = Spaces(trained.spaces).live
    assert space.encoder.reads_attributes
    with OnlineStore(trained.online / "records", readonly=True) as store:
        users = list(store.users(space.label))
        stored = {user: UserState.unpack(store.get(space.label, user) or b"") for user in users}
    for user, state in Moment.open(trained, None).states_of(users):
        np.testing.assert_allclose(stored[user].taste, state.taste, atol=1e-4)
    plain = space.encoder.encode([state.record for state in stored.values()])
    assert not np.allclose(plain, [state.taste for state in stored.values()], atol=1e-4)
