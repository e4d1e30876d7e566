"""What a browser gets: files that need no other host, and /docs without a script."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from palate.api.app import create_app
from palate.api.routes.pages import FOLDER, listing
from palate.api.settings import ServerSettings

from .homes import TestClient

FILES = ("index.html", "palate.css", "palate.js")


class Tags(HTMLParser):
    """Collects the attributes of every tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {name: Path(str(FOLDER / name)).read_text(encoding="utf-8") for name in FILES}


def test_nothing_names_another_host(client, texts):
    for text in [*texts.values(), client.get("/docs").text]:
        assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text) == []


def test_the_page_and_its_files_are_served_as_they_are(client, texts):
    kinds = {"/": "text/html", "/page/palate.css": "text/css", "/page/palate.js": "text/javascript"}
    for path, name in zip(kinds, FILES, strict=True):
        answer = client.get(path)
        assert answer.text == texts[name]
        assert answer.headers["content-type"] == f"{kinds[path]}; charset=utf-8"


def test_the_policy_allows_what_the_page_uses(texts):
    tags = Tags(texts["index.html"]).found
    assert [
        tag for tag, attributes in tags if any(name == "style" or name.startswith("on") for name in attributes)
    ] == []
    assert [attributes.get("src") for tag, attributes in tags if tag == "script"] == ["/page/palate.js"]
    assert "style" not in [tag for tag, _ in tags]


def test_the_script_puts_in_text_and_never_markup(texts):
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", texts["palate.js"]) == []


def test_every_place_that_the_script_writes_to_is_on_the_page(texts):
    there = {attributes["id"] for _, attributes in Tags(texts["index.html"]).found if "id" in attributes}
    named = re.findall(r'(?:\bat|fill)\("([\w-]+)"', texts["palate.js"])
    assert len(named) > 10
    assert set(named) <= there


def test_every_field_has_a_label_and_headings_do_not_skip(texts):
    tags = Tags(texts["index.html"]).found
    labelled = {attributes["for"] for tag, attributes in tags if tag == "label"}
    assert {attributes["id"] for tag, attributes in tags if tag == "input"} == labelled
    assert [tag for tag, _ in tags if re.fullmatch(r"h\d", tag)] == ["h1", "h2", "h2", "h2"]


def test_docs_list_every_route_of_the_document(client):
    text, document = client.get("/docs").text, client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            assert f"<code>{verb.upper()} {path}</code>" in text
            assert operation["description"], f"{verb} {path} has no docstring"
    assert "<script" not in text


def test_docs_escape_what_they_show():
    operation = {"description": "<b>", "parameters": [{"name": "<i>", "in": "query", "required": True}]}
    shown = listing({"paths": {"/<u>": {"get": operation}}})
    assert not {"<b>", "<i>", "<u>"} & set(re.findall(r"<\w>", shown))


def test_without_the_page_the_rest_is_served(home):
    with TestClient(create_app(home, settings=ServerSettings(page=False))) as client:
        assert client.get("/").status_code == 404
        assert client.get("/docs").status_code == 200
        assert client.get("/v1/home").status_code == 200
