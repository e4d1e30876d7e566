"""A page as a strict reader sees it: every element closed where it should be, and its words."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Element:
    """An element with its attributes and all words inside."""

    name: str
    attributes: dict[str, str | None]
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words, with single spaces."""
        return " ".join("".join(self.words).split())


class Page(HTMLParser):
    """Fails on an element that is closed twice, never, or in the wrong order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {[one.name for one in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice on {tag}"
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(self.elements[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Markdown writes <hr /> and <br />."""
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Closes the innermost element."""
        assert self._open, f"{tag} is closed but none is open"
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        """Gives words to all that are open."""
        for element in self._open:
            element.words.append(data)

    def all(self, name: str) -> list[Element]:
        """The elements of a name."""
        return [one for one in self.elements if one.name == name]

    def rows(self) -> list[list[str]]:
        """The cells of every row of every table."""
        rows: list[list[str]] = []
        for one in self.elements:
            if one.name == "tr":
                rows.append([])
            elif one.name in ("td", "th"):
                rows[-1].append(one.text)
        return rows
