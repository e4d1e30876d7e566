"""The lab's page in a real browser: runs, one run, a comparison, the catalogue; a name with markup stays text."""

import json
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from api.servers import free_port
from palate.core.recording import Audio, Image, Table
from palate.lab.book import Book
from palate.lab.settings import LabSettings

pytestmark = pytest.mark.slow

WAIT = "--virtual-time-budget=10000"
MARKUP = '<img src=x onerror="document.title=1"> & co'
ALONE = LabSettings(tracker="none", system_seconds=0)


def fill(book: Book) -> None:
    """Two runs of one group with curves, one of them with files; one that failed; one that is only written down."""
    sound = book.folder.parent / "tone.wav"
    sound.write_bytes(b"RIFF" + bytes(40))
    for dim, best in ((16, 0.2), (32, 0.3)):
        with book.start("train", name=f"dim {dim}", config={"dim": dim}, group="dims", settings=ALONE) as run:
            for step in range(20):
                run.log({"user.loss": 1 / (step + 1), "user.ndcg_at_10": best * step / 19})
            if dim == 32:
                run.log({"cohorts": Table(["cohort", "n"], [["new", 7]]), "tone": Audio(sound, "a tone")})
                run.log({"curve": Image('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>', "a curve")})
            run.summarize({"ndcg_at_10": best})
    with pytest.raises(ValueError), book.start("train", name="too fast", settings=ALONE):
        raise ValueError("the loss is nan")
    book.record("eval", name=MARKUP, about={"simulated": True}, summary={"ndcg_at_10": 0.1})


@pytest.fixture(scope="module")
def address(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the lab of such a home is served."""
    root, port = tmp_path_factory.mktemp("home"), free_port()
    palate = [sys.executable, "-m", "palate.cli.main", "--home", str(root)]
    subprocess.run([*palate, "init"], check=True, capture_output=True)
    fill(Book(root / "lab"))
    command = [*palate, "lab", "ui", "--port", str(port), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())["address"]
            wait_until_ready(told)
            yield told
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def wait_until_ready(address: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urlopen(f"{address}api/runs", timeout=5):
                return
        except (URLError, ConnectionError):
            assert time.monotonic() < end, "the lab's page did not become ready"
            time.sleep(0.05)


def ids(address: str, where: str) -> list[str]:
    with urlopen(f"{address}api/runs?sort=name&where={quote(where)}", timeout=10) as answer:
        return [row["id"] for row in json.loads(answer.read())["rows"]]


@pytest.fixture
def page(address, browse):
    """page("runs?sort=name") -> the DOM of that page when it is whole."""
    return lambda path: browse(f"{address}#/{path}", "--dump-dom", WAIT)


def text(dom: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", dom.partition("<main")[2])).split())


def test_every_run_is_listed_with_its_state_and_what_it_came_to(page):
    dom = page("runs")
    shown = text(dom)
    assert "4 runs" in shown
    assert [name for name in ("dim 16", "dim 32", "too fast", "failed", "finished", "0.3") if name not in shown] == []
    assert shown.count("SIMULATED") == 1


def test_a_name_with_markup_stays_text(page):
    dom = page("runs")
    assert MARKUP in unescape(dom.partition("<main")[2])
    assert "<img" not in dom
    assert "<title>Runs · The lab</title>" in dom


def test_the_address_holds_the_view(page):
    dom = page("runs?where=dim%20%3E%2016&columns=dim&sort=-dim")
    assert "1 of 4 runs" in text(dom)
    assert re.search(r'<th[^>]*aria-sort="descending"[^>]*><button[^>]*>dim ↓', dom)


def test_a_condition_that_cannot_be_read_is_told_under_the_box(page):
    dom = page("runs?where=ndcg_at_1%20%3E%200")
    assert "no run has 'ndcg_at_1'; near it: ndcg_at_10" in text(dom)
    assert 'aria-invalid="true"' in dom


def test_groups_are_folded_with_their_best(page):
    dom = page("runs?group=group&columns=ndcg_at_10")
    assert dom.count('aria-expanded="false"') == 2
    assert re.search(r"dims .* 2 runs 0\.3 mean 0\.25", text(dom))


def test_a_run_shows_curves_tables_pictures_and_sounds(page, address):
    dom = page(f"run/{ids(address, 'dim==32')[0]}")
    assert len(re.findall(r'<path class="line" d="M[^"]{100,}', dom)) == 2
    assert "cohort n new 7" in text(dom)
    assert re.search(r'<audio[^>]*controls[^>]*src="/api/runs/[^"]+\.wav"', dom)
    assert re.search(r'<img src="/api/runs/[^"]+\.svg" alt="a curve"', dom)
    assert "dim 16" in text(dom)  # of its group


def test_a_run_that_failed_says_why(page, address):
    failed = ids(address, "state=='failed'")[0]
    assert "It failed. ValueError: the loss is nan" in text(page(f"run/{failed}"))


def test_runs_side_by_side(page, address):
    dom = page(f"compare?ids={','.join(ids(address, 'dim>0'))}")
    shown = text(dom)
    assert "2 runs side by side" in shown
    assert "0.2 0.3 +0.1 (+50%)" in shown
    assert len(re.findall(r'<path class="line" d="M[^"]{100,}', dom)) == 4
    assert dom.count('class="point"') == 2


def test_the_catalogue_draws_what_reads_what(page):
    dom = page("catalogue")
    assert dom.count('<g class="node') >= 3
    assert "GET /v1/users/{user_id}/surfaces/{surface}" in text(dom) or "/surfaces/" in text(dom)
    assert 'class="edge"' in dom


def test_a_page_that_is_not_there_says_so(page):
    assert "There is no page" in text(page("nothing"))


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
@pytest.mark.parametrize("path", ["runs", "catalogue"])
def test_a_picture_of_it_is_no_empty_sheet(address, browse, tmp_path: Path, path, width, height):
    picture = tmp_path / "page.png"
    browse(f"{address}#/{path}", f"--screenshot={picture}", f"--window-size={width},{height}", WAIT)
    data = picture.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (width, height)
    assert len(data) > 20_000
