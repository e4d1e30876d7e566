"""The batching window: how long the first new listen waits for others."""

from pathlib import Path

import pytest

from palate.api.app import create_app
from palate.api.status import Told
from palate.core.errors import BadSettings
from palate.core.home import Home

from .homes import TestClient
from .test_follower import eventually, post, taste

ITEMS = [f"sim-track-{number:05d}" for number in range(1, 6)]


def with_window(home: Home, window_ms: int) -> Home:
    home.settings.write_text(f"[fresh]\nwindow_ms = {window_ms}\n")
    return home


def test_listens_that_come_within_the_window_share_a_batch(home):
    with TestClient(create_app(with_window(home, 3_000))) as client:
        offset = max(post(client, item_id=item) for item in ITEMS)
        assert eventually(lambda: taste(client)["offset"] >= offset)
        batches = Told(client.get("/metrics").text).histogram("palate_fold_batch_listens", space="taste@1")
    assert (batches["count"], batches["mean"]) == (1, len(ITEMS))


def test_a_window_holds_up_neither_reads_nor_the_end(home):
    with TestClient(create_app(with_window(home, 60_000))) as client:
        offset = post(client)
        assert not eventually(lambda: taste(client)["offset"] >= offset, seconds=0.3)
        assert Told(client.get("/metrics").text).summary()["lag_listens"] == 1
    with TestClient(create_app(with_window(home, 0))) as client:
        assert eventually(lambda: taste(client)["offset"] >= offset)


def test_a_window_that_is_none_is_refused(home: Home, tmp_path: Path):
    with (
        pytest.raises(BadSettings, match=r"\[fresh\] window_ms = -1 must be from 0"),
        TestClient(create_app(with_window(home, -1))),
    ):
        pass
