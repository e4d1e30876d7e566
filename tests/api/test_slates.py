"""Slates over HTTP: pages of one slate, conditional requests, what is logged, and what leaves no trace."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.api.app import create_app
from palate.api.metrics import Metrics
from palate.api.slates import GATHER_SECONDS, MOST_WAITING, SlateWriter
from palate.core.home import Home
from palate.core.slate import Slate
from palate.listening.airing import Airing
from palate.listening.slates import FILE, Answered, SlateLog, SlateSettings

from .homes import TestClient

USER, OTHER = "sim-user-0003", "sim-user-0005"
FOR_YOU = f"/v1/users/{USER}/surfaces/for_you"


@pytest.fixture
def served(home: Home) -> Iterator[TestClient]:
    with TestClient(create_app(home)) as client:
        yield client


def get(client: TestClient, path: str, **parameters: Any) -> dict[str, Any]:
    answer = client.get(path, params=parameters or None)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refused(client: TestClient, path: str, **parameters: Any) -> tuple[int, str]:
    answer = client.get(path, params=parameters or None)
    return answer.status_code, answer.json()["detail"]


def ids(slate: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in slate["items"]]


def pages(client: TestClient, slate: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while slate["next"]:
        slate = get(client, slate["next"])
        yield slate


def logged(home: Home, least: int) -> list[Answered]:
    """The log, once it holds so many answers."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with SlateLog(home.listening / FILE) as log:
            found = list(log.read())
        if len(found) >= least:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{len(found)} answers were logged")


def test_pages_are_one_slate_whatever_is_heard_in_between(client: TestClient) -> None:
    first = get(client, FOR_YOU, n=30)
    assert first["next"] == f"{FOR_YOU}?slate={first['slate_id']}&offset=30&n=30"
    event = {"user_id": USER, "item_id": ids(first)[0], "event": "hide"}
    assert client.post("/v1/events", json={"events": [event]}).status_code == 202
    rest = list(pages(client, first))
    assert [len(page["items"]) for page in rest] == [30, 30, 10]
    assert all((page["slate_id"], page["user_id"]) == (first["slate_id"], USER) for page in rest)
    every = ids(first) + [one for page in rest for one in ids(page)]
    assert len(set(every)) == len(every) == 100
    assert all(item["reason"] and item["evidence"] for page in rest for item in page["items"])
    assert get(client, FOR_YOU, slate=first["slate_id"], n=5)["items"] == first["items"][:5]
    assert get(client, FOR_YOU, slate=first["slate_id"], offset=100) | {"items": [], "next": None} == get(
        client, FOR_YOU, slate=first["slate_id"], offset=5_000
    )


def test_what_changes_a_further_page_makes_another_slate(served: TestClient) -> None:
    first = get(served, FOR_YOU, n=5)
    event = {"user_id": USER, "item_id": ids(get(served, first["next"]))[0], "event": "hide"}
    offset = served.post("/v1/events", json={"events": [event]}).json()["offset"]
    while get(served, f"/v1/users/{USER}/taste")["offset"] < offset:
        time.sleep(0.01)
    later = get(served, FOR_YOU, n=5)
    assert ids(later) == ids(first)
    assert later["slate_id"] != first["slate_id"]
    assert event["item_id"] in ids(get(served, first["next"]))
    assert event["item_id"] not in ids(get(served, later["next"]))


def test_pages_survive_the_process(home: Home) -> None:
    with TestClient(create_app(home)) as client:
        first = get(client, FOR_YOU, n=10)
        wanted = [page["items"] for page in pages(client, first)]
    with TestClient(create_app(home)) as client:
        again = get(client, f"/v1/slates/{first['slate_id']}", n=10)
        assert again | {"next": first["next"]} == first
        assert [page["items"] for page in pages(client, first)] == wanted
        assert [page["items"] for page in pages(client, again)] == wanted


def test_similar_has_pages_for_everybody(client: TestClient) -> None:
    first = get(client, "/v1/items/sim-track-00001/similar", n=10)
    assert first["next"] == f"/v1/slates/{first['slate_id']}?offset=10&n=10"
    assert len(ids(get(client, first["next"]))) == 10
    mine = get(client, f"/v1/users/{USER}/surfaces/similar", n=10, seed="sim-track-00001")
    assert mine["next"].startswith(f"/v1/users/{USER}/surfaces/similar?slate=")
    assert get(client, mine["next"])["items"] == get(client, first["next"])["items"]


