"""The catalogue over HTTP, and the command that serves it all."""

import socket

from click.testing import CliRunner

from lab.ui.conftest import ENTRIES
from palate.cli import main
from palate.cli.lab.ui import endpoints_of, is_local, load
from palate.core.home import Home


def test_entries_come_as_the_inventory_gives_them(get):
    found = get("/api/catalogue")["entries"]
    assert [(one["kind"], one["name"]) for one in found] == [(one.kind, one.name) for one in ENTRIES]
    assert found[1]["reads"] == ["data:listens"]
    assert found[2] == {
        "kind": "space", "name": "taste@1", "note": "", "owner": "", "version": "", "updated": None,
        "health": "unknown", "why": "", "reads": ["job:train", "model:gone"],
    }  # fmt: skip


def test_an_endpoint_is_named_by_its_method_and_path():
    told = {"paths": {"/v1/items/{id}": {"get": {"description": "An item.\nMore."}, "delete": {}}}}
    assert endpoints_of(told) == [("GET /v1/items/{id}", "An item."), ("DELETE /v1/items/{id}", "")]


def test_only_this_machine_is_local():
    assert all(map(is_local, ("127.0.0.1", "127.0.0.2", "localhost", "::1")))
    assert not any(map(is_local, ("0.0.0.0", "192.168.0.7", "::", "127.example")))


def test_a_port_that_is_taken_is_told_with_what_to_do(tmp_path):
    (tmp_path / "palate.toml").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = CliRunner().invoke(main, ["--home", str(tmp_path), "lab", "ui", "--port", str(port)])
    assert done.exit_code == 1
    assert f"port {port} of 127.0.0.1 is in use; stop what listens there or give another --port" in done.output


def test_a_folder_that_is_no_home_is_told(tmp_path):
    done = CliRunner().invoke(main, ["--home", str(tmp_path), "lab", "ui"])
    assert done.exit_code == 1
    assert "is not a Palate home" in done.output


def test_the_served_app_is_of_the_home(tmp_path):
    app = load(Home(tmp_path), "127.0.0.1")
    paths = set(app.openapi()["paths"])
    assert {"/api/runs", "/api/catalogue", "/api/compare"} <= paths
