"""The PDF: printed by the browser that is there; every way in which that can fail is a sentence."""

import os
import shutil
from pathlib import Path

import pytest

from palate.core.errors import PalateError
from palate.lab.reports import pdf
from palate.lab.reports.pdf import find_browser, write_pdf


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><title>t</title><p>Words on paper.", encoding="utf-8")
    return path


def browser(folder: Path, script: str) -> str:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_first_browser_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PALATE_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PalateError, match="a PDF needs Chromium, Chrome or Edge, and none was found; open the page"):
        find_browser()
    for name in ("google-chrome", "chromium"):
        shutil.copy(browser(tmp_path, "exit 0"), tmp_path / name)
    assert find_browser() == str(tmp_path / "chromium")


def test_the_browser_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALATE_BROWSER", browser(tmp_path, "exit 0"))
    assert find_browser() == str(tmp_path / "browser")
    monkeypatch.setenv("PALATE_BROWSER", str(tmp_path / "nowhere"))
    with pytest.raises(PalateError, match="is no program; give the path"):
        find_browser()


PRINTS = 'for one in "$@"; do case "$one" in --print-to-pdf=*) printf "%%PDF-1.4 $*" > "${one#*=}";; esac; done'


@pytest.mark.parametrize("uid", [0, 1000])
def test_only_root_goes_without_the_sandbox(
    tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    monkeypatch.setenv("PALATE_BROWSER", browser(tmp_path, PRINTS))
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    words = write_pdf(page, tmp_path / "out.pdf").read_text().split()
    assert ("--no-sandbox" in words) == (uid == 0)
    assert words[-1] == page.resolve().as_uri()
    assert [one for one in words if one.startswith("--user-data-dir=")]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo broken >&2; exit 3", r"printed no PDF of .* \(broken\); open the page and print it by hand"),
        ("exit 0", r"\(it said nothing\)"),
        (PRINTS.replace("%%PDF", "no"), "printed no PDF"),
        ("sleep 60", "did not print .* in 1 s"),
    ],
    ids=["fails", "writes nothing", "writes something else", "hangs"],
)
def test_a_browser_that_fails_is_told_and_leaves_the_old_pdf(
    tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    monkeypatch.setenv("PALATE_BROWSER", browser(tmp_path, f"exec {script}" if "sleep" in script else script))
    monkeypatch.setattr(pdf, "TIMEOUT_SECONDS", 1.0 if "sleep" in script else 60.0)
    old = tmp_path / "out.pdf"
    old.write_bytes(b"%PDF-old")
    with pytest.raises(PalateError, match=says):
        write_pdf(page, old)
    assert old.read_bytes() == b"%PDF-old"
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.slow
def test_a_real_browser_prints(tmp_path: Path, page: Path) -> None:
    try:
        find_browser()
    except PalateError as error:
        pytest.skip(str(error))
    content = write_pdf(page, tmp_path / "out.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == 1
