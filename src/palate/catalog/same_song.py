"""Which items are the same song: a remaster, a single version or a clean cut is; a live take or a remix is another.

From titles alone, by rules that a table of titles tests. `song_codes` looks at tracks of one first artist.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# What a title may add without becoming another recording to a listener: every word is one of these, and one of them
# is of the first list. "live", "remix", "acoustic", "demo", "extended" and whatever is not here make another.
_SAYS = frozenset(re.findall(r"\w+", """
    remaster remasters remastered remastering version edition mono stereo single album edit explicit clean bonus deluxe
    official video audio lyric lyrics original
"""))  # fmt: skip
_ALSO = frozenset(re.findall(r"\w+", """
    digital digitally re lp ep radio track expanded anniversary special music visualizer visualiser hq hd 4k the in and
"""))  # fmt: skip
_NUMBER = re.compile(r"\d{4}|\d+(?:st|nd|rd|th)")
_YEAR_MIX = re.compile(r"\d{4} (?:stereo )?mix")  # a house's new mix of an old tape; any other mix is somebody's own
_GUEST = re.compile(r"(?:feat\.?|ft\.?|featuring|with)\s.+|from\s.*(?:soundtrack|motion picture|musical|movie|film).*")
_GUEST_AT_END = re.compile(r"\s(?:feat\.|feat|ft\.|ft|featuring)\s[^()\[\]]+?(?=\s-\s|\s*[(\[]|$)")
_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_ADDS = re.compile(r"[(\[]|\s-\s|\b(?:feat|ft|featuring)\b")
_LOOSE = re.compile(r"[^\w\s]|_")


def song_key(title: str) -> str:
    """The title as the song's name: what stays without guests, remasters, editions, case and punctuation.

    >>> song_key("Here Comes the Sun - Remastered 2009"), song_key("Here Comes The Sun (Live)")
    ('here comes the sun', 'here comes the sun live')
    """
    text = unicodedata.normalize("NFKC", title).casefold().strip()
    if _ADDS.search(text):
        text = _BRACKETS.sub(_other_in_brackets, _GUEST_AT_END.sub("", text))
        first, *rest = re.split(r"\s+[-–]\s+", text)
        text = " ".join([first, *(part for part in rest if not _is_same(part))])
    return " ".join(_LOOSE.sub(" ", text.replace("'", "").replace("’", "").replace("&", " and ")).split())


def song_codes(titles: Sequence[str | None], artist: NDArray[np.int32], track: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(n,) int32, equal for the same song; -1 for what has no title or no artist, or is no track.

    titles by row; artist # (n,) codes of the first artist, -1 unknown; track # (n,) what may be a song. An
    episode named like another is another.
    """
    codes, known = np.full(len(titles), -1, np.int32), dict[tuple[int, str], int]()
    for row in np.flatnonzero((artist >= 0) & track).tolist():
        title = titles[row]
        if title and (key := song_key(title)):
            codes[row] = known.setdefault((int(artist[row]), key), len(known))
    return codes


def _is_same(part: str) -> bool:
    """Whether an addition leaves the recording what it was; one of several parts may say that it does not."""
    if _GUEST.fullmatch(part.strip()):
        return True
    words = _LOOSE.sub(" ", part).split()
    if "mix" in words or not words:
        return bool(_YEAR_MIX.fullmatch(" ".join(words)))
    known = all(word in _SAYS or word in _ALSO or _NUMBER.fullmatch(word) for word in words)
    return known and not _SAYS.isdisjoint(words)


def _other_in_brackets(found: re.Match[str]) -> str:
    return "" if _is_same(found[1]) else f" {found[1]}"
