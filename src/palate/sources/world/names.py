"""The tables of the simulated world: its genres, places, habits and invented words. Nothing here is about real people.

Shares and levels are chosen, not measured: plausible enough that a screen filled from them reads like a music app.
"""

from dataclasses import dataclass

import numpy as np

from palate.sources.world.draws import Draws, Floats


@dataclass(frozen=True, slots=True)
class Genre:
    """A genre: `share` of listeners' tastes, and of its tracks the shares without words and with explicit ones."""

    name: str
    share: float
    instrumental: float
    explicit: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subgenre:
    """What most of its tracks are like: tempo in beats a minute, energy and valence in 0..1."""

    name: str
    genre: int
    tempo_bpm: float
    energy: float
    valence: float


_GENRES = """
pop       | .15 | .02 | .10 | heart mirror lipstick summer polaroid
rock      | .13 | .05 | .08 | highway thunder engine wire skyline
hip hop   | .13 | .10 | .45 | corner crown pavement chain receipt
electronic| .11 | .55 | .03 | pulse circuit neon signal voltage
soul      | .09 | .05 | .06 | velvet honey Sunday ember candle
latin     | .08 | .05 | .12 | luna plaza mango carnival coast
jazz      | .07 | .60 | .01 | midnight alley cigarette brass rain
metal     | .06 | .10 | .12 | iron raven ash throne abyss
classical | .05 | .92 | .00 | prelude nocturne variation étude elegy
folk      | .05 | .15 | .01 | river orchard lantern harvest crow
ambient   | .04 | .95 | .00 | horizon glacier drift static tide
reggae    | .04 | .08 | .05 | lion shoreline roots thunderhead sunrise
"""
_SUBGENRES = """
pop       : synth pop 118 .66 .60, dance pop 124 .78 .70, singer-songwriter 98 .38 .42, bedroom pop 104 .42 .48
rock      : indie rock 122 .68 .52, hard rock 130 .85 .50, psychedelic rock 108 .58 .46, punk 168 .92 .55
hip hop   : boom bap 92 .62 .50, trap 140 .66 .38, conscious hip hop 90 .58 .46, lo-fi hip hop 78 .26 .44
electronic: house 124 .78 .62, techno 132 .82 .36, drum and bass 174 .88 .42, downtempo 92 .34 .40
soul      : northern soul 126 .70 .76, neo soul 84 .42 .52, funk 110 .76 .82, contemporary r&b 96 .50 .48
latin     : salsa 180 .80 .86, bossa nova 128 .26 .60, reggaeton 94 .78 .72, cumbia 98 .68 .80
jazz      : bebop 190 .58 .56, cool jazz 108 .28 .44, swing 160 .60 .74, jazz fusion 116 .64 .52
metal     : thrash metal 184 .96 .30, doom metal 68 .74 .18, black metal 196 .97 .16, progressive metal 138 .86 .32
classical : baroque 104 .24 .50, romantic 88 .26 .34, chamber 92 .20 .40, modern classical 76 .18 .26
folk      : americana 106 .42 .52, celtic folk 122 .52 .64, contemporary folk 96 .28 .40, nordic folk 90 .32 .32
ambient   : drone 60 .08 .14, new age 70 .12 .40, tape loops 66 .14 .24, space ambient 64 .10 .20
reggae    : roots reggae 76 .46 .66, dub 72 .40 .50, dancehall 98 .72 .72, ska 150 .78 .84
"""


def _genres() -> tuple[Genre, ...]:
    rows = [[cell.strip() for cell in line.split("|")] for line in _GENRES.strip().splitlines()]
    return tuple(Genre(r[0], float(r[1]), float(r[2]), float(r[3]), tuple(r[4].split())) for r in rows)


def _subgenres() -> tuple[Subgenre, ...]:
    out = []
    for genre, line in enumerate(_SUBGENRES.strip().splitlines()):
        for cell in line.split(":", 1)[1].split(","):
            name, tempo, energy, valence = cell.strip().rsplit(" ", 3)
            out.append(Subgenre(name, genre, float(tempo), float(energy), float(valence)))
    return tuple(out)


GENRES: tuple[Genre, ...] = _genres()
SUBGENRES: tuple[Subgenre, ...] = _subgenres()  # what the truth calls topics: 4 for each genre, in the order of GENRES

SUBJECTS: dict[str, tuple[str, ...]] = {  # of shows that are not about music: the genres whose listeners like them
    "technology": ("electronic", "ambient"),
    "news": ("classical", "folk"),
    "comedy": ("pop", "hip hop"),
    "true crime": ("metal", "rock"),
    "history": ("classical", "jazz"),
    "sport": ("hip hop", "latin"),
    "food": ("soul", "latin"),
    "science": ("ambient", "rock"),
}
SHOW_TITLES = ("A History of {}", "{} Weekly", "The {} Hour", "Inside {}", "Conversations on {}", "{}, Track by Track")
BOOK_TITLES = ("A Life in {}", "The Night {} Began", "Notes from the {} Years", "The Last {} Club")
BOOK_FORMS = ("biography", "novel", "history")

