"""GET /v1/heads and POST /v1/heads/{name}/score: answers, and a sentence for everything that cannot be answered."""

from collections.abc import Iterator

import pytest

from api.homes import TestClient
from palate.api.app import create_app
from palate.heads import Heads

from .asked import plays_after, taught
from .conftest import Trained


@pytest.fixture(scope="module")
def registered(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """likes@1 is live, likes@2 is next, broken@1 is damaged."""
    own = trained.copied(tmp_path_factory.mktemp("http"))
    taught(own)[0].register(own.home, "test", live=True)
    taught(own, model="trees")[0].register(own.home, "test")
    taught(own, "broken")[0].register(own.home, "test", live=True)
    (own.home.heads / "broken@1" / "linear.npz").write_bytes(b"no")
    return own


@pytest.fixture(scope="module")
def client(registered: Trained) -> Iterator[TestClient]:
    with TestClient(create_app(registered.home)) as client:
        yield client


def test_every_head_is_listed_with_how_it_is_served(client: TestClient) -> None:
    told = client.get("/v1/heads").json()
    assert told["space"] == "taste@2"
    by_name = {one["name"]: one for one in told["heads"]}
    assert (by_name["likes"]["head"], by_name["likes"]["serves"], by_name["likes"]["note"]) == ("likes@1", "live", None)
    assert by_name["broken"]["serves"] == "off"
    assert "linear.npz" in by_name["broken"]["note"]


def test_items_are_scored_in_their_order(client: TestClient, registered: Trained) -> None:
    users, items, _ = plays_after(registered, 12)
    items = list(dict.fromkeys(items))
    body = {"user_id": users[0], "item_ids": items}
    told = client.post("/v1/heads/likes/score", json=body).json()
    assert (told["user_id"], told["head"], told["space"], told["note"]) == (users[0], "likes@1", "taste@2", None)
    assert all(0.0 < score < 1.0 for score in told["scores"])
    turned = client.post("/v1/heads/likes/score", json=body | {"item_ids": items[::-1]}).json()
    assert turned["scores"] == pytest.approx(told["scores"][::-1], abs=1e-6)
    stranger = client.post("/v1/heads/likes/score", json=body | {"user_id": "nobody"}).json()
    assert stranger["taste_age_seconds"] is None
    assert len(stranger["scores"]) == len(items)
    assert client.post("/v1/heads/likes/score", json=body | {"item_ids": []}).json()["scores"] == []


@pytest.mark.parametrize(
    ("name", "body", "status", "detail"),
    [
        ("nobody", {"user_id": "u", "item_ids": []}, 404, "there is no head 'nobody'; there are: broken, likes"),
        ("..%2F..", {"user_id": "u", "item_ids": []}, 404, "there is no head"),
        ("likes", {"user_id": "u", "item_ids": ["no such"]}, 404, "no item 'no such'"),
        ("likes", {"user_id": "u", "item_ids": ["a"] * 1_001}, 422, "1,001 item_ids came; send at most 1,000"),
        ("likes", {"user_id": "u", "item_ids": "a"}, 422, "a list of item_ids"),
        ("likes", {"user_id": "u"}, 422, "a list of item_ids"), ("likes", [], 422, "a list of item_ids"),
        ("likes", {"item_ids": []}, 422, "user_id must be text"),
        ("likes", {"user_id": "", "item_ids": []}, 422, "user_id has 0 characters"),
        ("likes", {"user_id": "u", "item_ids": [None]}, 422, "item_ids must be text"),
        ("likes", {"user_id": True, "item_ids": []}, 422, "user_id must be text"),
        ("broken", {"user_id": "u", "item_ids": []}, 503, "the head broken@1 is off"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_one_sentence(
    client: TestClient, name: str, body: object, status: int, detail: str
) -> None:
    answer = client.post(f"/v1/heads/{name}/score", json=body)
    assert answer.status_code == status, answer.text
    assert detail in answer.json()["detail"]


def test_only_json_of_a_bounded_size_is_read(client: TestClient) -> None:
    assert (
        client.post("/v1/heads/likes/score", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    )
    assert (
        client.post("/v1/heads/likes/score", content=b"{", headers={"Content-Type": "application/json"}).status_code
        == 422
    )
    huge = {"user_id": "u", "item_ids": ["x" * 500] * 200_000}
    assert client.post("/v1/heads/likes/score", json=huge).status_code == 413


def test_a_running_server_takes_a_promotion_with_the_next_question(client: TestClient, registered: Trained) -> None:
    heads, body = Heads(registered.home), {"user_id": "u", "item_ids": []}
    heads.promote("likes@2", "test")
    assert client.post("/v1/heads/likes/score", json=body).json()["head"] == "likes@2"
    heads.rollback("likes", "test")
    assert client.post("/v1/heads/likes/score", json=body).json()["head"] == "likes@1"
