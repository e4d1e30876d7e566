"""Each route: its shape, and what is known of the answer by construction."""

import json
import math
import time

import pytest

from palate.core.clock import DAY_SECONDS, Calendar
from palate.ranking.features import NAMES
from palate.surfaces.registry import surfaces

from .homes import MARKED as FIRST
from .homes import MARKUP, TestClient


def get(client: TestClient, path: str, **parameters: object) -> dict:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def heard_by(client: TestClient, user: str, offset: int) -> None:
    """Waits until the listener's taste contains the log up to `offset`."""
    while get(client, f"/v1/users/{user}/taste")["offset"] < offset:
        time.sleep(0.005)


def send(client: TestClient, *events: dict) -> dict:
    answer = client.post("/v1/events", json={"events": events})
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_taste(client, user):
    answer = get(client, f"/v1/users/{user}/taste")
    assert list(answer) == ["user_id", "vector", "space", "age_seconds", "offset", "stranger"]
    assert (answer["user_id"], answer["space"], answer["stranger"]) == (user, "taste@1", False)
    assert len(answer["vector"]) == 16
    assert all(isinstance(number, float) and math.isfinite(number) for number in answer["vector"])
    assert answer["age_seconds"] > 0


def test_a_stranger_gets_a_good_answer_marked_so(client):
    taste = get(client, "/v1/users/nobody/taste")
    assert (taste["stranger"], taste["age_seconds"]) == (True, None)
    slate = get(client, "/v1/users/nobody/surfaces/for_you", n=10)
    assert (slate["stranger"], slate["taste_age_seconds"], len(slate["items"])) == (True, None, 10)
    assert get(client, "/v1/users/nobody/listens") == {"user_id": "nobody", "listens": []}
    assert len(get(client, "/v1/users/nobody/candidates", n=5)["items"]) == 5


def test_a_slate(client, user):
    slate = get(client, f"/v1/users/{user}/surfaces/for_you", n=7)
    assert set(slate) >= {"slate_id", "surface", "user_id", "space", "taste_age_seconds", "stages", "removed"}
    assert (slate["surface"], slate["user_id"], slate["stranger"]) == ("for_you", user, False)
    assert len(slate["items"]) == 7
    fields = {"item_id", "kind", "score", "source", "reason", "evidence", "title", "artists"}
    assert all(set(item) == fields and item["reason"] for item in slate["items"])


def test_candidates_are_the_slate_without_words(client, user):
    slate = get(client, f"/v1/users/{user}/surfaces/for_you", n=20)["items"]
    found = get(client, f"/v1/users/{user}/candidates", n=20)["items"]
    assert [one["item_id"] for one in found] == [one["item_id"] for one in slate]
    assert [one["source"] for one in found] == [one["source"] for one in slate]
    assert len(get(client, f"/v1/users/{user}/candidates")["items"]) == 200


def test_a_long_slate_begins_with_what_a_short_one_holds_of_it(client, user):
    assert len(get(client, f"/v1/users/{user}/surfaces/for_you", n=300)["items"]) == 300


def test_excluded_and_heard_items_do_not_come_back(client, user):
    path = f"/v1/users/{user}/surfaces/for_you"
    first = [one["item_id"] for one in get(client, path, n=5)["items"]]
    later = [one["item_id"] for one in get(client, path, n=50, exclude=first)["items"]]
    assert not set(first) & set(later)
    heard = {one["item_id"] for one in get(client, f"/v1/users/{user}/listens", n=1000)["listens"] if one["plays"]}
    unheard = [one["item_id"] for one in get(client, path, n=50, unheard=True)["items"]]
    assert not heard & set(unheard)


def test_radio_and_similar_start_from_seeds(client, user):
    radio = get(client, f"/v1/users/{user}/surfaces/radio", n=5, seed=[FIRST, "sim-track-00002"])
    assert FIRST not in [one["item_id"] for one in radio["items"]]
    similar = get(client, f"/v1/users/{user}/surfaces/similar", n=5, seed=FIRST)
    assert similar["items"] == get(client, f"/v1/items/{FIRST}/similar", n=5)["items"]


def test_an_item_and_its_plays(client):
    item = get(client, f"/v1/items/{FIRST}")
    assert (item["item_id"], item["kind"], item["title"]) == (FIRST, "track", MARKUP)
    assert item["plays"]["ever"] >= item["plays"]["month"] >= item["plays"]["week"] >= 0


