"""The raters' page over HTTP: nothing names a condition, sounds come in ranges, an answer is on disk before 200."""

import json
import warnings
from dataclasses import replace

import pytest

from lab.listening_tests.made import JOIN, a_home, a_test, on_shelf
from lab.listening_tests.sounds import write_folder
from palate.core.home import Home
from palate.lab.listening_tests.making import Asked, new_test
from palate.lab.listening_tests.routes import TYPES, router
from palate.lab.listening_tests.serve import address_of, raters_app
from palate.lab.listening_tests.shelf import open_test

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette asks for a successor of httpx that the extras do not bring
    from starlette.testclient import TestClient

BASE = "/api/listening/sounds/raters"
ID = "0123456789abcdef"


@pytest.fixture
def home(tmp_path):
    home = a_home(tmp_path / "home")
    new_test(home, "sounds", Asked(folder=write_folder(tmp_path / "in"), kind="ab", pairs=6, checks=1), None)
    return home


@pytest.fixture
def client(home):
    return TestClient(raters_app(home, "sounds"))


@pytest.fixture
def shelved(home):
    return open_test(home, "sounds")


@pytest.fixture
def rater(client, shelved):
    answer = client.post(BASE, json={"join": shelved.test.join, "nickname": "Ann"})
    assert answer.status_code == 200
    return answer.json()["rater"]


def test_a_rater_joins_answers_and_comes_back(client, shelved, rater):
    session = client.get(f"{BASE}/{rater}").json()
    assert len(session["tasks"]) == 7
    assert session["answers"] == {}
    task = session["tasks"][0]
    sent = {"id": ID, "task": task["id"], "value": ["left"], "sure": 2, "seconds": 9.5, "heard_seconds": [5.0, 5.1]}
    assert client.post(f"{BASE}/{rater}/answers", json=sent).json() == {"kept": True, "repeated": False}
    assert client.post(f"{BASE}/{rater}/answers", json=sent).json() == {"kept": True, "repeated": True}
    kept = shelved.book.answers()
    assert [(one.value, one.sure, one.seconds, one.heard_seconds) for one in kept] == [(("left",), 2, 9.5, (5.0, 5.1))]
    changed = sent | {"id": ID + "2", "value": ["same"]}
    client.post(f"{BASE}/{rater}/answers", json=changed)
    again = client.get(f"{BASE}/{rater}").json()
    assert again["answers"] == {task["id"]: {"value": ["same"], "sure": 2}}
    assert again["tasks"] == session["tasks"]


def test_what_was_shown_is_what_was_heard(client, shelved, rater, tmp_path):
    """The bytes behind the left address of a task are those of the condition that its answer names as left."""
    for number, task in enumerate(client.get(f"{BASE}/{rater}").json()["tasks"]):
        sent = {"id": f"{ID}{number}", "task": task["id"], "value": ["left"], "sure": 1}
        client.post(f"{BASE}/{rater}/answers", json=sent)
        answer = shelved.book.of(rater)[task["id"]]
        for stimulus, condition in zip(task["stimuli"], answer.shown, strict=True):
            served = client.get(stimulus["sound"])
            assert served.headers["content-type"] == "audio/wav"
            assert served.content == (tmp_path / "in" / condition / f"{answer.case}.wav").read_bytes()


def test_nothing_that_a_rater_gets_names_a_condition_or_a_case(client, shelved, rater):
    told = client.get(f"{BASE}/{rater}")
    sound = told.json()["tasks"][0]["stimuli"][0]["sound"]
    answers = [
        told,
        client.get(sound),
        client.get("/listen/sounds"),
        *(client.get(f"/listen/assets/{name}") for name in TYPES),
    ]
    words = (*shelved.test.conditions, "song-", 'check"', shelved.test.key)
    hidden = [word for word in words if word != "reference"]  # the page's code knows what a reference is
    for answer in answers:
        everything = str(answer.headers) + answer.text
        assert [word for word in hidden if word in everything] == []
    assert "reference" not in told.text


def test_one_sound_has_another_address_and_mark_in_every_task_and_for_every_rater(client, shelved, rater):
    other = client.post(BASE, json={"join": shelved.test.join}).json()["rater"]
    sounds = [
        one["sound"]
        for who in (rater, other)
        for task in client.get(f"{BASE}/{who}").json()["tasks"]
        for one in task["stimuli"]
    ]
    served = [client.get(sound) for sound in sounds]
    assert len({sound.rpartition("/")[2] for sound in sounds}) == len(sounds) == 28
    assert len({answer.headers["etag"] for answer in served}) == 28
    assert len({answer.headers["last-modified"] for answer in served}) == 1


