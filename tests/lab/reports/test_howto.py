"""The docs: the recipe of write-a-report.md is filled, its script runs; reports.md has every block and key."""

import re
from pathlib import Path
from typing import Any

import pytest

from palate.core.home import Home
from palate.core.recording import Audio, Table
from palate.lab.reports.recipe import FRONT_KEYS, KEYS
from palate.lab.reports.shelf import Reports

from .fabricated import run, sound

DOCS = Path(__file__).resolve().parents[3] / "docs"
HOWTO = (DOCS / "howto" / "write-a-report.md").read_text(encoding="utf-8")


def test_the_recipe_is_filled(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    for name, dim in (("small", 64), ("large", 128)):
        cohorts = Table(["cohort", "ndcg", "listeners"], [["new", 0.5, 3]])
        run(lab, name, dim, cohorts=cohorts, intro=Audio(sound(tmp_path / "a.wav")))
    reports = Reports(lab)
    path = reports.path("taste-size")
    path.parent.mkdir()
    path.write_text(HOWTO.partition("~~~markdown\n")[2].partition("~~~")[0], encoding="utf-8")
    assert [info.name for info in reports.make("taste-size").runs] == ["small", "large"]


def test_the_script_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "my-home")
    home.root.mkdir()
    home.settings.write_text("[lab]\nsystem_seconds = 0\n")
    sound(tmp_path / "mix.wav")
    (code,) = re.findall(r"^```python\n(.*?)^```", HOWTO, re.MULTILINE | re.DOTALL)
    module: dict[str, Any] = {}
    exec(code, module)
    reports = Reports(home.lab)
    reports.begin("mixing", reports.book.runs())
    page = reports.make("mixing").page.read_text(encoding="utf-8")
    assert "120 into 124 bpm" in page
    assert page.count("<audio") == page.count("<img") == 1


def test_every_block_and_key_is_in_the_docs() -> None:
    page = (DOCS / "rooms" / "reports.md").read_text(encoding="utf-8")
    keys = {key for known in KEYS.values() for key in known} | set(FRONT_KEYS)
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
    assert [kind for kind in KEYS if f"| `{kind}" not in page] == []
