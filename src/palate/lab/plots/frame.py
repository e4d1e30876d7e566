"""What every plot shares: the element itself with its styles, axes, the key of colours, words that are safe in XML."""

from collections.abc import Sequence

from palate.core.markup import Html, joined, tag
from palate.lab.plots.scale import Axis

HUES = 8
LEFT, RIGHT = 9.0, 98.0  # percent of the width where values stand; left of it are the words of the vertical axis
KEY_ROW, LETTER_PIXELS, NARROW_PIXELS = 20.0, 7.0, 330.0
DASHES = ("", "7 3", "2 3", "9 3 2 3")
# Eight hues that stay apart for colour-blind eyes by lightness too; against paper and dark at least 3 : 1.
LIGHT = ("#0b5c4a", "#c2570c", "#3559b8", "#a3326f", "#7d6b00", "#0c7f9e", "#6d3fb5", "#5c5f66")
DARK = ("#7fd6bd", "#f2a05c", "#8fb0ff", "#ee93bf", "#d9c64a", "#6fcbe6", "#c3a3f5", "#b4b7bd")
_LIGHT_VARIABLES = "--ink:#1d1f23;--quiet:#5c5f66;--line:#c9c5ba;--faint:#e6e3da;--paper:#fbfaf7;--deep:#0b5c4a;" + (
    "".join(f"--hue{place}:{hue};" for place, hue in enumerate(LIGHT))
)
_DARK_VARIABLES = "--ink:#e9e7e1;--quiet:#a5a8ae;--line:#4a4e56;--faint:#2b2f36;--paper:#16181c;--deep:#7fd6bd;" + (
    "".join(f"--hue{place}:{hue};" for place, hue in enumerate(DARK))
)
STYLE = (
    f".lab-plot{{{_LIGHT_VARIABLES}color-scheme:light dark;display:block;overflow:visible;"
    "font:12.5px system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif;"
    "font-variant-numeric:tabular-nums}"
    f"@media (prefers-color-scheme:dark){{.lab-plot{{{_DARK_VARIABLES}}}}}"
    f"@media print{{.lab-plot{{{_LIGHT_VARIABLES}--paper:#fff;color-scheme:light;print-color-adjust:exact}}}}"
    ".lab-plot text{fill:var(--quiet);unicode-bidi:isolate}"
    ".lab-plot .grid{stroke:var(--faint)}.lab-plot .tick-line{stroke:var(--line)}.lab-plot .zero{stroke:var(--quiet)}"
    ".lab-plot .value{paint-order:stroke;stroke:var(--paper);stroke-width:3px}"
    ".lab-plot .axis-name,.lab-plot .name{fill:var(--ink)}"
    ".lab-plot .line{fill:none;stroke:var(--hue);stroke-width:1.8;stroke-linejoin:round}"
    ".lab-plot .dot{fill:var(--hue);stroke:var(--paper);stroke-width:1}"
    ".lab-plot .touch{fill:transparent}.lab-plot .touch:hover{fill:var(--hue)}"
    ".lab-plot .bar{fill:var(--hue)}.lab-plot .whisker{stroke:var(--ink);stroke-width:1.5}"
    ".lab-plot .halo{stroke:var(--paper);stroke-width:4}"
    + "".join(f".lab-plot .hue{place}{{--hue:var(--hue{place})}}" for place in range(HUES))
)


def percent(value: float) -> str:
    """A share of the width, as SVG wants it."""
    return f"{round(value, 2):g}%"


def across(axis: Axis, value: float, left: float = LEFT, right: float = RIGHT) -> float:
    """Where a value stands between `left` and `right`, all in percent of the width."""
    return left + (right - left) * axis.part(value)


def safe(text: object) -> str:
    """Words without what XML cannot hold (control characters, halves of surrogate pairs)."""
    kept = (one if one >= " " or one in "\t\n" else "\N{REPLACEMENT CHARACTER}" for one in str(text))
    whole = "".join(kept).encode("utf-8", "replace").decode("utf-8")
    return whole.translate({0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD})


