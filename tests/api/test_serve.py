"""The real server: granian in a process of its own, spoken to over sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from palate.api.serve import check_address, run
from palate.api.settings import ServerSettings
from palate.core.errors import BadInput, MissingHome, NotTrained
from palate.core.home import Home
from palate.core.settings import Settings

from .homes import copy_of
from .servers import Running, free_port, running


@pytest.fixture(scope="module")
def server(trained: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(copy_of(trained, tmp_path_factory.mktemp("granian"))) as server:
        yield server


def raw(server: Running, request: bytes) -> bytes:
    """What the server sends back to some bytes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line, suppress(ConnectionError):
        line.sendall(request)
        while part := line.recv(65_536):  # until the server closes or cuts the line
            answer += part
    return answer


def test_ids_with_slashes_arrive_whole(server):
    assert server.get("/v1/users/a%2Fb%20%C3%BC/taste")["user_id"] == "a/b ü"


def test_an_event_reaches_the_taste(server):
    offset = server.post([{"user_id": "over http", "item_id": "sim-track-00001"}])["offset"]
    while server.get("/v1/users/over%20http/taste")["offset"] < offset:
        pass
    assert server.get("/v1/users/over%20http/taste")["stranger"] is False


def test_an_endless_body_without_a_length_is_cut_off(server):
    head = (
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    assert raw(server, head + chunk * 17).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "request_line", [b"GET /v1/users/\xff/taste HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET // HTTP/1.1", b"nonsense", b""]
)
def test_odd_requests_leave_the_server_well(server, request_line):
    answer = raw(server, request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert server.get("/health/live") == {"status": "live"}


def test_it_says_where_to_look_and_ends_quietly(trained, tmp_path):
    with running(copy_of(trained, tmp_path)) as server:
        pass
    assert f"Palate serves taste@1 at http://127.0.0.1:{server.port}/" in server.said
    assert "Traceback" not in server.said
    assert server.process.returncode == 0


def test_each_request_can_be_logged_without_what_it_asked(trained, tmp_path):
    with running(copy_of(trained, tmp_path), log_requests=True) as server:
        server.get("/v1/users/secret-person/taste")
    lines = [json.loads(line) for line in server.said.splitlines() if line.startswith("{")]
    told = [line for line in lines if line["route"] == "/v1/users/{user_id}/taste"]
    assert [(line["method"], line["status"]) for line in told] == [("GET", 200)]
    assert "secret-person" not in server.said


@pytest.mark.slow
def test_of_two_workers_one_folds(trained, tmp_path):
    with running(copy_of(trained, tmp_path), workers=2) as server:
        for number in range(8):
            offset = server.post([{"user_id": f"worker-{number}", "item_id": "sim-track-00001"}])["offset"]
            while server.get(f"/v1/users/worker-{number}/taste")["offset"] < offset:
                pass
        listens = server.get("/v1/users/worker-0/listens")["listens"]
    assert [one["plays"] for one in listens] == [1]


def test_a_killed_server_has_lost_nothing_that_it_accepted(trained, tmp_path):
    home = copy_of(trained, tmp_path)
    with running(home) as server:
        offset = server.post([{"user_id": "killed", "item_id": "sim-track-00001"}])["offset"]
        workers = server.children()
        server.process.kill()  # first, or it would replace its workers
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
    with running(home) as server:
        while server.get("/v1/users/killed/taste")["offset"] < offset:
            pass
        assert [one["plays"] for one in server.get("/v1/users/killed/listens")["listens"]] == [1]


def test_a_taken_port_is_an_error_and_not_a_shared_one(server, trained):
    with pytest.raises(BadInput, match=f"port {server.port} of 127.0.0.1 is in use"):
        run(trained, port=server.port)
    check_address("127.0.0.1", free_port())
    with pytest.raises(BadInput, match="cannot listen at 203\\.0\\.113\\.1"):
        check_address("203.0.113.1", 8420)


def test_a_home_that_cannot_be_served_says_what_to_do(tmp_path):
    with pytest.raises(MissingHome, match="init"):
        run(Home(tmp_path))
    (tmp_path / "palate.toml").touch()
    with pytest.raises(NotTrained, match="palate train"):
        run(Home(tmp_path))


@pytest.mark.parametrize("table", [{"port": 0}, {"port": 70_000}, {"workers": 0}, {"max_events": 0}, {"page": 1}])
def test_impossible_settings_are_refused(table):
    with pytest.raises(BadInput, match=next(iter(table))):
        Settings({"server": table}).section(ServerSettings)


def test_importing_the_server_is_light():
    code = "import sys, palate.api.serve; print([m for m in ('fastapi', 'lightgbm', 'polars') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert shown.stdout.strip() == "[]"
