"""Who may call: this machine by its own names, and for writing only this server's own pages."""

import pytest
from fastapi.testclient import TestClient

from palate.core.home import Home
from palate.lab.ui.app import lab_app


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8421", "localhost:8421", "[::1]:8421"])
def test_this_machine_is_answered(client, host):
    assert client.get("/api/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8421", "127.0.0.1@evil.example", ""])
def test_a_foreign_name_is_refused(client, host):
    answer = client.get("/api/runs", headers={"Host": host})
    assert answer.status_code == 403
    assert "start it with --host" in answer.json()["detail"]


def test_with_an_address_for_others_any_name_is_answered(tmp_path):
    client = TestClient(lab_app(Home(tmp_path), list, hosts=None), base_url="http://127.0.0.1")
    assert client.get("/api/runs", headers={"Host": "lab.local:8421"}).status_code == 200


def test_a_foreign_page_may_not_write(client):
    foreign = client.post("/api/runs", headers={"Origin": "http://evil.example"})
    assert (foreign.status_code, "may not write here" in foreign.json()["detail"]) == (403, True)
    own = client.post("/api/runs", headers={"Origin": "http://127.0.0.1"})
    assert own.status_code == 405  # let in, and there is no such route
    assert client.post("/api/runs", headers={"Origin": "null"}).status_code == 403


def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(client):
    for path in ("/", "/api/runs", "/page/app.js", "/page/none.js"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["../app.py", "%2e%2e/app.py", "app.js/..", "views/..%2Fapp.js", "/etc/passwd", "app.py", ""]
)
def test_the_page_has_only_its_own_files(client, name):
    assert client.get(f"/page/{name}").status_code == 404


def test_the_page_and_what_it_names_are_there(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for name in ("style.css", "app.js", "dom.js", "plots.js", "views/runs.js"):
        assert f"/page/{name}" in page.text or name == "plots.js"
        assert client.get(f"/page/{name}").status_code == 200


def test_a_fault_of_ours_tells_no_inside(tmp_path):
    def broken():
        raise RuntimeError("the inside")

    client = TestClient(lab_app(Home(tmp_path), broken), base_url="http://127.0.0.1", raise_server_exceptions=False)
    answer = client.get("/api/catalogue")
    assert answer.status_code == 500
    assert "the inside" not in answer.text
