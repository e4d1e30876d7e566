"""How fresh each answer is, over HTTP: as palate.toml chooses, with its offset, and without who was deleted."""

from collections.abc import Iterator

import pytest

from palate.api import follower
from palate.api.app import create_app
from palate.core.errors import BadSettings
from palate.core.home import Home
from palate.embeddings.space import Spaces

from .homes import TestClient, copy_space
from .test_follower import eventually

ITEMS = [f"sim-track-{number:05d}" for number in range(1, 9)]
PATHS = {
    "for_you": "/v1/users/{}/surfaces/for_you?n=5", "radio": "/v1/users/{}/surfaces/radio?n=5",
    "search": "/v1/search?q=a&user={}", "candidates": "/v1/users/{}/candidates?n=5",
}  # fmt: skip


@pytest.fixture
def stale(home: Home) -> Iterator[TestClient]:
    """A server whose search and radio may be two days behind."""
    with home.settings.open("a") as file:
        file.write('[freshness]\nsearch = "2d"\nradio = "2d"\n')
    with TestClient(create_app(home)) as client:
        yield client


def heard(client: TestClient, user: str, item: str) -> int:
    """One play, folded; gives its offset."""
    event = {"user_id": user, "item_id": item, "seconds_played": 200.0, "duration_seconds": 200.0}
    offset = int(client.post("/v1/events", json={"events": [event]}).json()["offset"])
    assert eventually(lambda: client.get(f"/v1/users/{user}/taste").json()["offset"] >= offset)
    return offset


def told(client: TestClient, surface: str, user: str) -> dict:
    return client.get(PATHS[surface].format(user)).json()


@pytest.mark.parametrize("surface", PATHS)
def test_every_answer_says_up_to_where_and_how_old_its_taste_is(client, surface):
    assert told(client, surface, "nobody yet")["taste_age_seconds"] is None
    offset = heard(client, f"one of {surface}", ITEMS[0])
    answer = told(client, surface, f"one of {surface}")
    assert answer["taste_offset"] >= offset
    assert 0.0 <= answer["taste_age_seconds"] < 60.0


def test_what_nobody_asks_for_has_no_offset(client):
    assert client.get(f"/v1/items/{ITEMS[0]}/similar").json()["taste_offset"] is None
    assert "taste_offset" not in client.get("/v1/search?q=a").json()


def test_a_surface_may_stay_behind_while_another_is_level(stale):
    first = heard(stale, "u", ITEMS[0])
    before = {name: told(stale, name, "u") for name in PATHS}
    second = heard(stale, "u", ITEMS[1])
    after = {name: told(stale, name, "u") for name in PATHS}
    assert after["for_you"]["taste_offset"] >= second
    assert after["candidates"]["taste_offset"] >= second
    for name in ("radio", "search"):
        assert first <= before[name]["taste_offset"] == after[name]["taste_offset"] < second
        # The age counts from the last listen in the taste that was used, which the newer listen is not.
        assert after[name]["taste_age_seconds"] > before[name]["taste_age_seconds"]
    assert after["radio"]["slate_id"] == before["radio"]["slate_id"] != after["for_you"]["slate_id"]


def test_a_newcomer_is_known_to_a_slow_surface_from_the_first_listen(stale):
    assert told(stale, "radio", "u")["stranger"]
    heard(stale, "u", ITEMS[0])
    assert not told(stale, "radio", "u")["stranger"]


def test_a_deleted_listener_is_a_stranger_at_once_on_a_slow_surface(stale):
    heard(stale, "u", ITEMS[0])
    assert not told(stale, "radio", "u")["stranger"]
    assert stale.delete("/v1/users/u").json()["done"]
    answer = told(stale, "radio", "u")
    assert (answer["stranger"], answer["taste_age_seconds"]) == (True, None)
    assert told(stale, "search", "u")["taste_age_seconds"] is None


def test_another_space_answers_from_its_own_tastes(stale, home, monkeypatch):
    monkeypatch.setattr(follower, "REFRESH_SECONDS", 0.0)
    heard(stale, "u", ITEMS[0])
    told(stale, "radio", "u")
    second = heard(stale, "u", ITEMS[1])
    assert told(stale, "radio", "u")["taste_offset"] < second
    copy_space(home.spaces / "taste@1", home.spaces / "taste@2")
    Spaces(home.spaces).promote("taste@2", why="test")
    assert eventually(lambda: stale.get("/v1/users/u/taste").json()["space"] == "taste@2")
    assert eventually(lambda: stale.get("/v1/users/u/taste").json()["offset"] >= second)
    answer = told(stale, "radio", "u")
    assert (answer["space"], answer["taste_offset"] >= second) == ("taste@2", True)


def test_a_freshness_that_is_none_is_refused_when_the_server_starts(home):
    home.settings.write_text('[freshness]\nradio = "soon"\n')
    with pytest.raises(BadSettings, match="radio = 'soon' is no freshness"), TestClient(create_app(home)):
        pass
