"""What is offered, what is picked, and that the next answer knows it."""

import time
from pathlib import Path

import pytest

from palate.api.app import create_app
from palate.core.home import Home
from palate.core.listens import Event
from palate.listening.listeners import ListenerTable
from palate.listening.log import ListeningLog

from .homes import TestClient

STRANGER = "nobody/knows me"
PATH = "/v1/users/nobody%2Fknows%20me"


@pytest.fixture
def served(home: Home):
    """A client of a server on a home of its own."""
    with TestClient(create_app(home)) as client:
        yield client


def folded(client: TestClient, offset: int) -> dict:
    """The stranger's taste once it contains the log up to `offset`."""
    for _ in range(100):
        taste = client.get(f"{PATH}/taste").json()
        if taste["offset"] >= offset:
            return taste
        time.sleep(0.05)
    raise AssertionError(f"offset {offset} was not folded in 5 s")


def kept(home: Home) -> list[tuple[str, str]]:
    """(item id, kind of event) of the stranger's events, in order."""
    with ListeningLog(home.log) as log:
        return [
            (item, Event(event).word)
            for batch in log.replay(0)
            for user, item, event in zip(batch.user_id, batch.item_id, batch.event.tolist(), strict=True)
            if user == STRANGER
        ]


def test_offers_can_be_picked_and_the_next_taste_knows_them(served: TestClient, home: Home) -> None:
    choices = served.get("/v1/onboarding", params={"n": 12}).json()["choices"]
    assert len({(one["kind"], one["name"]) for one in choices}) == 12
    artist = next(one for one in choices if one["kind"] == "artist")
    show = next(
        one for one in served.get("/v1/onboarding", params={"n": 200}).json()["choices"] if one["kind"] == "show"
    )
    before = served.get(f"{PATH}/taste").json()
    assert before["stranger"]
    body = {"artists": [artist["name"].upper()], "shows": [show["name"]], "languages": ["en", "sv"], "id": "first-day"}
    answer = served.post(f"{PATH}/onboarding", json=body)
    assert answer.status_code == 202
    told = answer.json()
    items = [*artist["item_ids"], *show["item_ids"]]
    assert [pick["name"] for pick in told["picked"]] == [artist["name"], show["name"]]
    assert told["accepted"] == len(items)
    after = folded(served, told["offset"])
    assert not after["stranger"]
    assert after["vector"] != before["vector"]
    assert kept(home) == [(item, "onboarding") for item in items]
    assert ListenerTable.open(home.listeners).columns_for([STRANGER]).values == {"languages": ["en|sv"]}
    liked = served.get(f"{PATH}/surfaces/for_you", params={"n": 20}).json()
    assert not liked["stranger"]


def test_the_same_request_again_changes_nothing(served: TestClient, home: Home) -> None:
    name = served.get("/v1/onboarding").json()["choices"][0]
    body = {f"{name['kind']}s": [name["name"]], "id": "7"}
    first, second = (served.post(f"{PATH}/onboarding", json=body).json() for _ in range(2))
    assert first["accepted"] == second["duplicates"] == len(name["item_ids"])
    assert second["accepted"] == 0
    assert second["offset"] >= first["offset"]
    assert len(kept(home)) == first["accepted"]
    other = served.post(f"{PATH}/onboarding", json=body | {"id": "8"}).json()
    assert other["accepted"] == first["accepted"]


def test_an_item_id_is_a_pick_and_languages_alone_are_enough(served: TestClient, home: Home) -> None:
    told = served.post(f"{PATH}/onboarding", json={"artists": ["sim-track-00003"]}).json()
    assert told["picked"][0]["kind"] == "item"
    assert kept(home) == [("sim-track-00003", "onboarding")]
    only = served.post(f"{PATH}/onboarding", json={"languages": ["pt-BR"]})
    assert only.status_code == 202
    assert only.json()["accepted"] == 0
    assert only.json()["offset"] == told["offset"]


def test_all_that_is_unknown_is_named_and_nothing_is_kept(served: TestClient, home: Home) -> None:
    known = served.get("/v1/onboarding").json()["choices"][0]
    body = {f"{known['kind']}s": [known["name"], "Nobody At All"], "languages": ["en"]}
    body["shows"] = [*body.get("shows", []), "No Such Show"]
    answer = served.post(f"{PATH}/onboarding", json=body)
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert "'Nobody At All'" in detail
    assert "'No Such Show'" in detail
    assert known["name"] not in detail
    assert kept(home) == []
    assert ListenerTable.open(home.listeners).of(STRANGER) == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "must be an object"),
        ({}, "nothing was picked"),
        ({"artists": "Ana"}, "artists must be a list"),
        ({"shows": [""]}, "shows must be a list"),
        ({"artists": [3]}, "artists must be a list"),
        ({"languages": ["English, please"]}, "no language tag"),
        ({"artists": [f"a{number}" for number in range(51)]}, "at most 50"),
        ({"artists": ["x"], "id": True}, "id must be text"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(client: TestClient, body: object, words: str) -> None:
    answer = client.post(f"{PATH}/onboarding", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_a_body_of_another_type_or_no_json_is_refused(client: TestClient) -> None:
    plain = {"content-type": "text/plain"}
    assert client.post(f"{PATH}/onboarding", content=b"{}", headers=plain).status_code == 415
    json_type = {"content-type": "application/json"}
    answer = client.post(f"{PATH}/onboarding", content=b"{", headers=json_type)
    assert (answer.status_code, "not valid JSON" in answer.json()["detail"]) == (422, True)


def test_answers_lead_on_and_languages_limit(client: TestClient) -> None:
    first = client.get("/v1/onboarding", params={"n": 6}).json()["choices"]
    names = [one["name"] for one in first]
    more = client.get("/v1/onboarding", params={"n": 6, "picked": names[:1], "passed": [*names[1:], "nobody"]}).json()
    assert not {one["name"] for one in more["choices"]} & set(names)
    assert len(more["choices"]) == 6
    for text in ("en", "en,sv"):
        spoken = client.get("/v1/onboarding", params={"n": 50, "languages": text}).json()["choices"]
        assert {one["language"] for one in spoken} <= {*text.split(","), None}
    assert client.get("/v1/onboarding", params={"n": 0}).status_code == 422


def test_an_untrained_home_has_nothing_to_offer_yet(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.settings.write_text("", encoding="utf-8")
    with TestClient(create_app(home)) as client:
        assert client.get("/v1/onboarding").status_code == 503
        assert client.post(f"{PATH}/onboarding", json={"artists": ["Ana"]}).status_code == 503
