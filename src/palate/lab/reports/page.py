"""The page of a report: one HTML file that needs no script, no network and no other file: to keep, mail and print."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from importlib.resources import files
from typing import TYPE_CHECKING, TypeGuard

from palate.core.errors import BadInput
from palate.core.markup import Html, joined, tag
from palate.lab.book import Book, RunInfo
from palate.lab.plots.frame import safe
from palate.lab.reports.blocks import FILLED
from palate.lab.reports.material import Material, labels
from palate.lab.reports.pieces import moment, table, took
from palate.lab.reports.recipe import Block, Recipe, markdown

if TYPE_CHECKING:
    from markdown_it.token import Token

# The browser itself refuses scripts and every address: names in a report come from outside.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
)


def page(recipe: Recipe, book: Book, name: str) -> tuple[str, list[RunInfo]]:
    """The whole page as HTML, and the runs that it shows. The same recipe and runs give the same page.

    name: of the report, for the command that makes it again. Every text is escaped. BadInput names file and line of
    what cannot be filled; Corrupt where a table of a run is damaged.
    """
    material = Material(book, recipe)
    title, sections = _sections(recipe, material)
    shown = list(material.used.values())
    simulated = any(info.about.get("simulated") for info in shown)
    body = tag(
        "body",
        _band() if simulated else None,
        tag("header", tag("h1", title or name), class_="masthead"),
        tag("main", *sections, _certificate(shown, recipe, name)),
        class_="simulated" if simulated else None,
    )
    whole = joined(Html("<!doctype html>\n"), tag("html", _head(_plain(title) or name), body, lang="en"), "\n")
    return whole.encode("utf-8", "replace").decode("utf-8"), shown


def title_of(recipe: Recipe) -> str:
    """The first heading of level one as plain text; "" without one."""
    return next((_plain(_rendered([one.words], recipe)) for one in _chunks(recipe) if _is_title(one)), "")


@dataclass(frozen=True)
class _Heading:
    level: str  # h1 or h2
    words: "Token"


def _is_title(chunk: "_Heading | Block | list[Token]") -> TypeGuard[_Heading]:
    return isinstance(chunk, _Heading) and chunk.level == "h1"


def _chunks(recipe: Recipe) -> "Iterator[_Heading | Block | list[Token]]":
    """The recipe in its order: headings of level one and two, blocks, and the text between them."""
    waiting: list[Token] = []
    tokens = iter(enumerate(recipe.tokens))
    for place, token in tokens:
        is_heading = token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2")
        if not is_heading and place not in recipe.blocks:
            waiting.append(token)
            continue
        if waiting:
            yield waiting
            waiting = []
        if is_heading:
            yield _Heading(token.tag, next(tokens)[1])
            next(tokens)  # its end
        else:
            yield recipe.blocks[place]
    if waiting:
        yield waiting


def _sections(recipe: Recipe, material: Material) -> tuple[Html, list[Html]]:
    """(title, sections): the text with its blocks filled, cut at headings."""
    title: Html | None = None
    parts: list[tuple[Html | None, list[Html]]] = [(None, [])]
    for chunk in _chunks(recipe):
        if isinstance(chunk, Block):
            parts[-1][1].append(tag("div", FILLED[chunk.kind](chunk, material), class_="block"))
        elif isinstance(chunk, list):
            parts[-1][1].append(_rendered(chunk, recipe))
        elif title is None and _is_title(chunk):
            title = _rendered([chunk.words], recipe)
        else:
            parts.append((_rendered([chunk.words], recipe), []))
    return title or Html(""), [_section(head, content) for head, content in parts if head or content]


def _section(head: Html | None, content: Sequence[Html]) -> Html:
    heading = tag("header", tag("h2", head) if head else None)
    return tag("section", heading, tag("div", *content, class_="body"), class_=None if head else "lead")


def _rendered(tokens: "list[Token]", recipe: Recipe) -> Html:
    """Ordinary Markdown. Pictures from elsewhere would need a network, so they are an error."""
    line = 1
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        for child in token.children or ():
            if child.type == "image":
                raise BadInput(
                    f"{recipe.path}:{line}: the picture {child.attrGet('src')!r} would have to be fetched; "
                    "log it in a run (palate.core.recording.Image) and show it with ```image"
                )
    reader = markdown()
    return Html(safe(reader.renderer.render(tokens, reader.options, {})))


def _plain(title: Html) -> str:
    """A heading's words without its elements."""
    return unescape(re.sub(r"<[^>]*>", "", title))


def _head(title: str) -> Html:
    style = files("palate.lab.reports").joinpath("page.css").read_text(encoding="utf-8")
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", safe(title)),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
    )


def _band() -> Html:
    """Says that nobody here is real, on the screen at all times and on paper at the top."""
    return tag(
        "p", tag("strong", "SIMULATED"), " Nobody here is real: these numbers say nothing about people.", class_="band"
    )


def _certificate(infos: Sequence[RunInfo], recipe: Recipe, name: str) -> Html:
    """Where every number comes from, and how to make the page again. What holds for all runs is said once."""
    called = labels(infos)
    facts = [_birth(info, called[info.id]) for info in infos]
    told = [key for key in facts[0] if any(one[key] is not None for one in facts)] if facts else []
    common = [key for key in told if len(facts) > 1 and len({one[key] for one in facts}) == 1]
    own = [key for key in told if key not in common]
    same = [tag("div", tag("dt", key), tag("dd", safe(facts[0][key]))) for key in common]
    return tag(
        "section",
        tag("header", tag("h2", "Where this comes from")),
        tag(
            "div",
            table(own, [[one[key] for key in own] for one in facts]) if facts else None,
            joined(tag("h4", "The same for all of them"), tag("dl", *same, class_="facts")) if same else None,
            tag("p", "To make this page again, in the home that holds these runs:"),
            tag("pre", tag("code", f"palate lab report {name}")),
            tag("details", tag("summary", "The recipe"), tag("pre", tag("code", safe(recipe.source))), class_="screen"),
            class_="body",
        ),
        class_="certificate",
    )


def _birth(info: RunInfo, called: str) -> dict[str, str | None]:
    about = info.about

    def short(key: str, letters: int = 60) -> str | None:
        return None if about.get(key) is None else str(about[key])[:letters]

    return {
        "run": joined(safe(called), tag("span", info.id, class_="note")),
        "job": info.job, "state": info.state, "started (UTC)": moment(info.created),
        "took": took(info),
        "data": short("data", 16), "space": short("space"), "seed": short("seed") or short("seeds"),
        "palate": short("palate"), "commit": short("commit", 12), "machine": short("machine"),
    }  # fmt: skip
