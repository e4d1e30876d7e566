"""The raters' page in a real browser: joining, hearing both, answering by thumb and by key, coming back, thanks."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from api.servers import free_port
from app.driven import Page, driven
from lab.listening_tests.made import a_home, a_test
from lab.listening_tests.sounds import write_folder
from palate.core.home import Home
from palate.lab.listening_tests.design import Case
from palate.lab.listening_tests.making import Asked, new_test
from palate.lab.listening_tests.shelf import make, open_test

pytestmark = pytest.mark.slow

MARKUP = "<img src=x onerror=\"document.title='injected'\">"
COUNT = "document.querySelector('.count')?.textContent"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return a_home(tmp_path / "home")


@pytest.fixture
def page(chromium: str, tmp_path: Path) -> Iterator[Page]:
    with driven(chromium, tmp_path / "profile") as page:
        page.size(390, 844)
        yield page


@contextmanager
def served(home: Home, name: str) -> Iterator[str]:
    """The link that the command prints, while it serves."""
    command = [sys.executable, "-m", "palate.cli.main", "--home", str(home.root), "lab", "listen", "serve", name]
    command += ["--host", "127.0.0.1", "--port", str(free_port()), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def begin(page: Page, address: str) -> None:
    """Opens the link as soon as the server answers, and joins."""
    for _ in range(100):
        page.open(address)
        page.wait("document.readyState === 'complete'")
        if page.value("Boolean(document.querySelector('#page'))"):
            break
    page.click("button.next")
    page.wait(COUNT)


def slates(home: Home, **changes: object):
    test = a_test(cases=3, per_rater=3)
    marked = [Case(case.id, case.stimuli, ((MARKUP, "& co"),)) for case in test.cases]
    return make(home, replace(test, cases=tuple(marked), simulated=True, **changes), {})


def test_slates_are_answered_by_key_and_answers_are_on_disk_at_the_thanks(home, page, tmp_path):
    shelved = slates(home)
    with served(home, "made") as address:
        begin(page, address)
        assert page.value("document.querySelector('#simulated').hidden") is False
        assert page.value("document.title") == "Listening test"
        assert MARKUP in page.value("document.querySelector('.context').textContent")
        for choice, sure in ("1g", "2c", "0f"):
            page.key(choice)
            page.key(sure)
        page.wait("document.querySelector('#saving')?.textContent.startsWith('All your answers are saved')")
        assert page.value("document.querySelector('h1').textContent") == "Thank you"
    kept = shelved.book.answers()
    assert [(one.value, one.sure) for one in kept] == [(("left",), 1), (("right",), 3), (("same",), 2)]


def test_a_rater_goes_back_changes_an_answer_and_comes_again(home, page):
    shelved = slates(home)
    with served(home, "made") as address:
        begin(page, address)
        page.key("1")
        page.key("c")
        page.wait(f"{COUNT}.startsWith('2 of 3')")
        page.click(".top button")
        page.wait(f"{COUNT}.startsWith('1 of 3')")
        assert page.value("document.querySelector('[aria-pressed=true]').textContent").startswith("A is better")
        page.key("2")
        page.key("g")
        page.wait(f"{COUNT}.startsWith('2 of 3')")
        page.wait("Object.keys(localStorage).length === 1")  # the rater's id; no answer waits
        page.open(address.partition("?")[0])
        page.wait(f"{COUNT}?.startsWith('2 of 3')")
    assert [(one.value, one.sure) for one in shelved.book.answers()] == [(("right",), 1)]


def test_answers_wait_for_the_server_and_arrive_once(home, page):
    shelved = slates(home)
    with served(home, "made") as address:
        begin(page, address)
        page.call("Network.enable")
        page.call(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        for _ in range(3):
            page.key("1")
            page.key("c")
        page.wait("document.querySelector('#saving')?.textContent.includes('3 not saved yet')")
        assert shelved.book.answers() == []
        page.call(
            "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        page.wait("document.querySelector('#saving')?.textContent.startsWith('All your answers are saved')")
    assert len(shelved.book.answers()) == 3
    assert len((shelved.folder / "answers.jsonl").read_bytes().splitlines()) == 3


def test_both_sounds_are_heard_before_an_answer_and_one_stops_the_other(home, page, tmp_path):
    folder = write_folder(tmp_path / "in", cases=1, seconds_each=0.4)
    shelved = new_test(home, "sounds", Asked(folder=folder, conditions=("reference", "clicks")), None)
    state = "document.querySelectorAll('.play')[{}].dataset.state"
    with served(home, "sounds") as address:
        begin(page, address)
        page.key("1")
        assert page.value("document.querySelector('.choices button').disabled") is True
        page.click(".play:nth-child(1)")
        page.wait(f"{state.format(0)} === 'playing'")
        page.click(".play:nth-child(2)")
        page.wait(f"{state.format(1)} === 'playing' && {state.format(0)} !== 'playing'")
        page.wait(f"{state.format(1)} === 'heard'")
        assert page.value(state.format(0)) == "new"
        page.key("a")
        page.wait(f"{state.format(0)} === 'heard'")
        page.click(".choices button:nth-child(3)")
        page.click(".choices + .choices button:nth-child(3)")
        page.wait("document.querySelector('h1').textContent === 'Thank you'")
        page.wait("document.querySelector('#saving').textContent.startsWith('All')")
    answer = shelved.book.answers()[0]
    assert (answer.value, answer.sure) == (("right",), 3)
    assert min(answer.heard_seconds) >= 0.9 * 1.6


def test_a_rating_needs_every_slider(home, page):
    make(home, a_test("rating", cases=1), {})
    with served(home, "made") as address:
        begin(page, address)
        move = (
            "s = document.querySelectorAll('input[type=range]')[{}]; s.value = {}; s.dispatchEvent(new Event('input'))"
        )
        for place, value in enumerate((10, 20)):
            page.value(move.format(place, value))
        assert page.value("document.querySelector('.next').disabled") is True
        page.value(move.format(2, 90))
        page.click(".next")
        page.wait("document.querySelector('#saving')?.textContent.startsWith('All your answers are saved')")
    assert open_test(home, "made").book.answers()[0].value == (10.0, 20.0, 90.0)


def test_questions_are_answered_one_by_one(home, page):
    make(home, a_test("questions", cases=1, conditions=("ours",), questions=("Good?", "Long?")), {})
    with served(home, "made") as address:
        begin(page, address)
        for key in ("1", "0", "Enter"):
            page.key(key)
        page.wait("document.querySelector('#saving')?.textContent.startsWith('All your answers are saved')")
    assert open_test(home, "made").book.answers()[0].value == ("yes", "no")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_it_fits_a_phone_and_a_desk(home, page, tmp_path, width, height):
    slates(home)
    page.size(width, height)
    with served(home, "made") as address:
        begin(page, address)
        assert page.value("document.documentElement.scrollWidth") == width
        sizes = page.value(
            "[...document.querySelectorAll('.dock button')].map((b) => b.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 48  # a thumb
        assert page.value("document.querySelector('.dock').getBoundingClientRect().bottom") <= height
        page.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_a_link_without_its_token_says_so(home, page):
    slates(home)
    with served(home, "made") as address:
        page.open(address.partition("?")[0])
        page.wait("document.querySelector('.problem[role=alert]')?.textContent.includes('not complete')")
