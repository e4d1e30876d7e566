"""Whatever a client sends is answered with a sentence: never 500, never a stack trace."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .homes import TestClient

# The server's faults raise in these tests, so an answer at all is half of what is checked.
ROUTES = (
    "/v1/users/{}/taste", "/v1/users/{}/candidates", "/v1/users/{}/surfaces/for_you", "/v1/users/{}/surfaces/radio",
    "/v1/users/{}/surfaces/similar", "/v1/users/x/surfaces/{}", "/v1/users/{}/listens", "/v1/items/{}",
    "/v1/items/{}/similar", "/v1/users/{}/explain/sim-track-00001", "/v1/users/x/explain/{}", "/page/{}", "/{}",
)  # fmt: skip
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ids = text | st.sampled_from(
    ["..", ".", "\0", "a/b", "%", "%2F", "x" * 10_000, " ", "sim-user-0001", "sim-track-00001"]
)
numbers = st.sampled_from(["0", "-1", "1", "10000", "x", "", "1e3", "9" * 30, "NaN", "٣"])
relaxed = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(answer) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        detail = answer.json()["detail"]
        assert isinstance(detail, str)
        assert 0 < len(detail) < 400
        assert "\n" not in detail
        assert "Traceback" not in detail


@relaxed
@given(route=st.sampled_from(ROUTES), one=ids, n=numbers, seeds=st.lists(ids, max_size=2), words=text)
def test_any_id_and_any_parameter(client: TestClient, route, one, n, seeds, words):
    parameters = {"n": n, "seed": seeds, "exclude": seeds, "unheard": words, "q": words, "user": one, "after": words}
    check(client.get(route.format(quote(one, safe="")), params=parameters))


@relaxed
@given(words=text, one=ids, n=st.sampled_from(["1", "1000"]))
def test_any_words_can_be_searched_for(client: TestClient, words, one, n):
    check(client.get("/v1/search", params={"q": words, "user": one, "n": n}))
    check(client.get("/v1/users", params={"after": words, "n": n}))


def encoded(data: bytes) -> str:
    return "".join(f"%{byte:02x}" for byte in data)


@relaxed
@given(path=st.binary(max_size=60), query=st.binary(max_size=40))
def test_any_bytes_in_the_address(client: TestClient, path, query):
    check(client.get(f"/v1/users/{encoded(path)}/taste?n={encoded(query)}"))


@relaxed
@given(body=st.binary(max_size=200))
def test_any_bytes_as_a_body(client: TestClient, body):
    check(client.post("/v1/events", content=body, headers={"content-type": "application/json"}))


values = st.none() | st.booleans() | st.integers() | st.floats() | text | st.lists(st.integers(), max_size=2)
names = st.sampled_from(["id", "user_id", "item_id", "timestamp", "event", "seconds_played", "session_id", "surface"])


@relaxed
@given(events=st.lists(st.dictionaries(names, values, max_size=8), max_size=3))
def test_any_events(client: TestClient, events):
    body = json.dumps({"events": events})
    check(client.post("/v1/events", content=body, headers={"content-type": "application/json"}))


def body_of(one_event: str) -> str:
    return f'{{"events": [{one_event}]}}'


@pytest.mark.parametrize(
    "body",
    [
        body_of('{"user_id": "\\ud800", "item_id": "i"}'),
        body_of('{"user_id": "u", "item_id": "i", "timestamp": Infinity}'),
        body_of('{"user_id": "u", "item_id": "i", "timestamp": 1e400}'),
        body_of('{"user_id": "u", "item_id": ' + "9" * 600 + "}"),
        body_of("[" * 5_000 + "]" * 5_000),
        body_of("1," * 2_000 + "1"),
    ],
)
def test_bodies_that_break_other_servers(client, body):
    answer = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    check(answer)


@pytest.mark.parametrize(
    ("header", "value"),
    [("content-length", "99999999999"), ("content-length", "x"), ("content-type", "application/json; charset=\xff"),
     ("host", "["), ("host", "a b"), ("accept", "text/html"), ("transfer-encoding", "nonsense")],
)  # fmt: skip
def test_odd_headers(client, header, value):
    headers = {"content-type": "application/json", header: value.encode("latin-1")}
    for path in ("/v1/users/u/taste", "/nope", "/v1/items/nope"):
        check(client.get(path, headers=headers))
    check(client.post("/v1/events", content=b"{}", headers=headers))
