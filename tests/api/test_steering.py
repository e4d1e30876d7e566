"""A mark over HTTP is in force on the next answer, and taken back on the one after."""

import pytest

from .homes import TestClient
from .test_follower import eventually


def say(client: TestClient, user: str, word: str, item: str) -> None:
    """One event, and wait until it is folded."""
    answer = client.post("/v1/events", json={"events": [{"user_id": user, "item_id": item, "event": word}]}).json()
    assert eventually(lambda: client.get(f"/v1/users/{user}/taste").json()["offset"] >= answer["offset"])


def answered(client: TestClient, user: str) -> list[dict]:
    items: list[dict] = client.get(f"/v1/users/{user}/surfaces/for_you?n=30").json()["items"]
    return items


@pytest.mark.parametrize(("word", "back"), [("hide", "unhide"), ("hide_artist", "unhide_artist")])
def test_hidden_and_shown_again(client: TestClient, word: str, back: str) -> None:
    user = f"who says {word}"
    say(client, user, "play", "sim-track-00001")
    first = next(one for one in answered(client, user) if one["artists"] and one["item_id"] != "sim-track-00001")
    say(client, user, word, first["item_id"])
    after = answered(client, user)
    assert first["item_id"] not in [one["item_id"] for one in after]
    if word == "hide_artist":
        assert all(first["artists"][0] not in one["artists"][:1] for one in after)
    say(client, user, back, first["item_id"])
    assert first["item_id"] in [one["item_id"] for one in answered(client, user)]