def test_a_slate_that_is_not_yours_is_not_there(client: TestClient) -> None:
    slate = get(client, FOR_YOU, n=3)["slate_id"]
    told = f"no slate '{slate}' of for_you is kept for this listener; ask again without it"
    assert refused(client, f"/v1/users/{OTHER}/surfaces/for_you", slate=slate) == (404, told)
    assert refused(client, f"/v1/users/{USER}/surfaces/radio", slate=slate)[0] == 404
    assert refused(client, FOR_YOU, slate="unheard-of")[0] == 404
    assert refused(client, "/v1/slates/unheard-of")[0] == 404
    assert refused(client, "/v1/slates/unheard-of")[1] == (
        "no slate 'unheard-of' is kept; ask its surface for a new one"
    )  # fmt: skip
    assert refused(client, FOR_YOU, offset=20)[0] == 422
    assert refused(client, FOR_YOU, slate=slate, offset=-1)[0] == 422
    assert refused(client, f"/v1/users/{USER}/surfaces/nope", slate=slate)[0] == 422


def test_an_answer_that_still_stands_is_not_sent_again(client: TestClient) -> None:
    answer = client.get(FOR_YOU, params={"n": 4})
    tag = answer.headers["etag"]
    assert tag == f'"{answer.json()["slate_id"]}"'
    assert answer.headers["cache-control"] == "private, no-cache"
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(FOR_YOU, params={"n": 4}, headers={"If-None-Match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(FOR_YOU, params={"n": 4}, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(FOR_YOU, params={"n": 5}, headers={"If-None-Match": tag}).status_code == 200


def test_every_answer_is_logged_once_and_counted_each_time(served: TestClient, home: Home) -> None:
    first = get(served, FOR_YOU, n=6)
    get(served, FOR_YOU, n=6)
    get(served, first["next"])
    radio = get(served, f"/v1/users/{OTHER}/surfaces/radio", n=3, adventure=0.5)
    found = {one.slate.slate_id: one for one in logged(home, 2)}
    assert set(found) == {first["slate_id"], radio["slate_id"]}
    assert [item.item_id for item in found[first["slate_id"]].slate.items] == ids(first)
    assert found[first["slate_id"]].answers == 2
    assert found[radio["slate_id"]].ask == {"n": 3, "steer": {"adventure": 0.5, "energy": None}}
    with SlateLog(home.listening / FILE) as log:
        assert set(log.aired(USER, "for_you", 0.0)[0].tolist()) == set(found[first["slate_id"]].rows[:12].tolist())
        assert set(log.aired(OTHER, "radio", 0.0)[0].tolist()) == set(found[radio["slate_id"]].rows[:3].tolist())
    assert 'palate_slates_total{result="logged"} 3.0' in served.get("/metrics").text


def test_a_private_session_leaves_nothing(served: TestClient, home: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.listening.glob("*.sqlite")}
    answer = served.get(FOR_YOU, params={"n": 4, "private": True})
    assert (answer.status_code, len(answer.json()["items"]), answer.json()["next"]) == (200, 4, None)
    assert (answer.headers["cache-control"], "etag" in answer.headers) == ("no-store", False)
    assert refused(served, FOR_YOU, slate=answer.json()["slate_id"])[0] == 404
    event = {"user_id": "private-listener", "item_id": "sim-track-00001"}
    sent = served.post("/v1/events", json={"private": True, "events": [event, event]})
    end = get(served, "/v1/home")["log_offset"]
    told = {"accepted": 0, "duplicates": 0, "offset": end, "offsets": [-1, -1], "left_out": 2}
    assert (sent.status_code, sent.json()) == (202, told)
    assert served.post("/v1/events", json={"private": True, "events": [{"user_id": "u"}]}).status_code == 422
    assert served.post("/v1/events", json={"private": "yes", "events": [event]}).status_code == 422
    public = get(served, f"/v1/users/{OTHER}/surfaces/for_you", n=1)
    assert len(get(served, public["next"] + "&private=true")["items"]) == 1
    assert [one.slate.slate_id for one in logged(home, 1)] == [public["slate_id"]]
    assert served.post("/v1/events", json={"private": False, "events": [event]}).json()["accepted"] == 1
    assert {path.name for path in before} == {path.name for path in home.listening.glob("*.sqlite")}
    with SlateLog(home.listening / FILE) as log:
        assert log.aired(USER, "for_you", 0.0)[0].tolist() == []
        assert len(log.aired(OTHER, "for_you", 0.0)[0]) == 1


def test_the_deleted_are_not_logged_and_their_slates_are_gone(served: TestClient, home: Home) -> None:
    slate = get(served, FOR_YOU, n=3)["slate_id"]
    logged(home, 1)
    removed = served.delete(f"/v1/users/{USER}").json()["removed"]
    assert removed["slates"] == 1
    assert refused(served, f"/v1/slates/{slate}")[0] == 404
    get(served, FOR_YOU, n=3)
    get(served, f"/v1/users/{OTHER}/surfaces/for_you", n=3)
    assert [one.slate.user_id for one in logged(home, 1)] == [OTHER]


def test_a_home_may_log_nothing(home: Home) -> None:
    home.settings.write_text(home.settings.read_text() + "[slates]\nkeep_days = 0\n")
    with TestClient(create_app(home)) as client:
        first = get(client, FOR_YOU, n=60)
        assert [len(page["items"]) for page in pages(client, first)] == [40]
    assert not (home.listening / FILE).exists()


def test_slates_beyond_those_in_memory_are_read_from_the_log(home: Home) -> None:
    home.settings.write_text(home.settings.read_text() + "[slates]\nin_memory = 1\n")
    with TestClient(create_app(home)) as client:
        first = get(client, FOR_YOU, n=5)
        wanted = get(client, first["next"])["items"]
        get(client, f"/v1/users/{OTHER}/surfaces/for_you", n=5)
        logged(home, 2)
        assert get(client, first["next"])["items"] == wanted


def answered(number: int, time: float = 1_000.0) -> Answered:
    slate = Slate(f"s{number}", "for_you", "u", "taste@1", None, False, [])
    none = np.zeros(0, np.int32)
    return Answered(slate, time, time, none, np.zeros(0, np.float32), none, ())


def written(metrics: Metrics) -> dict[str, float]:
    results = ("logged", "dropped", "failed")
    return {result: metrics.registry.get_sample_value("palate_slates_total", {"result": result}) for result in results}


def test_a_writer_that_cannot_keep_up_drops_and_counts(tmp_path: Path) -> None:
    metrics = Metrics()
    with SlateLog(tmp_path / FILE) as log, closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        writer = SlateWriter(log, SlateSettings(), metrics, lambda: 2_000.0)
        writer.put(answered(0))
        time.sleep(GATHER_SECONDS + 0.5)  # it has taken that one, and waits for the file
        for number in range(1, MOST_WAITING + 6):
            writer.put(answered(number))
        held.execute("ROLLBACK")
        writer.close()
        assert written(metrics) == {"logged": MOST_WAITING + 1, "dropped": 5, "failed": 0}
        assert len(list(log.read())) == MOST_WAITING + 1


def test_an_answer_that_cannot_be_written_harms_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    with SlateLog(tmp_path / FILE) as log, closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute(
            "CREATE TRIGGER bad BEFORE INSERT ON slates WHEN new.slate = 's1' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        writer = SlateWriter(log, SlateSettings(), metrics, lambda: 2_000.0)
        for number in range(3):
            writer.put(answered(number))
        writer.put(Airing("u", "radio", 1_000.0, np.array([4], np.int32)))
        writer.close()
        assert [one.slate.slate_id for one in log.read()] == ["s0", "s2"]
        assert log.aired("u", "radio", 0.0)[0].tolist() == [4]
    assert written(metrics) == {"logged": 2, "dropped": 0, "failed": 1}
    assert "an answer was not logged" in caplog.text


def test_a_writer_forgets_what_is_old(tmp_path: Path) -> None:
    now = 100 * 86_400.0
    with SlateLog(tmp_path / FILE) as log:
        log.append([answered(0, now - 3 * 86_400.0), answered(1, now - 86_400.0)])
        writer = SlateWriter(log, SlateSettings(keep_days=2), Metrics(), lambda: now)
        writer.put(answered(2, now))
        writer.close()
        assert [one.slate.slate_id for one in log.read()] == ["s1", "s2"]
