"""The page in a real browser: what it shows, and that a title with markup in it stays text."""

import re
import struct
from html import unescape

import pytest

from api.homes import MARKED, MARKUP
from app.driven import driven

pytestmark = pytest.mark.slow

WAIT = "--virtual-time-budget=10000"  # the browser's own clock: until the page's requests have been answered


def text_of(dom: str, name: str) -> str:
    """The markup inside the element with this id, up to the next element that has one."""
    return dom.partition(f'id="{name}"')[2].partition(" id=")[0]


@pytest.fixture
def dom(served, browse) -> str:
    """The page of one listener, with the panel of what is similar to the item whose title is markup."""
    user = served.get("/v1/users?n=1")["users"][0]
    return browse(f"{served.address}/?user={user}&surface=for_you&similar={MARKED}", "--dump-dom", WAIT)


def test_it_shows_the_slate_and_the_listens_of_the_listener(served, dom):
    user = served.get("/v1/users?n=1")["users"][0]
    for part, path in (("slate", "surfaces/for_you?n=20"), ("heard", "listens?n=20")):
        answer = served.get(f"/v1/users/{user}/{path}")
        shown = unescape(text_of(dom, part))
        titles = [item["title"] for item in answer.get("items", answer.get("listens"))]
        assert titles
        assert [title for title in titles if title not in shown] == []
    assert f"For you for {user}" in dom


def test_home_shows_every_shelf_with_its_title_its_reason_and_its_items(served, browse):
    user = served.get("/v1/users?n=1")["users"][0]
    shown = unescape(text_of(browse(f"{served.address}/?user={user}", "--dump-dom", WAIT), "shelves"))
    shelves = served.get(f"/v1/users/{user}/surfaces/home?n=60")["shelves"]
    assert len(shelves) > 3
    for shelf in shelves:
        for text in (shelf["title"], shelf["reason"], *(item["title"] for item in shelf["items"])):
            assert text in shown
    assert shown.count("<h3>") == len(shelves)


def test_the_surface_is_chosen_by_the_address_and_by_the_list(served, chromium, tmp_path):
    user = served.get("/v1/users?n=1")["users"][0]
    with driven(chromium, tmp_path / "profile") as page:
        page.size(390, 844)
        page.open(f"{served.address}/?user={user}&surface=dj")
        page.wait("document.querySelectorAll('#shelves h3').length > 2")
        assert page.value("document.querySelector('#surface').value") == "dj"
        assert page.value("document.documentElement.scrollWidth <= 390"), "shelves scroll, the page does not"
        page.value("(() => { const s = document.querySelector('#surface'); s.value = 'for_you';"
                   " s.dispatchEvent(new Event('change')); })()")  # fmt: skip
        page.wait("document.querySelectorAll('#slate > li').length === 20 && !document.querySelector('#slate').hidden")
        assert "surface=for_you" in page.value("location.search")


def test_it_says_that_nobody_here_is_real(dom):
    banner = re.search(r'<p id="simulated"[^>]*>([^<]*)</p>', dom)
    assert banner is not None
    assert "hidden" not in banner[0]
    assert banner[1] == "Simulated world: nobody here is real"


def test_a_title_with_markup_stays_text(dom):
    title = re.search(r'<h2 id="panel-title"[^>]*>(.*?)</h2>', dom, re.DOTALL)
    assert title is not None
    assert unescape(title[1]) == f"Similar to {MARKUP}"
    assert "<title>Palate</title>" in dom
    assert "<img" not in dom


def test_a_new_listener_is_a_stranger(served, browse):
    dom = browse(f"{served.address}/?user=nobody%20yet&surface=for_you", "--dump-dom", WAIT)
    assert "A stranger: this is what others here listen to." in dom
    assert "Nothing yet. Play something." in dom
    assert text_of(dom, "slate").count("<li") == 20


def test_docs_need_no_script(served, browse):
    assert "POST /v1/events" in browse(f"{served.address}/docs", "--dump-dom")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_it_fits_a_phone_and_a_desktop(served, browse, tmp_path, width, height):
    picture = tmp_path / "page.png"
    browse(f"{served.address}/", f"--screenshot={picture}", f"--window-size={width},{height}", WAIT)
    data = picture.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (width, height)
    assert len(data) > 10_000  # more than an empty sheet
