"""What starting `palate` costs and needs: in a process of its own, as everybody starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from palate.core.home import Home

START = "import sys; from palate.cli import main; "
BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
from palate.cli import main
"""
EACH = """
import gc, json
from click.testing import CliRunner
for words in json.loads(sys.argv[1]):
    found = CliRunner().invoke(main, words, prog_name="palate")
    print(json.dumps([found.exit_code, found.stdout, found.stderr]))
    gc.collect()
"""
TRAIN = {"polars", "implicit", "luigi", "threadpoolctl"}
HEAVY = {"numpy", "scipy", "polars", "lightgbm", "faiss", "fastapi", "lmdb", "luigi", "implicit"}


def python(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=os.environ | environment
    )


def without_extra(home: Home, *commands: tuple[str, ...]) -> dict[str, tuple[int, str, str]]:
    """(exit code, stdout, stderr) of each command, one after the other in one process that lacks the training parts."""
    words = [["--home", str(home.root), *one] for one in commands]
    found = python(BLOCKER.format(blocked=TRAIN) + EACH, json.dumps(words))
    assert (found.returncode, found.stderr) == (0, "")
    answers = [tuple(json.loads(line)) for line in found.stdout.splitlines()]
    return dict(zip(map(" ".join, commands), answers, strict=True))


def test_help_imports_no_library_of_models_or_tables() -> None:
    code = f"{START}\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(sorted({HEAVY} & set(sys.modules)))"
    found = python(code)
    assert found.stdout.startswith("Usage: ")
    assert found.stdout.endswith("\n[]\n")


def test_the_home_comes_from_the_environment(own: Home) -> None:
    code = f"{START} main(prog_name='palate')"
    found = python(code, "space", "list", "--json", PALATE_HOME=str(own.root))
    assert [one["space"] for one in json.loads(found.stdout)["spaces"]] == ["taste@1"]
    found = python(code, "--home", str(own.root / "other"), "space", "list", PALATE_HOME=str(own.root))
    assert (found.returncode, found.stdout) == (1, "")
    assert f"{own.root / 'other'} is not a Palate home" in found.stderr


SERVING = [
    ("similar", "sim-track-00001"), ("search", "a"), ("explain", "sim-user-0001", "sim-track-00001"), ("fresh",),
    ("space", "list"), ("doctor",), ("init",),
]  # fmt: skip


def test_a_machine_that_only_serves_needs_no_training_parts(own: Home) -> None:
    for words, (code, answer, errors) in without_extra(own, *SERVING).items():
        assert (code, errors) == (0, ""), words
        assert answer, words


TRAINING = [
    ("train",), ("eval", "run"), ("recommend", "--users", "{users}", "--out", "r.parquet"),
    ("embed", "items", "--out", "r.parquet"), ("import", "items", "{users}"), ("demo", "--no-serve"),
]  # fmt: skip


def test_a_missing_training_part_says_how_to_get_it(own: Home, tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text("item_id\n")
    asked = [tuple(word.format(users=users) for word in words) for words in TRAINING]
    for words, (code, answer, error) in without_extra(own, *asked).items():
        assert (code, answer) == (1, ""), words
        assert error.startswith("error: this needs "), words
        assert error.endswith(", which is not installed; run: pip install 'palate[train]'\n"), words
        assert error.count("\n") == 1, words


def test_doctor_names_the_missing_parts(own: Home) -> None:
    ((_, found, _),) = without_extra(own, ("doctor", "--json")).values()
    parts = {one["what"]: one["found"] for one in json.loads(found)["findings"]}
    assert parts["training parts"].startswith(("polars, implicit, luigi not installed", "installed"))


def test_a_closed_pipe_is_no_error(trained: Home) -> None:
    command = [sys.executable, "-c", f"{START} main(prog_name='palate')", "--home", str(trained.root), "search", "a"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
