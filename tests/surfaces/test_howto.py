"""The surface that docs/howto/add-a-surface.md writes does what the page says."""

import re
from pathlib import Path
from typing import Any

from .planted import planted

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "add-a-surface.md"


def test_the_surface_of_the_page_brings_back_what_was_forgotten() -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    module: dict[str, Any] = {}
    exec(code[1], module)
    world, found = planted(), 0
    history = world.inputs.history
    lately = history.take(history.timestamp > world.now - 182 * 86_400)
    for user in world.listeners(least_events=20):
        slate = world.path.answer(module["REDISCOVER"], world.query(user), 10, "u")
        rows = {world.row_of[item.item_id] for item in slate.items}
        assert not rows & set(lately.item[lately.user == user].tolist())
        assert {item.source for item in slate.items} <= {"again"}
        found += len(rows)
    assert found > 100
    assert world.path.answer(module["REDISCOVER"], world.stranger(), 10, "u").items == []
