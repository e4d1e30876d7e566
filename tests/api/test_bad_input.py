"""Over HTTP every surface answers what cannot be answered with a sentence: no 500, no empty screen without a reason."""

from collections.abc import Iterator

import pytest

from palate.api.app import create_app
from palate.core.home import Home
from palate.surfaces.registry import surfaces

from .homes import TestClient, copy_of
from .test_fuzz import check

KNOWN = "sim-user-0001"
FULL = {"seed": "sim-track-00009", "with": "sim-user-0002", "q": "a", "n": 12}
every_surface = pytest.mark.parametrize("surface", surfaces())


@pytest.fixture(scope="module")
def deleted(client: TestClient) -> str:
    """A listener who was deleted while the server ran."""
    user = "sim-user-0004"
    assert client.get(f"/v1/users/{user}/surfaces/for_you").json()["stranger"] is False
    assert client.delete(f"/v1/users/{user}").status_code in (200, 202)
    return user


@pytest.fixture(scope="module")
def genre(client: TestClient) -> str:
    """One that the catalogue has."""
    return next(iter(client.get("/v1/items/sim-track-00009").json()["genres"]))


def useful(answer) -> None:
    """A refusal in a sentence, or an answer with items, or with the reason why there are none."""
    check(answer)
    if answer.status_code == 200:
        slate = answer.json()
        assert slate["items"] or slate["note"]


@every_surface
@pytest.mark.parametrize("user", ["nobody at all", KNOWN])
def test_whoever_asks_whatever_is_left_out(client: TestClient, surface: str, user: str, genre: str) -> None:
    useful(client.get(f"/v1/users/{user}/surfaces/{surface}"))
    answer = client.get(f"/v1/users/{user}/surfaces/{surface}", params=FULL | {"genre": genre})
    assert answer.status_code == 200
    useful(answer)


@every_surface
def test_a_deleted_listener_is_a_stranger(client: TestClient, deleted: str, surface: str, genre: str) -> None:
    answer = client.get(f"/v1/users/{deleted}/surfaces/{surface}", params=FULL | {"genre": genre})
    useful(answer)
    stranger = client.get(f"/v1/users/nobody/surfaces/{surface}", params=FULL | {"genre": genre}).json()
    assert [answer.json()[name] for name in ("stranger", "taste_age_seconds")] == [
        stranger[name] for name in ("stranger", "taste_age_seconds")
    ]


@every_surface
@pytest.mark.parametrize("n", ["0", "-1", "10000", "1001", "x", "", "1.5"])
def test_a_number_of_items_that_cannot_be(client: TestClient, surface: str, n: str) -> None:
    answer = client.get(f"/v1/users/{KNOWN}/surfaces/{surface}", params=FULL | {"n": n})
    assert answer.status_code == 422
    check(answer)
    assert answer.json()["detail"].startswith(("n = ", "the parameter n: "))


@every_surface
@pytest.mark.parametrize("wrong", [
    {"seed": "no such item"}, {"seed": "artist:Nobody"}, {"seed": ""}, {"with": KNOWN}, {"with": ""},
    {"with": ["a"] * 20},
    {"q": ""}, {"q": "zzzzqx"}, {"genre": "none"}, {"exclude": "no such item"}, {"adventure": "2"}, {"energy": "NaN"},
])  # fmt: skip
def test_a_parameter_that_names_nothing(client: TestClient, surface: str, wrong: dict, genre: str) -> None:
    parameters = FULL | {"genre": genre} | wrong
    useful(client.get(f"/v1/users/{KNOWN}/surfaces/{surface}", params=parameters))
    useful(client.get(f"/v1/users/nobody/surfaces/{surface}", params=parameters))


@every_surface
def test_what_is_not_there_can_be_asked_about(client: TestClient, surface: str, genre: str) -> None:
    """Why, and why not: for a stranger, for an item that does not exist, for a number that cannot be."""
    for user in (KNOWN, "nobody"):
        parameters = FULL | {"genre": genre, "surface": surface}
        told = client.get(f"/v1/users/{user}/explain/sim-track-00030", params=parameters)
        check(told)
        assert told.status_code == 200
        assert told.json()["verdict"].endswith(".")
        unknown = client.get(f"/v1/users/{user}/explain/no-such-item", params=parameters)
        assert unknown.status_code == 404
        check(client.get(f"/v1/users/{user}/explain/sim-track-00030", params=parameters | {"n": "0"}))


def test_a_surface_that_does_not_exist(client: TestClient) -> None:
    for name in ("no_such_surface", "For_You", "%2e%2e%2ffor_you", "x" * 500):
        answer = client.get(f"/v1/users/{KNOWN}/surfaces/{name}")
        assert answer.status_code in (404, 422)
        check(answer)
        check(client.get(f"/v1/users/{KNOWN}/explain/sim-track-00030", params={"surface": name}))


@pytest.fixture(scope="module", params=["crowds.npz", "fold_in.npz", "ranker.txt", "company.npz", "playlists.npz"])
def without(
    request: pytest.FixtureRequest, trained: Home, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """A server of a home in which one file is gone that can be done without."""
    home = copy_of(trained, tmp_path_factory.mktemp("without"))
    for folder in (home.spaces / "taste@1", home.online):
        (folder / request.param).unlink(missing_ok=True)
    with TestClient(create_app(home)) as client:
        yield client


@pytest.mark.slow
def test_every_surface_answers_without_a_file_that_can_be_missing(without: TestClient, genre: str) -> None:
    for surface in surfaces():
        for user in (KNOWN, "nobody"):
            answer = without.get(f"/v1/users/{user}/surfaces/{surface}", params=FULL | {"genre": genre})
            assert answer.status_code == 200, answer.text
            useful(answer)
