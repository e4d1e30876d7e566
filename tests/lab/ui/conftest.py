"""The lab's page without a browser: its app over a home with a book of runs."""

import pytest
from fastapi.testclient import TestClient

from palate.core.home import Home
from palate.lab.inventory import Entry
from palate.lab.ui.app import lab_app

ENTRIES = (
    Entry("data", "listens", "12 listens", version="offset 12", updated=1.5, health="good", why="the log can be read"),
    Entry("job", "train", owner="ann", health="stale", why="the latest run interrupted", reads=("data:listens",)),
    Entry("space", "taste@1", reads=("job:train", "model:gone")),
)


@pytest.fixture
def client(tmp_path):
    return TestClient(
        lab_app(Home(tmp_path), lambda: ENTRIES), base_url="http://127.0.0.1", raise_server_exceptions=False
    )


@pytest.fixture
def get(client):
    """get(path, **query) -> the JSON of an answer that has to be 200."""

    def ask(path, **query):
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.fixture
def four(book):
    """Four runs that are over: three of `eval` in one group, of which the second has no mark; one of `train`."""
    for number, mark in enumerate((0.2, None, 0.4)):
        summary = {"task": "discover"} | ({} if mark is None else {"ndcg_at_10": mark})
        book.record("eval", name=f"e{number}", group="judging", config={"users": {"dim": 2**number}}, summary=summary)
    book.record("train", name="t", about={"simulated": True, "seed": 3}, summary={"loss": 1.5, "ndcg_at_10": 0.1})
    return book
