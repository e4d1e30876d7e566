"""The reports over HTTP: listed, begun, made again, read; nothing else of the disk can be read."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from palate.core.home import Home
from palate.lab.reports.routes import router
from palate.lab.ui.answers import ERROR_HANDLERS

from .fabricated import run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def client(home: Home) -> TestClient:
    app = FastAPI(exception_handlers=ERROR_HANDLERS)
    app.include_router(router(home))
    return TestClient(app, raise_server_exceptions=False)


def test_a_report_is_begun_listed_read_and_made_again(home: Home, client: TestClient) -> None:
    info = run(home.lab, "a")
    assert client.get("/api/reports").json() == {"reports": []}
    begun = client.post("/api/reports", json={"name": "first", "runs": [info.id]})
    assert (begun.status_code, begun.json()) == (
        201,
        {"name": "first", "page": "/reports/first.html", "runs": [info.id]},
    )
    (listed,) = client.get("/api/reports").json()["reports"]
    assert (listed["title"], listed["page"], listed["pdf"], listed["error"]) == (
        "First",
        "/reports/first.html",
        None,
        "",
    )
    page = client.get(listed["page"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert info.id in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    (home.lab / "reports" / "first.md").write_text(f"# Other words\n\n```runs\nruns: {info.id}\n```\n")
    assert client.post("/api/reports/first").status_code == 200
    assert "Other words" in client.get("/reports/first.html").text
    assert client.get("/reports/first.md").headers["content-type"].startswith("text/plain")


def test_a_condition_chooses_runs(home: Home, client: TestClient) -> None:
    infos = [run(home.lab, f"{dim}", dim) for dim in (64, 128)]
    begun = client.post("/api/reports", json={"name": "large", "where": "users.dim > 64"})
    assert begun.json()["runs"] == [infos[1].id]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "r"}, "give either runs (ids) or where"),
        ({"name": "r", "runs": ["nobody"]}, "no run 'nobody'"),
        ({"name": "../r", "runs": ["a"]}, "cannot name a report"),
        ({"name": "r", "where": "job == 'no'"}, "at least one run"),
    ],
)
def test_what_cannot_be_begun_is_told(home: Home, client: TestClient, body: dict, says: str) -> None:
    run(home.lab, "a")
    refused = client.post("/api/reports", json=body)
    assert refused.status_code == 422
    assert says in refused.json()["detail"]


@pytest.mark.parametrize(
    "file", ["none.html", "..%2Fpalate.toml", "%2e%2e%2fpalate.toml", "palate.toml", "x.md.html", "html"]
)
def test_nothing_else_is_read(home: Home, client: TestClient, file: str) -> None:
    home.lab.mkdir(parents=True)
    home.settings.write_text("secret")
    assert client.get(f"/reports/{file}").status_code == 404
