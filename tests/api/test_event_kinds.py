"""What each kind of event does to a newcomer's taste, over HTTP; and that the first one creates it at once."""

import time

import numpy as np
import pytest

from palate.api.app import create_app
from palate.core.listens import EVENT_WORDS, STEERING
from palate.listening.log import ListeningLog

from .homes import TestClient
from .test_follower import eventually

ITEM, OTHER = "sim-track-00001", "sim-track-00002"
CHOICES = ("play", "save", "add_to_playlist", "onboarding")  # each counts like a play
STEERS = tuple(event.word for event in STEERING)  # they mark an item and move no taste
SILENT = ("unsave", "follow", "impression", "search")  # kept in the log, for training and for whoever asks


def sent(client: TestClient, user: str, word: str, **fields: object) -> dict:
    """One event, folded; gives the taste that follows."""
    event = {"user_id": user, "item_id": ITEM, "event": word} | fields
    answer = client.post("/v1/events", json={"events": [event]})
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    assert eventually(lambda: taste(client, user)["offset"] >= answer.json()["offset"])
    return taste(client, user)


def taste(client: TestClient, user: str) -> dict:
    return client.get(f"/v1/users/{user}/taste").json()


def listens(client: TestClient, user: str) -> list[tuple[str, int, int]]:
    found = client.get(f"/v1/users/{user}/listens").json()["listens"]
    return [(one["item_id"], one["plays"], one["skips"]) for one in found]


def test_every_kind_is_in_one_of_the_lists():
    assert {*CHOICES, *SILENT, "skip", *STEERS} == set(EVENT_WORDS)


@pytest.mark.parametrize("word", CHOICES)
def test_a_choice_makes_a_stranger_known_and_counts_like_a_play(client, word):
    user = f"newcomer by {word}"
    before = taste(client, user)
    after = sent(client, user, word)
    assert (before["stranger"], after["stranger"]) == (True, False)
    assert after["vector"] != before["vector"]
    assert listens(client, user) == [(ITEM, 1, 0)]
    slate = client.get(f"/v1/users/{user}/surfaces/for_you").json()
    assert (slate["stranger"], slate["taste_offset"] >= after["offset"]) == (False, True)
    assert 0.0 <= slate["taste_age_seconds"] < 60.0


def test_choices_of_one_item_move_a_taste_alike(client):
    """But for the habits, which say how much of it was heard and how much chosen."""
    at = {"timestamp": 1_760_000_000}
    tastes = {word: sent(client, f"alike by {word}", word, **at)["vector"] for word in CHOICES}
    with_habits = np.array([tastes[word] for word in CHOICES])
    factors = with_habits[:, :16]
    np.testing.assert_allclose(factors, factors[:1].repeat(len(CHOICES), axis=0), rtol=1e-5, atol=1e-6)


def test_a_skip_is_counted_beside_the_taste_and_keeps_the_item_away(client):
    sent(client, "skipping", "play", item_id=OTHER)
    sent(client, "skipping", "skip")
    assert sorted(listens(client, "skipping")) == [(ITEM, 0, 1), (OTHER, 1, 0)]
    slate = client.get("/v1/users/skipping/surfaces/for_you?n=50").json()
    assert ITEM not in [one["item_id"] for one in slate["items"]]


def test_a_play_that_ended_early_is_a_skip(client):
    sent(client, "leaving", "play", seconds_played=5.0, duration_seconds=200.0)
    assert listens(client, "leaving") == [(ITEM, 0, 1)]


@pytest.mark.parametrize("word", SILENT)
def test_what_is_no_choice_of_an_item_changes_no_taste(client, word):
    user = f"silent by {word}"
    assert sent(client, user, word)["stranger"]
    known = sent(client, user, "save")["vector"]
    assert sent(client, user, word)["vector"] == known
    assert listens(client, user) == [(ITEM, 1, 0)]


@pytest.mark.parametrize("word", STEERS)
def test_a_mark_moves_no_taste(client, word):
    before = sent(client, f"{word} it", "play", item_id=OTHER)["vector"]
    after = sent(client, f"{word} it", word)["vector"]
    assert np.dot(after, before) == pytest.approx(np.dot(before, before), rel=0.05)


def test_position_and_end_reason_are_kept(home):
    with TestClient(create_app(home)) as client:
        told = {"position_seconds": 61.5, "end_reason": "fwdbtn"}
        sent(client, "u", "play", **told)
        sent(client, "u", "play", item_id=OTHER)
        kept = client.get("/v1/users/u/export").json()["listens"]
    assert [{name: one.get(name) for name in told} for one in kept] == [told, dict.fromkeys(told)]
    with ListeningLog(home.log) as log:
        batch = list(log.listens_of("u"))[-1]
    assert (batch.position_seconds, batch.end_reason) == ([61.5, None], ["fwdbtn", None])


def test_an_event_ahead_of_the_clock_makes_no_taste_of_the_future(client):
    begin = time.time()
    after = sent(client, "ahead", "play", timestamp=begin + 80_000)
    assert 0.0 <= after["age_seconds"] < 60.0
    last = client.get("/v1/users/ahead/listens").json()["listens"][0]["last"]
    assert begin - 1.0 <= last <= time.time()
    again = {"user_id": "ahead", "item_id": ITEM, "event": "play", "timestamp": begin + 80_000}
    assert client.post("/v1/events", json={"events": [again]}).json()["duplicates"] == 1
