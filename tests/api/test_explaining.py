"""Explaining any surface over HTTP, and reasons in other words where a model is set up."""

from typing import Any

import pytest

from palate.api.app import create_app
from palate.core.errors import BadSettings
from palate.core.home import Home
from surfaces.test_rephrase import model, said

from .homes import TestClient, copy_of


def get(client: TestClient, path: str, **params: Any) -> Any:
    found = client.get(path, params=params)
    assert found.status_code == 200, found.text
    return found.json()


@pytest.mark.parametrize("surface", ["for_you", "radio", "similar"])
def test_an_explanation_of_any_surface_agrees_with_its_slate(client: TestClient, user: str, surface: str) -> None:
    seeds = {"seed": "sim-track-00003"} if surface == "similar" else {}
    slate = get(client, f"/v1/users/{user}/surfaces/{surface}", n=100, **seeds)
    for position, item in enumerate(slate["items"][:3], 1):
        told = get(client, f"/v1/users/{user}/explain/{item['item_id']}", surface=surface, **seeds)
        assert (told["position"], told["surface"], told["reason"]) == (position, surface, item["reason"])
        assert told["score"] == pytest.approx(item["score"], rel=1e-6)
        total = (told["base"] or 0.0) + sum(told["contributions"].values())
        assert surface != "for_you" or total == pytest.approx(told["score"], abs=1e-5)


def test_what_cannot_be_explained_is_a_sentence(client: TestClient, user: str) -> None:
    for params, status, words in (
        ({"surface": "nowhere"}, 422, "no surface 'nowhere'"),
        ({"surface": "similar"}, 422, "exactly one seed"),
        ({"seed": "no-such-item"}, 404, "no item"),
    ):
        found = client.get(f"/v1/users/{user}/explain/sim-track-00001", params=params)
        assert (found.status_code, words in found.json()["detail"]) == (status, True), found.text


def test_reasons_in_other_words_when_asked_to_wait_and_metrics_that_count_them(trained: Home, tmp_path: Any) -> None:
    home = copy_of(trained, tmp_path)

    def longer(asked: dict[str, Any]) -> bytes:
        import json

        sentence = json.loads(asked["messages"][1]["content"])["sentence"]
        return said(sentence.removesuffix(".") + "!")(asked)

    with model(longer) as server:
        with home.settings.open("a", encoding="utf-8") as file:
            file.write(f'\n[rephrase]\naddress = "{server.address}"\nmodel = "small"\ntimeout_seconds = 10.0\n')
        with TestClient(create_app(home)) as client:
            path = f"/v1/users/{get(client, '/v1/users', n=1)['users'][0]}/surfaces/for_you"
            plain = [one["reason"] for one in get(client, path, n=5)["items"]]
            assert all(one.endswith(".") for one in plain)
            worded = [one["reason"] for one in get(client, path, n=5, rephrase=True)["items"]]
            assert worded == [one.removesuffix(".") + "!" for one in plain]
            assert 'palate_rephrased_total{result="accepted"} 5.0' in client.get("/metrics").text


def test_an_address_that_cannot_be_is_told_when_the_server_starts(trained: Home, tmp_path: Any) -> None:
    home = copy_of(trained, tmp_path)
    with home.settings.open("a", encoding="utf-8") as file:
        file.write('\n[rephrase]\naddress = "file:///etc/passwd"\n')
    with pytest.raises(BadSettings, match="must be http"), TestClient(create_app(home)):
        pass
