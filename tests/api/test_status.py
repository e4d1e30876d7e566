"""What /metrics says of freshness, and `palate fresh status` makes of it."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from palate.api.app import create_app
from palate.api.metrics import Rate
from palate.api.status import Told, address_of, fetched, home_mark, in_words, quantile, status
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.listens import Listen, in_columns
from palate.listening.log import ListeningLog

from .homes import TestClient
from .servers import free_port, running
from .test_follower import eventually

EVENT = {"user_id": "u", "item_id": "sim-track-00001"}
BOUNDS = (0.0, 1.0, 2.0, 5.0)


def page(values: list[float]) -> Told:
    registry = CollectorRegistry()
    shown = Histogram("age", "Age", ["surface"], buckets=BOUNDS, registry=registry)
    for value in values:
        shown.labels("for_you").observe(value)
    return Told(generate_latest(registry).decode())


def test_quantiles_lie_evenly_within_their_bucket():
    assert quantile([(1.0, 0), (2.0, 10), (np.inf, 10)], 0.5) == 1.5
    assert quantile([(0.0, 99), (1.0, 100), (np.inf, 100)], 0.5) == 0.0
    assert quantile([(1.0, 1), (np.inf, 4)], 0.99) == 1.0  # beyond the last bound nothing is known
    assert quantile([(1.0, 0), (np.inf, 0)], 0.5) is None
    assert quantile([], 0.5) is None


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values):
    told = page(values).histogram("age", surface="for_you")
    assert told["count"] == len(values)
    assert told["mean"] == pytest.approx(sum(values) / len(values))
    for word, share in (("p50", 50), ("p95", 95), ("p99", 99)):
        true = float(np.percentile(values, share, method="inverted_cdf"))
        place = int(np.searchsorted(BOUNDS, true))
        assert (BOUNDS[place - 1] if place else 0.0) <= told[word] <= BOUNDS[place]


def test_a_page_that_is_none_tells_nothing():
    told = Told("<html>{not metrics")
    assert (told.labels("palate_home_info", "home"), told.value("x")) == ([], None)
    assert told.histogram("age")["count"] == 0


def test_a_rate_is_over_the_last_minute():
    now = 100.0
    rate = Rate(lambda: now)
    rate.add(10)
    assert rate.per_second() == 10.0  # over a second at least
    now = 130.0
    rate.add(20)
    assert rate.per_second() == 1.0
    now = 161.0
    assert rate.per_second() == 20 / 60
    now = 1_000.0
    assert rate.per_second() == 0.0


def test_metrics_count_batches_and_the_age_of_what_was_served(home):
    with TestClient(create_app(home)) as client:
        offset = client.post("/v1/events", json={"events": [EVENT, EVENT | {"user_id": "v"}]}).json()["offset"]
        assert eventually(lambda: client.get("/v1/users/u/taste").json()["offset"] >= offset)
        for path in ("/v1/users/u/surfaces/for_you", "/v1/users/u/candidates", "/v1/search?q=a&user=u"):
            assert client.get(path).status_code == 200
        client.get("/v1/items/sim-track-00001/similar")
        told = Told(client.get("/metrics").text).summary()
    assert (told["space"], told["lag_listens"], told["lag_seconds"], told["folded_listens"]) == ("taste@1", 0, 0.0, 2)
    assert told["listens_per_second"] > 0
    assert told["batch_listens"]["count"] * told["batch_listens"]["mean"] == 2
    assert told["encode_seconds"]["count"] == told["fold_seconds"]["count"] == told["batch_listens"]["count"]
    assert 0 < told["encode_seconds"]["mean"] <= told["fold_seconds"]["mean"]
    assert set(told["served_age_seconds"]) == {"taste", "for_you", "candidates", "search"}  # similar has no listener
    assert told["served_age_seconds"]["for_you"] == {"count": 1, "mean": 0.0, "p50": 0.0, "p95": 0.0, "p99": 0.0}


def test_what_is_served_from_an_old_taste_has_its_age(home):
    with home.settings.open("a") as file:
        file.write('[freshness]\nradio = "2d"\n')
    with TestClient(create_app(home)) as client:

        def heard(item: str) -> None:
            offset = client.post("/v1/events", json={"events": [EVENT | {"item_id": item}]}).json()["offset"]
            assert eventually(lambda: client.get("/v1/users/u/taste").json()["offset"] >= offset)

        heard("sim-track-00001")
        client.get("/v1/users/u/surfaces/radio")  # level with the log
        heard("sim-track-00002")
        at = time.monotonic()
        time.sleep(0.05)
        client.get("/v1/users/u/surfaces/radio")  # knows the first listen only
        most = time.monotonic() - at + 30.0
        ages = Told(client.get("/metrics").text).histogram("palate_served_age_seconds", surface="radio")
    assert ages["count"] == 2
    assert 0.05 / 2 <= ages["mean"] <= most


def test_the_status_of_a_server_and_of_a_home_without_one(home: Home):
    with running(home) as server:
        offset = server.post([EVENT])["offset"]
        assert eventually(lambda: server.get("/v1/users/u/taste")["offset"] >= offset)
        told = status(home, server.address)
        assert (told["running"], told["lag_listens"], told["folded_listens"]) == (True, 0, 1)
        assert "taste@1 at http" in in_words(told)
        assert "age served, taste" in in_words(told)
        other = status(Home(home.root), server.address, lambda address: "# a page of somebody else")
        assert other["running"] is False
    with ListeningLog(home.log) as log:
        log.append(in_columns([Listen("u", "sim-track-00002", time.time() - 90.0)] * 1))  # type: ignore[arg-type]
    told = status(home, f"http://127.0.0.1:{free_port()}")
    assert (told["running"], told["space"], told["lag_listens"]) == (False, "taste@1", 1)
    assert 90.0 <= told["lag_seconds"] < 600.0
    assert "no server of this home answers" in in_words(told)
    assert "lacks 1 listens" in in_words(told)


def test_a_server_of_another_home_is_not_asked(home, tmp_path):
    foreign = f'palate_home_info{{home="{home_mark(Home(tmp_path / "another"))}"}} 1\n'
    assert status(home, "http://x", lambda address: foreign)["running"] is False
    ours = f'palate_home_info{{home="{home_mark(home)}"}} 1\n'
    told = status(home, "http://x", lambda address: ours)
    assert (told["running"], told["lag_listens"], told["lag_seconds"]) == (True, 0, None)


def test_nobody_answers_at_a_free_port():
    assert fetched(f"http://127.0.0.1:{free_port()}") is None


def test_the_address_to_ask():
    assert address_of("0.0.0.0", 8420) == "http://127.0.0.1:8420"
    assert address_of("::1", 80) == "http://[::1]:80"
    with pytest.raises(PalateError, match="port 70000 is none"):
        address_of("x", 70_000)
