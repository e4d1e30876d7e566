"""What is installed is what is needed: the base install serves, and the Makefile says what it can do."""

import re
import subprocess
import sys
import tomllib

import pytest

import palate

# Runs `code` as if the `train` extra were not installed.
WITHOUT_TRAIN = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"polars", "implicit", "luigi"}:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked by the test)", name=name)


sys.meta_path.insert(0, Blocker())
"""


def without_train(code: str) -> str:
    """What `code` prints on a machine that has the base install only."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAIN + code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_blocker_blocks():
    code = "try:\n    import polars\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    assert "blocked by the test" in without_train(code)


@pytest.mark.parametrize("module", ["palate", "palate.cli", "palate.api"])
def test_the_base_install_can_import(module):
    code = f"import {module}\nprint(sorted({{'polars', 'implicit', 'luigi'}} & set(sys.modules)))\n"
    assert without_train(code).strip() == "[]"


def test_help_works_without_the_train_extra():
    shown = without_train("from palate.cli import main\nmain(['--help'], standalone_mode=False)\n")
    assert shown.startswith("Usage:")
    assert {"demo", "serve", "train", "import", "recommend"} <= set(re.findall(r"^  (\w+)", shown, re.MULTILINE))


def test_importing_the_package_is_light():
    heavy = "{'faiss', 'lightgbm', 'fastapi', 'scipy'}"
    assert without_train(f"import palate\nprint({heavy} & set(sys.modules) or 'none')\n").strip() == "none"


@pytest.fixture(scope="module")
def project(root) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def test_there_is_one_version(project):
    assert palate.__version__ == project["version"]


def test_the_dev_extra_brings_the_train_extra(project):
    extras = project["optional-dependencies"]
    assert "palate[lab]" in extras["dev"]
    assert "palate[train]" in extras["lab"]


def test_every_target_of_the_makefile_is_in_its_help(root):
    text = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split())
    shown = subprocess.run(["make", "help"], capture_output=True, text=True, cwd=root, timeout=30, check=True).stdout
    assert set(re.findall(r"^make (\S+)", shown, re.MULTILINE)) == targets


def test_ci_runs_what_a_person_runs(root):
    lines = (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert lines[-1] == "make test"
    assert "run: make test" in (root / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
