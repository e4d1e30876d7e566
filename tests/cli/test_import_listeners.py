"""palate import listeners, as a person calls it."""

import json
from pathlib import Path

from palate.core.home import Home
from palate.listening.listeners import read_listeners

from .conftest import Palate


def test_any_columns_may_be_named_with_map(palate: Palate, tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "people.csv"
    file.write_text("Kunde,Land,email\nana,SE,a@b\nbo,,c@d\n")
    assert palate(home, "init").exit_code == 0
    found = palate(home, "import", "listeners", file, "--map", "user=Kunde,country=Land,email=", "--json")
    assert (found.exit_code, found.stderr) == (0, "")
    report = json.loads(found.stdout)
    assert (report["rows"], report["accepted"], report["rejected"]) == (2, 2, 0)
    assert read_listeners(Home(home), ["bo", "ana"]).values == {"country": [None, "SE"]}
    again = palate(home, "import", "listeners", file, "--map", "user=Kunde,country=Land,email=")
    assert again.stdout.startswith("0 listeners new or changed, 2 known before, 0 rejected")


def test_a_file_without_listeners_is_refused_in_one_sentence(palate: Palate, tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "people.csv"
    file.write_text("name,country\nana,SE\n")
    assert palate(home, "init").exit_code == 0
    found = palate(home, "import", "listeners", file)
    assert found.exit_code != 0
    assert found.stdout == ""
    assert "has no column for user_id; its columns are: name, country" in found.stderr
