"""Claims about words that were typed."""

from unicodedata import combining, normalize

from palate.evaluation.claims.facts import Facts
from palate.evaluation.claims.registry import Evidence, Said, differs


def named_like(one: Evidence, said: Said, facts: Facts) -> str | None:
    """Every typed word begins a word of the item's names, or would but for one letter; of a shelf, `found` items."""
    if said.item_id is None:
        return differs("found", one["found"], len(said.item_ids))
    item = facts.item(said.item_id)
    names = [item.title or str(item.item_id), *item.artists, item.collection or ""]
    if "name" in one and one["name"] not in names:
        return f"{said.item_id} is not of {one['name']}"
    there = [word for name in names for word in _words(name)]
    missing = next((word for word in _words(one["words"]) if not any(_begins(word, other) for other in there)), None)
    return None if missing is None else f"nothing in its names is like {missing!r}"


def _words(text: str) -> list[str]:
    """Without case and accents."""
    plain = (c for c in normalize("NFKD", text.casefold()) if not combining(c))
    return "".join(c if c.isalnum() else " " for c in plain).split()


def _begins(typed: str, word: str) -> bool:
    """Whether a word begins as typed, one letter changed, left out or put in."""
    if word.startswith(typed):
        return True
    same = next((place for place, (a, b) in enumerate(zip(typed, word, strict=False)) if a != b), len(word))
    rest, other = typed[same:], word[same:]
    return len(typed) > 2 and (
        other[1:].startswith(rest[1:]) or other.startswith(rest[1:]) or other[1:].startswith(rest)
    )