def short(name: str, letters: int) -> str:
    """A name that fits; runs are often told apart by their ends, so the middle goes.

    >>> short("items dim=64 seed=1", 12), short("als", 12)
    ('items …eed=1', 'als')
    """
    if len(name) <= letters:
        return name
    end = (letters - 1) // 2
    return f"{name[: letters - 1 - end]}\N{HORIZONTAL ELLIPSIS}{name[len(name) - end :]}"


def plot(height: float, about: str, *parts: object) -> Html:
    """The whole drawing, `height` pixels high and as wide as its place; `about` is read aloud instead of it."""
    return tag(
        "svg", tag("style", Html(STYLE)), *parts,
        xmlns="http://www.w3.org/2000/svg", class_="lab-plot", width="100%", height=height, role="img",
        aria_label=safe(about),
    )  # fmt: skip


def nothing(about: str) -> Html:
    """What stands where there is nothing to draw."""
    return plot(30.0, about, tag("text", f"Nothing to draw: {safe(about)}", x=0, y=20))


def stretched(height: float, *shapes: object) -> Html:
    """Shapes whose x is in percent, as paths need it: stretched with the width, their strokes not."""
    return tag(
        "svg", *shapes,
        width="100%", height=height, viewBox=f"0 0 100 {height:g}", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip


def key(names: Sequence[str]) -> tuple[Html, float]:
    """Which colour and dash is whose, and its height in pixels: in up to three columns, as names allow on a phone."""
    longest = max(map(len, names), default=0)
    columns = next((n for n in (3, 2) if n <= len(names) and longest * LETTER_PIXELS + 34 < NARROW_PIXELS / n), 1)
    letters = int((NARROW_PIXELS / columns - 30) / LETTER_PIXELS)
    parts = []
    for place, name in enumerate(names):
        x, y = 100.0 / columns * (place % columns), KEY_ROW * (place // columns) + 10
        line = tag("line", class_="line", x1=0, x2=20, y1=y, y2=y, stroke_dasharray=dash(place))
        words = tag("text", tag("title", safe(name)), short(safe(name), letters), x=26, y=y + 4, class_="name")
        parts.append(tag("svg", line, words, x=percent(x), class_=hue(place), overflow="visible"))
    return joined(*parts), KEY_ROW * -(-len(names) // columns) + 8


def hue(place: int) -> str:
    """The class that colours the `place`-th thing."""
    return f"hue{place % HUES}"


def dash(place: int) -> str | None:
    """How its line is dashed: colours repeat after eight, dashes tell those apart."""
    return DASHES[place // HUES % len(DASHES)] or None


def upward(axis: Axis, top: float, bottom: float, name: str) -> Html:
    """The vertical axis: its name, and lines with their values at the left."""
    parts = [tag("text", safe(name), x=0, y=top - 20, class_="axis-name")]
    for tick in axis.ticks:
        y = bottom - (bottom - top) * axis.part(tick)
        parts.append(tag("line", class_="zero" if tick == 0 else "grid", x1="0%", x2="100%", y1=y, y2=y))
        parts.append(tag("text", axis.label(tick), x=0, y=y - 3, class_="value"))
    return joined(*parts)


def along(axis: Axis, y: float, name: str) -> Html:
    """The horizontal axis at a height of y pixels: ticks with their values, and its name at the right below."""
    parts = []
    for tick in axis.ticks:
        x = across(axis, tick)
        anchor = "end" if x > 95 else "middle"
        parts.append(tag("line", class_="tick-line", x1=percent(x), x2=percent(x), y1=y, y2=y + 5))
        parts.append(tag("text", axis.label(tick), x=percent(x), y=y + 18, text_anchor=anchor))
    parts.append(tag("text", safe(name), x="100%", y=y + 36, text_anchor="end", class_="axis-name"))
    return joined(*parts)
