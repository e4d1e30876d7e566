"""Every surface against everything that can be wrong with a request or a home: never a 500, never empty without a word.

The surfaces are those that the registry finds, so a new one is asked too.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from palate.api.app import create_app
from palate.catalog.columns import ItemColumns
from palate.core.artefacts import read_json, write_json
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.store.items import ItemStore
from palate.surfaces.registry import surfaces

from .homes import TestClient, copy_of
from .test_follower import eventually

NAMES = tuple(surfaces())
SEED = "sim-track-00003"
HIDER = "hides everything"
LEFT = "was deleted"

# What a request needs to be answered at all: a surface refuses in one sentence where it lacks this.
NEEDED: dict[str, str] = {
    "blend": "with=sim-user-00001", "enhance": f"seed={SEED}", "genre_mix": "genre=rock", "search": "q=a",
    "similar": f"seed={SEED}", "radio": f"seed={SEED}",
}  # fmt: skip

REQUESTS: dict[str, str] = {
    "no n": "", "n = 1": "n=1", "n = 0": "n=0", "n = -3": "n=-3", "n = 10,000": "n=10000", "n is a word": "n=many",
    "n = 1,000": "n=1000", "a seed that is not there": "seed=nothing-of-the-kind", "an empty seed": "seed=",
    "an artist who is not there": "seed=artist:Nobody", "a playlist that is not there": "seed=playlist:none",
    "a genre that is not there": "genre=nothing", "a listener who is not there": "seed=user:nobody",
    "a blend with oneself": "with={user}", "a blend with nobody known": "with=nobody-of-the-kind",
    "an adventure of 7": "adventure=7", "an energy of 3": "energy=3", "an energy that is no number": "energy=nan",
    "excluded twice": f"exclude={SEED}&exclude={SEED}", "excluded and not there": "exclude=nothing",
    "words without letters": "q=%20%20%3F%21", "long words": f"q={'x' * 5_000}", "a zero byte": "q=%00",
    "an offset without a slate": "offset=20", "a slate that is not there": "slate=abc", "in private": "private=true",
    "unheard": "unheard=true",
}  # fmt: skip


@pytest.fixture(scope="module")
def served(trained: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server with a listener who hid every item and one who was deleted."""
    home = copy_of(trained, tmp_path_factory.mktemp("bad"))
    ids = item_ids(home)
    with TestClient(create_app(home)) as client:
        hidden = [{"user_id": HIDER, "item_id": one, "event": "hide"} for one in ids]
        told = client.post("/v1/events", json={"events": [*hidden, {"user_id": LEFT, "item_id": ids[0]}]})
        assert told.status_code == 202, told.text
        assert eventually(lambda: client.get(f"/v1/users/{HIDER}/taste").json()["offset"] >= told.json()["offset"])
        assert client.delete(f"/v1/users/{LEFT}").status_code in (200, 202)
        yield client


def item_ids(home: Home) -> list[str]:
    """Of every item of the catalogue."""
    with ItemStore(home.online / "items") as items:
        return [str(items.get(row).item_id) for row in range(len(items))]


def ask(client: TestClient, user: str, name: str, *queries: str) -> Any:
    return client.get(f"/v1/users/{user}/surfaces/{name}?{'&'.join(one for one in queries if one)}")


def sound(answer: Any) -> None:
    """Items, or a note that says why there are none; else a 4xx with one sentence."""
    told = answer.json()
    if answer.status_code == 200:
        assert told["items"] or told["note"], told
        assert len({one["item_id"] for one in told["items"]}) == len(told["items"])
        assert all(one["reason"] and one["evidence"] for one in told["items"])
        return
    assert 400 <= answer.status_code < 500, answer.text
    assert list(told) == ["detail"]
    assert 10 < len(told["detail"]) < 700
    assert "\n" not in told["detail"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", REQUESTS)
def test_requests(served: TestClient, user: str, name: str, case: str) -> None:
    query = REQUESTS[case].format(user=user)
    sound(ask(served, user, name, query))
    given = query.partition("=")[0]
    sound(ask(served, user, name, query, *(one for one in [NEEDED.get(name, "")] if not one.startswith(f"{given}="))))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("who", ["never heard of", HIDER, LEFT, "x" * 400, "%20", "%F0%9F%8E%B5", "a%2Fb"])
def test_listeners(served: TestClient, name: str, who: str) -> None:
    sound(ask(served, who, name, NEEDED.get(name, "")))


@pytest.mark.parametrize("name", NAMES)
def test_who_hid_everything_gets_nothing_of_it_and_is_told_so(served: TestClient, name: str) -> None:
    answer = ask(served, HIDER, name, NEEDED.get(name, "")).json()
    if name == "similar":  # the same for everybody
        return
    assert answer.get("items", []) == []
    assert answer.get("note") or answer.get("detail")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there_can_be_asked_about(served: TestClient, user: str, name: str) -> None:
    """Why, and why not, of whatever surface: for who is known and who is not, and for an item that does not exist."""
    for who in (user, "never heard of"):
        told = served.get(f"/v1/users/{who}/explain/{SEED}?surface={name}&{NEEDED.get(name, '')}")
        if told.status_code == 200:
            assert told.json()["verdict"].endswith(".")
        else:
            assert told.status_code == 422, told.text
        assert served.get(f"/v1/users/{who}/explain/no-such-item?surface={name}&n=0").status_code == 422
        assert served.get(f"/v1/users/{who}/explain/no-such-item?surface={name}").status_code == 404


def test_a_surface_that_is_not_there(served: TestClient, user: str) -> None:
    answer = ask(served, user, "nothing")
    assert answer.status_code == 422
    assert all(name in answer.json()["detail"] for name in NAMES)


@pytest.mark.parametrize("file", ["crowds.npz", "fold_in.npz", "playlists.npz", "ranker.txt"])
def test_a_home_that_lacks_a_file_it_can_do_without(trained: Home, user: str, tmp_path, file: str) -> None:
    home = copy_of(trained, tmp_path)
    folder = Spaces(home.spaces).live.folder
    (home.online / file if file == "playlists.npz" else folder / file).unlink(missing_ok=True)
    if file == "ranker.txt":
        (folder / file).write_text("", encoding="utf-8")  # of a home with too little to learn from
    if (manifest := read_json(folder / "manifest.json")).get("files", {}).pop(file, None):
        write_json(folder / "manifest.json", manifest)
    with TestClient(create_app(home)) as client:
        for name in NAMES:
            sound(ask(client, user, name, NEEDED.get(name, "")))


def test_a_home_of_which_nothing_can_be_played(trained: Home, user: str, tmp_path) -> None:
    home = copy_of(trained, tmp_path)
    path = Spaces(home.spaces).live.folder / "columns.npz"
    columns = ItemColumns.load(path)
    columns.available[:] = False
    columns.save(path)
    with TestClient(create_app(home)) as client:
        for name in NAMES:
            for who in (user, "never heard of"):
                answer = ask(client, who, name, NEEDED.get(name, ""))
                sound(answer)
                assert answer.json().get("items", []) == [], name
    assert not np.any(ItemColumns.load(path).available)