def test_search_finds_words_and_a_taste_orders_them(client, user):
    item = get(client, "/v1/items/sim-track-00005")
    found = get(client, "/v1/search", q=item["title"].upper(), n=5)["items"]
    assert item["item_id"] in [one["item_id"] for one in found]
    assert set(found[0]) == {"item_id", "title", "artists", "kind", "available"}
    word = item["title"].split()[0]
    plain, own = (get(client, "/v1/search", q=word, n=200, **who)["items"] for who in ({}, {"user": user}))
    assert sorted(one["item_id"] for one in plain) == sorted(one["item_id"] for one in own)
    exactly = get(client, "/v1/search", q=item["title"], user=user)["items"]
    assert exactly[0]["title"] == item["title"]
    assert get(client, "/v1/search", q=" ")["items"] == []
    artist = item["artists"][0]
    (shelf, *_) = get(client, "/v1/search", q=artist, user=user)["shelves"]
    assert shelf["name"] == "artists"
    assert shelf["items"][0]["artists"][0] == artist
    assert get(client, "/v1/search", q=f"{item['title']}x")["typo"] is True
    assert get(client, "/v1/search", q=word, user="nobody")["items"] == get(client, "/v1/search", q=word)["items"]


def test_listeners_come_page_by_page_each_once(client):
    seen, after = [], ""
    while after is not None:
        page = get(client, "/v1/users", n=64, after=after)
        seen, after = seen + page["users"], page["next"]
    assert len(seen) == len(set(seen)) == page["count"]
    assert {"sim-user-0001", "sim-user-0199"} <= set(seen)


def test_an_explanation_agrees_with_the_slate(client, user):
    for position, item in enumerate(get(client, f"/v1/users/{user}/surfaces/for_you", n=1000)["items"][:3], 1):
        told = get(client, f"/v1/users/{user}/explain/{item['item_id']}")
        assert (told["position"], told["removed"]) == (position, None)
        assert told["score"] == pytest.approx(item["score"])
        assert item["source"] in [one["source"] for one in told["offered"]]
        assert tuple(told["features"]) == NAMES


def test_a_skip_is_named_as_what_removed_an_item(client):
    item = get(client, "/v1/users/skipper/surfaces/for_you", n=1)["items"][0]["item_id"]
    done = send(client, {"user_id": "skipper", "item_id": item, "event": "skip"})
    heard_by(client, "skipper", done["offset"])
    told = get(client, f"/v1/users/skipper/explain/{item}")
    assert (told["position"], told["removed"]) == (None, "skipped lately")
    assert "skipped lately" in told["verdict"]
    assert item not in [one["item_id"] for one in get(client, "/v1/users/skipper/surfaces/for_you", n=50)["items"]]


def test_what_was_just_played_is_in_the_listens_the_taste_and_the_slate(client):
    begin = time.time()
    before = get(client, "/v1/users/fresh/taste")
    done = send(client, {"user_id": "fresh", "item_id": FIRST}, {"user_id": "fresh", "item_id": "sim-track-00002"})
    assert (done["accepted"], done["duplicates"], done["offset"]) == (2, 0, done["offsets"][-1])
    heard_by(client, "fresh", done["offset"])
    after = get(client, "/v1/users/fresh/taste")
    assert (before["stranger"], after["stranger"]) == (True, False)
    assert before["vector"] != after["vector"]
    assert 0 <= after["age_seconds"] < 60
    entries = get(client, "/v1/users/fresh/listens", n=5)["listens"]
    told = {(one["item_id"], one["plays"], one["skips"]) for one in entries}
    assert told == {(FIRST, 1, 0), ("sim-track-00002", 1, 0)}
    assert all(begin - 1 <= one["last"] <= time.time() and one["days_ago"] < 0.01 for one in entries)
    slate = get(client, "/v1/users/fresh/surfaces/for_you", n=50)
    assert FIRST in [one["item_id"] for one in slate["items"] if one["source"] == "again"]


def test_the_same_event_twice_counts_once(client):
    event = {"id": "only-once", "user_id": "twice", "item_id": FIRST}
    first, second = send(client, event), send(client, event, event)
    assert (first["accepted"], second["accepted"], second["duplicates"], second["offsets"]) == (1, 0, 2, [0, 0])
    assert second["offset"] >= first["offset"]
    heard_by(client, "twice", second["offset"])
    assert [one["plays"] for one in get(client, "/v1/users/twice/listens")["listens"]] == [1]


def test_nothing_of_a_bad_post_is_written(client):
    before = get(client, "/v1/home")["log_offset"]
    good = {"user_id": "u", "item_id": FIRST}
    answer = client.post("/v1/events", json={"events": [good, good | {"event": "dance"}]})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("events[1].event is 'dance'")
    assert get(client, "/v1/home")["log_offset"] == before


