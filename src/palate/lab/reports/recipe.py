"""The recipe of a report: Markdown that people edit, with fenced blocks that are filled from runs.

    ---
    runs:
        20260301-101112-345-a1b2-train  # dim 64
        20260301-111213-456-c3d4-train  # dim 128
    ---
    # Which size of taste

    Text, as in any Markdown.

    ```plot
    curves: loss, ndcg_at_10
    ```

Between the --- stands what holds for the whole report: its runs, by id, so that a later run does not change an old
report. In a block a line is `key: value`; an indented line goes on with the value above it; a line that begins with #
is a remark.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from palate.core.errors import BadInput, MissingExtra

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

CHOOSING = ("runs", "where", "sort", "limit", "caption")  # keys that every block understands
KEYS: dict[str, tuple[str, ...]] = {
    "runs": (*CHOOSING, "columns"),
    "compare": (*CHOOSING, "columns"),
    "plot": (*CHOOSING, "curves", "x", "y", "bars", "log"),
    "table": (*CHOOSING, "name", "columns", "rows"),
    "image": (*CHOOSING, "name"),
    "audio": (*CHOOSING, "name"),
    "importance": (*CHOOSING, "name", "kind", "top"),
}
WITH_WORDS = ("table", "image", "audio", "importance")  # blocks that may say RUN NAME beside their kind
FRONT_KEYS = ("runs", "audio_mb")
AUDIO_MB = 20.0  # mails of more are refused by most hosts


@dataclass(frozen=True)
class Entry:
    """One value of a block: its parts, split at commas and line ends, each with its line."""

    text: str
    line: int
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Block:
    """A block of `kind` at a line of a file, with what it says under each key."""

    kind: str
    path: Path
    line: int
    entries: dict[str, Entry] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        """The value under a key."""
        return self.entries[key].text if key in self.entries else default

    def names(self, key: str) -> list[str]:
        """The value as a list: parts between commas."""
        return [part for part, _ in self.entries[key].parts] if key in self.entries else []

    def count(self, key: str, default: int) -> int:
        """The value as a whole number of at least 1."""
        text = self.text(key, str(default))
        if not text.isdecimal() or int(text) < 1:
            raise self.wrong(f"{key}: {text!r} must be a whole number of at least 1", key)
        return int(text)

    def wrong(self, sentence: str, key: str | None = None) -> BadInput:
        """The error that names file and line of a key, or of the block."""
        return BadInput(f"{self.path}:{self.entries[key].line if key in self.entries else self.line}: {sentence}")


@dataclass(frozen=True)
class Recipe:
    """A recipe, read: what holds for all of it, and its text as tokens with the blocks by their place among them."""

    path: Path
    source: str
    front: Block
    tokens: "list[Token]"
    blocks: dict[int, Block]

    @property
    def audio_mb(self) -> float:
        """How many megabytes of sound the page may hold."""
        text = self.front.text("audio_mb", str(AUDIO_MB))
        try:
            limit = float(text)
        except ValueError:
            limit = 0.0
        if not 0.0 < limit < float("inf"):
            raise self.front.wrong(f"audio_mb: {text!r} must be a number of megabytes above 0", "audio_mb")
        return limit


def markdown() -> "MarkdownIt":
    """The reader of Markdown: CommonMark and tables; HTML in it stays text, and links cannot run anything."""
    try:
        from markdown_it import MarkdownIt
    except ModuleNotFoundError as error:
        raise MissingExtra("markdown-it-py", "lab") from error
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe; BadInput names the file and the line of what cannot be understood."""
    try:
        source = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
    lines = source.splitlines()
    front, body_from = _front(lines, path)
    # Lines of the front stay as empty ones, so that every token knows its line in the file.
    tokens = markdown().parse("\n".join([""] * body_from + lines[body_from:]))
    blocks = {}
    for place, token in enumerate(tokens):
        if token.type == "fence" and token.map and token.level == 0:
            block = _block(token.info, token.content, token.map[0] + 1, path)
            if block is not None:
                blocks[place] = block
        elif token.type == "fence" and token.map and token.info.split(" ")[0] in KEYS:
            raise BadInput(
                f"{path}:{token.map[0] + 1}: a block inside a list or quotation is not filled; move it to the left edge"
            )
    return Recipe(path, source, front, tokens, blocks)


def _front(lines: Sequence[str], path: Path) -> tuple[Block, int]:
    """What stands between --- at the top, and how many lines that takes."""
    if not lines or lines[0].rstrip() != "---":
        return Block("front", path, 1), 0
    end = next((place for place, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        raise BadInput(f"{path}:1: the --- at the top has no second one; close it after the lines `key: value`")
    return Block("front", path, 1, _entries(lines[1:end], 2, "---", FRONT_KEYS, path)), end + 1


def _block(info: str, content: str, line: int, path: Path) -> Block | None:
    """The block that a fence is; None for code of some language."""
    kind, _, words = info.strip().partition(" ")
    if kind not in KEYS:
        near = difflib.get_close_matches(kind, KEYS, n=1, cutoff=0.8)
        if near:
            raise BadInput(f"{path}:{line}: ```{kind} is no block; did you mean ```{near[0]}?")
        return None
    entries = _entries(content.splitlines(), line + 1, f"```{kind}", KEYS[kind], path)
    if words.strip():
        if kind not in WITH_WORDS:
            raise BadInput(f"{path}:{line}: {words.strip()!r} stands beside ```{kind}; write `key: value` below it")
        run, _, name = words.strip().partition(" ")
        told = {"runs": run} | ({"name": name.strip()} if name.strip() else {})
        for key, text in told.items():
            if key in entries:
                raise BadInput(f"{path}:{entries[key].line}: {key} stands beside ```{kind} already; say it once")
            entries[key] = Entry(text, line, ((text, line),))
    return Block(kind, path, line, entries)


def _entries(lines: Sequence[str], first: int, where: str, known: Sequence[str], path: Path) -> dict[str, Entry]:
    found: dict[str, list[tuple[str, int]]] = {}
    begun: dict[str, int] = {}
    key = ""
    for number, line in enumerate(lines, first):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] in " \t" and key:
            found[key].append((line.strip(), number))
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            raise BadInput(f"{path}:{number}: {line.strip()!r} is not `key: value`")
        if key not in known:
            raise BadInput(f"{path}:{number}: {where} knows no {key!r}; choose from {', '.join(known)}")
        if key in found:
            raise BadInput(f"{path}:{number}: {key} was given in line {begun[key]} already; say it once")
        found[key], begun[key] = ([(value, number)] if value else []), number
    return {key: _entry(key, pieces, begun[key]) for key, pieces in found.items()}


def _entry(key: str, pieces: list[tuple[str, int]], line: int) -> Entry:
    # Behind the id of a run a remark may say which one it is; elsewhere a # may belong to the value.
    told = [(text.partition("#")[0] if key == "runs" else text, number) for text, number in pieces]
    parts = tuple((part.strip(), number) for text, number in told for part in text.split(",") if part.strip())
    return Entry(" ".join(text for text, _ in told).strip(), line, parts)