LANGUAGES: tuple[str, ...] = ("en", "es", "pt", "de", "fr", "ja", "sv")
LANGUAGE_SHARES = np.array([0.46, 0.13, 0.10, 0.10, 0.09, 0.07, 0.05])  # of artists and shows
LATIN_SHARES = np.array([0.15, 0.60, 0.25, 0.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class Country:
    """A country: its share of listeners, hours ahead of UTC (without summer time), languages, genres liked more."""

    code: str
    share: float
    utc_hours: float
    languages: tuple[str, ...]
    likes: tuple[str, ...]


COUNTRIES = (
    Country("US", 0.34, -6.0, ("en",), ("hip hop", "rock")),
    Country("GB", 0.14, 0.0, ("en",), ("electronic", "rock")),
    Country("BR", 0.12, -3.0, ("pt",), ("latin", "latin", "soul")),
    Country("MX", 0.11, -6.0, ("es",), ("latin", "latin", "pop")),
    Country("DE", 0.10, 1.0, ("de", "en"), ("electronic", "metal")),
    Country("FR", 0.08, 1.0, ("fr",), ("hip hop", "jazz")),
    Country("JP", 0.06, 9.0, ("ja",), ("pop", "jazz")),
    Country("SE", 0.05, 1.0, ("sv", "en"), ("metal", "pop")),
)


@dataclass(frozen=True, slots=True)
class Device:
    """What most of somebody's listening is done on, and what goes with it.

    `hours`: peaks of listening on weekdays, local time. `weekend`: how much more often a weekend day is chosen.
    `surfaces`: weights in the order of SURFACES. `spoken`: factor on the appetite for podcasts and audiobooks.
    """

    name: str
    share: float
    hours: tuple[float, ...]
    weekend: float
    session_items: float
    spoken: float
    surfaces: tuple[float, ...]


SURFACES: tuple[str, ...] = ("home", "library", "playlist", "radio", "search")
SURFACE_REPLAY: Floats = np.array([1.0, 1.5, 1.2, 0.55, 0.8])  # how much a sitting there leans to what is known
DEVICES = (
    Device("phone", 0.52, (8.0, 18.0, 22.0), 1.0, 8.0, 1.2, (0.25, 0.25, 0.25, 0.10, 0.15)),
    Device("desktop", 0.24, (10.0, 14.0, 16.0), 0.6, 11.0, 0.7, (0.15, 0.25, 0.35, 0.10, 0.15)),
    Device("speaker", 0.14, (9.0, 19.0, 21.0), 1.7, 12.0, 0.5, (0.20, 0.15, 0.25, 0.35, 0.05)),
    Device("car", 0.10, (7.5, 17.5), 0.8, 6.0, 2.0, (0.35, 0.20, 0.20, 0.20, 0.05)),
)

_WORDS = """
Ar Bel Cor Dra El Fen Gal Hol Ix Jun Kel Lor Mar Nov Os Per Quil Ros Sel Tam Ul Ver Wil Yar Zan
a ia o en is or ay une ette ander ico ella ow eth ius ara
Trio Collective Orchestra Machine Brothers Choir Union Ensemble Society Quartet
Pale Golden Hollow Silver Quiet Broken Distant Burning Second Last Northern Paper Electric Slow
Harbour Garden Letter Window Station Winter Mountain Season Field Bridge Ocean Room Shadow Machine
"""
_STARTS, _ENDS, _GROUPS, _COLOURS, _THINGS = (line.split() for line in _WORDS.strip().splitlines())


def headline(words: str) -> str:
    """The words with capitals, as in a title: "lo-fi hip hop" becomes "Lo-fi Hip Hop"."""
    return " ".join(word if word in {"of", "the", "and"} else word[0].upper() + word[1:] for word in words.split())


def person_names(draws: Draws, n: int) -> list[str]:
    """n invented names, some alike as in life; every one is longer than four letters."""
    first, last = draws.below(len(_STARTS) * len(_ENDS), n), draws.below(len(_STARTS) ** 2 * len(_ENDS), n)
    return [f"{_word(a)} {_word(b)}" for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _word(number: int) -> str:
    number, end = divmod(number, len(_ENDS))
    middle, start = divmod(number, len(_STARTS))
    return _STARTS[start] + (_STARTS[middle - 1].lower() if middle else "") + _ENDS[end]


def artist_names(draws: Draws, n: int) -> list[str]:
    """n invented names of artists, all different."""
    groups, coin = draws.below(len(_GROUPS), n), draws.uniform(n)
    out, seen = [], set()
    for row, name in enumerate(person_names(draws, n)):
        if coin[row] < 0.35:
            name = f"The {name.split()[1]} {_GROUPS[groups[row]]}"
        if name in seen:
            name = f"{name} {row}"
        seen.add(name)
        out.append(name)
    return out


def titles(draws: Draws, genres: list[int]) -> list[str]:
    """One invented title for each genre row; about half hold a word of the genre."""
    n = len(genres)
    colour, thing, own = draws.below(len(_COLOURS), n), draws.below(len(_THINGS), n), draws.below(5, n)
    form = draws.below(4, n)
    out = []
    for row, genre in enumerate(genres):
        word, noun, adjective = GENRES[genre].words[own[row]], _THINGS[thing[row]], _COLOURS[colour[row]]
        forms = (f"{adjective} {noun}", f"{adjective} {word}", f"{word} {noun}", f"{noun} of the {adjective}")
        out.append(headline(forms[form[row]]))
    return out