def test_ids_may_hold_slashes_and_any_letters(client):
    for user in ("a/b", "a%2Fb", "ü ß/taste", "../../etc", "名前", "a?b#c", "x" * 512):
        path = "/v1/users/" + "".join(f"%{byte:02X}" for byte in user.encode())
        done = send(client, {"user_id": user, "item_id": FIRST})
        while get(client, f"{path}/taste")["offset"] < done["offset"]:
            time.sleep(0.005)
        taste = get(client, f"{path}/taste")
        assert (taste["user_id"], taste["stranger"]) == (user, False)
        assert get(client, f"{path}/explain/{FIRST}")["user_id"] == user


def test_home_health_and_metrics(client):
    home = get(client, "/v1/home")
    assert (home["space"], home["simulated"], home["surfaces"]) == ("taste@1", True, [*surfaces()])
    assert get(client, "/health/live") == {"status": "live"}
    assert get(client, "/health/ready")["status"] == "ready"
    client.get("/v1/users/%C3%BC/taste")
    shown = client.get("/metrics").text
    assert 'palate_requests_total{method="GET",route="/v1/users/{user_id}/taste",status="200"}' in shown
    assert 'palate_space_info{space="taste@1"} 1.0' in shown
    assert 'palate_events_total{result="accepted"}' in shown
    assert "%C3%BC" not in shown
    client.request("INVENTED", "/v1/users")
    assert "INVENTED" not in client.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/v1/items/no-such-item", 404, "no item 'no-such-item' in the catalogue"),
        ("GET", "/v1/items/no-such-item/similar", 404, "no item"),
        ("GET", "/v1/users/u/explain/no-such-item", 404, "no item"),
        ("GET", "/v1/users/u/surfaces/radio?seed=nope", 404, "no item 'nope'"),
        ("GET", "/v1/users/u/surfaces/nope", 422, "no surface 'nope'; choose from "),
        ("GET", "/v1/users/u/surfaces/similar", 422, "similar needs exactly one seed item, got 0"),
        ("GET", "/v1/users/u/surfaces/for_you?n=0", 422, "the parameter n: Input should be greater than or equal to 1"),
        ("GET", "/v1/users/u/surfaces/for_you?n=10000", 422, "the parameter n"),
        ("GET", "/v1/users/u/surfaces/for_you?n=x", 422, "the parameter n"),
        ("GET", "/v1/users/u/surfaces/for_you?unheard=perhaps", 422, "the parameter unheard"),
        ("GET", "/v1/search", 422, "the parameter q: Field required"),
        ("GET", f"/v1/users/{'x' * 513}/taste", 422, "the id has 513 characters"),
        ("GET", "/v1/users/%FF/taste", 422, "the id '%FF' is not UTF-8"),
        ("GET", "/v1/users/%20/taste", 422, "the id has 0 characters"),
        ("GET", "/nope", 404, "there is no /nope"),
        ("GET", "/page/secrets", 404, "there is no /page/secrets"),
        ("PUT", "/v1/events", 405, "PUT is not possible here; use POST"),
        ("BREW", "/v1/users", 405, "BREW is not possible here; use GET"),
    ],
)
def test_errors_are_one_sentence(client, method, path, status, sentence):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    assert answer.json()["detail"].startswith(sentence)


def test_only_json_is_read(client):
    body = json.dumps({"events": [{"user_id": "u", "item_id": FIRST}]})
    for headers in ({}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}):
        assert client.post("/v1/events", content=body, headers=headers).status_code == 415
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        assert client.post("/v1/events", content=body, headers={"content-type": kind}).status_code == 202


def test_a_body_that_is_too_long_is_refused_with_and_without_its_length(client):
    headers = {"content-type": "application/json"}
    assert client.post("/v1/events", content=b" " * 1_048_577, headers=headers).status_code == 413
    sent = []

    def endless():
        for _ in range(1_000):
            sent.append(1)
            yield b" " * 65_536

    assert client.post("/v1/events", content=endless(), headers=headers).status_code == 413


def test_every_answer_tells_the_browser_to_stay_here(client):
    for path in ("/", "/docs", "/v1/users", "/nope", "/page/palate.js"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_times_shown_are_true_times():
    calendar = Calendar(((100.0, 150.0), (200.0, 200.0 + DAY_SECONDS)))
    for moment in (0.0, 99.0, 100.0, 151.0, 180.0, 200.0, 201.0 + DAY_SECONDS):
        assert calendar.unix_time(calendar.home_time(moment)) == moment