def test_ranges_of_a_sound(client, rater):
    sound = client.get(f"{BASE}/{rater}").json()["tasks"][0]["stimuli"][0]["sound"]
    whole = client.get(sound).content
    part = client.get(sound, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert client.get(sound, headers={"Range": "bytes=10-19", "If-Range": '"other"'}).status_code == 200


def test_what_is_wrong_is_refused_in_one_sentence(client, shelved, rater):
    task = client.get(f"{BASE}/{rater}").json()["tasks"][0]["id"]
    right = {"id": ID, "task": task, "value": ["left"], "sure": 2}
    wrong = [
        ({"task": "other"}, 422), ({"value": ["up"]}, 422), ({"value": []}, 422), ({"sure": 9}, 422),
        ({"id": "x"}, 422), ({"seconds": -1}, 422), ({"value": ["left"] * 99}, 422), ({"heard_seconds": ["a"]}, 422),
    ]  # fmt: skip
    for change, status in wrong:
        answer = client.post(f"{BASE}/{rater}/answers", json=right | change)
        assert (answer.status_code, bool(answer.json()["detail"])) == (status, True), change
    assert client.post(BASE, json={"join": "wrong"}).status_code == 422
    assert client.get(f"{BASE}/nobody").status_code == 404
    assert client.post(f"{BASE}/nobody/answers", json=right).status_code == 404
    assert client.get(f"{BASE}/{rater}/sounds/0000").status_code == 404
    assert shelved.book.answers() == []


def test_a_full_disk_is_said_and_the_same_answer_may_come_again(client, shelved, rater, monkeypatch):
    task = client.get(f"{BASE}/{rater}").json()["tasks"][0]["id"]
    sent = {"id": ID, "task": task, "value": ["left"], "sure": 2}
    with monkeypatch.context() as full:
        full.setattr(
            "palate.lab.listening_tests.ledger.os.write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space"))
        )
        assert client.post(f"{BASE}/{rater}/answers", json=sent).status_code == 507
    assert client.post(f"{BASE}/{rater}/answers", json=sent).json()["repeated"] is False


def test_the_raters_server_shows_one_test_and_no_result(client, home):
    on_shelf(home.root, a_test())
    for path in ("/api/listening", "/api/listening/sounds/results", "/listen/made", "/", "/api/runs", "/openapi.json"):
        assert client.get(path).status_code == 404, path
    assert client.post("/api/listening/made/raters", json={"join": JOIN}).status_code == 404
    page = client.get("/listen/sounds")
    assert page.headers["content-type"].startswith("text/html")
    assert "media-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/listen/assets/secret.py").status_code == 404


def test_a_page_of_another_site_cannot_answer(client, shelved):
    answer = client.post(BASE, json={"join": shelved.test.join}, headers={"Origin": "http://elsewhere"})
    assert answer.status_code == 403


def test_the_lab_sees_all_tests_and_their_results(home):
    from fastapi import FastAPI

    app = FastAPI()
    app.include_router(router(home))
    lab = TestClient(app)
    on_shelf(home.root, replace(a_test(), simulated=True))
    tests = {one["name"]: one for one in lab.get("/api/listening").json()["tests"]}
    assert set(tests) == {"sounds", "made"}
    assert tests["made"]["simulated"] is True
    assert tests["made"]["address"] == f"/listen/made?join={JOIN}"
    told = lab.get("/api/listening/made/results").json()
    assert told["results"]["everyone"] is None
    assert "ab" * 32 not in json.dumps(told)
    assert lab.get("/listen/made").status_code == 200
    assert lab.get("/api/listening/none/results").status_code == 404


def test_a_test_that_was_made_again_is_opened_again(home):
    import shutil

    client = TestClient(raters_app(home, "made"))
    assert client.get("/listen/made").status_code == 404
    shelved = on_shelf(home.root, a_test())
    assert client.get("/listen/made").status_code == 200
    shutil.rmtree(shelved.folder)
    assert client.get("/listen/made").status_code == 404
    on_shelf(home.root, a_test("rating"))
    rater = client.post("/api/listening/made/raters", json={"join": JOIN}).json()["rater"]
    assert client.get(f"/api/listening/made/raters/{rater}").json()["kind"] == "rating"


def test_a_rating_has_its_reference_openly_and_hidden(tmp_path):
    home = a_home(tmp_path)
    shelved = on_shelf(tmp_path, a_test("rating", conditions=("reference", "ours"), cases=1))
    client = TestClient(raters_app(home, "made"))
    task = client.get(f"/api/listening/made/raters/{shelved.join(JOIN)}").json()["tasks"][0]
    assert task["reference"] in task["stimuli"]
    assert len(task["stimuli"]) == 2


def test_the_link_for_raters(home):
    join = open_test(home, "sounds").test.join
    assert address_of(home, "sounds", "127.0.0.1", 8422) == f"http://127.0.0.1:8422/listen/sounds?join={join}"
    assert address_of(home, "sounds", "::1", 1) == f"http://[::1]:1/listen/sounds?join={join}"
    assert "0.0.0.0" not in address_of(Home(home.root), "sounds", "0.0.0.0", 8422)
