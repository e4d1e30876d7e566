"""An export says everything that the search finds, and nothing of others."""

import json

from jobs.small_homes import labels
from palate.core.home import Home
from palate.listening.log import ListeningLog
from palate.privacy.export import export, holds_anything

from .places import ITEMS, VICTIM


def test_everything_of_one_listener_is_told(lived_in: Home) -> None:
    told = export(lived_in, VICTIM)
    assert len(told["listens"]) == 41
    assert told["onboarding"] == [ITEMS[0]]
    assert {one["item_id"] for one in told["listens"]} == set(ITEMS)
    assert [one["slate_id"] for one in told["shown"]] == ["slate-1"]
    assert [(one["slate_id"], one["items"][0]["item_id"], one["answers"]) for one in told["slates"]] == [
        ("slate-1", ITEMS[1], 1)
    ]
    assert told["attributes"] == {"country": "SE"}
    assert [(one["item_id"], one["owner"]) for one in told["playlists"]] == [(ITEMS[0], VICTIM)]
    assert list(told["spaces"]) == labels(lived_in)
    assert len(told["snapshots"]) == 1
    assert told["listening_tests"] == ["lab/listening/lists"]
    assert (told["deleted"], told["unread"]) == (False, [])
    assert holds_anything(told)
    assert json.loads(json.dumps(told, allow_nan=False)) == told, "it is JSON that every reader takes"


def test_the_offsets_are_those_of_the_log(lived_in: Home) -> None:
    with ListeningLog(lived_in.log) as log:
        mine = [
            int(offset)
            for batch in log.replay(0)
            for offset, user in zip(batch.offsets.tolist(), batch.user_id, strict=True)
            if user == VICTIM
        ]
    assert [one["offset"] for one in export(lived_in, VICTIM)["listens"]] == mine


def test_nobody_is_told_of_a_stranger(lived_in: Home) -> None:
    assert not holds_anything(export(lived_in, "never-heard-of"))
