"""Which engine, and what a Redis server must promise before it is used."""

import pytest

from palate.core.errors import BadSettings, MissingExtra, PalateError
from palate.core.settings import Settings
from palate.listening import engine
from palate.listening.engine import EngineSettings, RedisEngine
from palate.testing.redis_server import RedisServer


def settings(**told) -> EngineSettings:
    return Settings({"engine": told}).section(EngineSettings)


def test_files_are_the_default():
    assert settings().kind == "embedded"


@pytest.mark.parametrize("told", [{"prefix": ""}, {"prefix": "a{b}"}, {"remember_days": 0.0}, {"kind": "postgres"}])
def test_impossible_settings_are_refused(told):
    with pytest.raises(BadSettings, match="engine"):
        settings(**told)


@pytest.mark.parametrize("name", ["appendonly", "appendfsync"])
def test_a_server_that_may_lose_what_it_accepts_is_refused_unless_that_is_wanted(tmp_path, redis_server, name):
    loose = {"appendonly": "no", "appendfsync": "everysec"}[name]
    with RedisServer(tmp_path / "own", (f"--{name}", loose)) as server:
        with pytest.raises(BadSettings, match=f"{name} {loose}.*durable = false"):
            server.engine().check()
        RedisEngine(EngineSettings("redis", server.url, durable=False)).check()


def test_a_server_that_syncs_is_taken(redis_server):
    redis_server.engine().check()


@pytest.mark.slow
def test_a_cluster_that_syncs_is_taken(redis_nodes):
    redis_nodes.engine().check()


def test_an_old_server_is_refused(redis_server, monkeypatch):
    monkeypatch.setattr(engine, "OLDEST_SERVER", 99)
    with pytest.raises(PalateError, match=r"use 99\.0 or newer"):
        redis_server.engine().check()


def test_errors_name_the_server_and_not_its_password():
    lost = RedisEngine(EngineSettings("redis", "redis://:secret@127.0.0.1:1/0"))
    with pytest.raises(PalateError, match=r"127\.0\.0\.1:1 cannot be reached") as raised:
        lost.one("PING")
    assert "secret" not in str(raised.value)
    with pytest.raises(BadSettings, match="cannot be used"):
        RedisEngine(EngineSettings("redis", "http://127.0.0.1"))


def test_a_full_server_says_so_and_takes_nothing(tmp_path, redis_server):
    options = ("--maxmemory", "1mb", "--maxmemory-policy", "noeviction")
    with RedisServer(tmp_path / "own", options) as server, pytest.raises(PalateError, match=r"is full|maxmemory"):
        server.engine().many([("SET", f"k{n}", b"x" * 10_000) for n in range(1_000)])


def test_without_the_library_the_pip_command_is_named(monkeypatch):
    import builtins

    there = builtins.__import__

    def missing(name, *rest):
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(name)
        return there(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"palate\[redis\]"):
        RedisEngine(EngineSettings("redis"))
