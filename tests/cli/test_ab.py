"""palate ab: what it prints, what it refuses, and docs/howto/run-an-experiment.md as written."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from palate.cli import main
from palate.cli.ab import ab
from palate.core.errors import PalateError
from palate.core.experiment import Experiment, ExperimentSettings
from palate.core.home import Home
from palate.core.ids import UserId
from palate.core.listens import Listen, in_columns
from palate.listening.exposures import FILE, Exposure, ExposureLog
from palate.listening.log import ListeningLog

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "run-an-experiment.md"
TOML = "[experiments.spread]\nvariants = {control = 0.5, spread = 0.5}\n[experiments.half]\nholdback = 0.5\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "my-home")
    home.root.mkdir()
    home.settings.write_text(TOML)
    return home


def call(home: Home, *words: str | Path) -> Result:
    found = CliRunner().invoke(ab, [str(word) for word in words], obj=home, prog_name="palate ab")
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.stderr
    return found


def exposed(home: Home) -> None:
    with ExposureLog(home.listening / FILE) as log:
        log.append([Exposure(1_000.0, "ana", "spread", "control", "home", "s", ("a", "b"), (0.5, 0.5))])
    with ListeningLog(home.log) as log:
        day = 86_400.0
        listens = [Listen(UserId("ana"), "a", 1_010.0), Listen(UserId("bo"), "a", 9 * day)]  # type: ignore[arg-type]
        log.append(in_columns(listens))


def test_assign_says_what_the_library_says(home):
    users = [f"u{number}" for number in range(40)]
    told = json.loads(call(home, "assign", "half", *users, "--json").stdout)
    half = Experiment("half", ExperimentSettings(holdback=0.5))
    assert told == {"experiment": "half", "variants": {user: half.assign(UserId(user)) for user in users}}
    lines = call(home, "assign", "half", *users).stdout.splitlines()
    assert lines[0].startswith("u0  ")
    assert any(line.endswith("not in the experiment") for line in lines)


def test_report_and_export(home, tmp_path):
    exposed(home)
    told = json.loads(call(home, "report", "spread", "--json").stdout)
    assert told["complete"] == {"control": 1, "spread": 0}
    assert told["variants"]["spread"]["metrics"]["plays"]["control"] == 1.0
    assert "spread: wait" in call(home, "report", "spread").stdout
    out = tmp_path / "out.jsonl"
    assert call(home, "export", "spread", "--out", out).stdout == f"1 exposures in {out}\n"
    assert json.loads(out.read_text())["item_ids"] == ["a", "b"]


@pytest.mark.parametrize("words", [("report", "spread"), ("export", "spread", "--out", "x")])
def test_an_experiment_that_nobody_has_met(home, words):
    with pytest.raises(PalateError, match="nobody has met experiment spread"):
        call(home, *words)
    assert not home.listening.exists()


def test_exposures_of_another_experiment_do_not_count(home):
    exposed(home)
    with pytest.raises(PalateError, match="nobody has met experiment half"):
        call(home, "report", "half")


def test_an_experiment_that_is_not_declared(home):
    with pytest.raises(PalateError, match="there is no experiment 'calm'; choose from spread, half"):
        call(home, "assign", "calm", "ana")


def test_a_folder_that_is_no_home(tmp_path):
    with pytest.raises(PalateError, match="is not a Palate home"):
        call(Home(tmp_path / "nowhere"), "assign", "spread", "ana")


def test_trial_says_what_it_found_and_that_it_is_simulated(tmp_path):
    told = json.loads(call(Home(tmp_path), "trial", "--listeners", "400", "--lift", "0.4", "--json").stdout)
    assert (told["simulated"], told["listeners"], told["true_lift"]) == (True, 400, 0.4)


def test_the_page_does_what_it_says(tmp_path, monkeypatch):
    """Every block in order, in one namespace, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "my-home")
    home.root.mkdir()
    module: dict[str, Any] = {}
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    printed = []
    for kind, code in blocks:
        if kind == "toml":
            home.settings.write_text(code)
        elif kind == "csv":
            Path("listens.csv").write_text(code)
        elif kind == "python":
            exec(code, module)
        else:
            assert kind == "sh"
            for line in code.splitlines():
                words = line.split()[1:]
                if words[0] == "ab":
                    printed.append(call(home, *words[1:]).stdout)
                else:
                    done = CliRunner().invoke(main, ["--home", str(home.root), *words])
                    assert done.exit_code == 0, done.stderr
    assert printed[0].splitlines()[0] == f"ana  {module['variant']}"
    assert "spread: wait" in printed[1]
    assert "(1 complete)" in printed[1]
    assert module["found"].capped.value == pytest.approx(1.0)  # song-1 was heard and weighs 0.5 / 0.5
    assert len(blocks) == 9
