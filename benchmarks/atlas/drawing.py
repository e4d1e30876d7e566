"""Many directions on a plane, and the plane as SVG: light and dark, with a legend that can be read on a phone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput, MissingExtra
from palate.core.markup import Html, tag
from palate.lab.plots.frame import safe

AXES, PERPLEXITY = 50, 30.0
WIDTH, MARGIN = 400.0, 10.0  # of the drawing, in its own units: about those of a phone's pixels
SHOWN = 1.4  # times that, on a page that has the room
LINE, ROW, KEY_COLUMNS = 17.0, 18.0, 3
LAYERS = 12  # points are drawn in so many rounds of all groups: else the last group would cover the others
# Six colours that stay apart for colour-blind eyes (after Okabe and Ito), the sixth that of the ink.
LIGHT = ("#0072b2", "#d55e00", "#008f68", "#c2559b", "#a88a00", "#1d1f23")
DARK = ("#56b4e9", "#e8702a", "#2fbf93", "#f09ccb", "#f0e442", "#ffffff")
HUES = len(LIGHT)
CROSS = "m-1.3 -1.3l2.6 2.6m0 -2.6l-2.6 2.6"


def flattened(directions: NDArray[np.float32], seed: int = 0) -> NDArray[np.float64]:
    """(items, 2): t-SNE (van der Maaten and Hinton 2008) of the first 50 principal axes, the same for the same seed.

    directions # (items, dim) unit norm, where the order of distances is that of cosines. Only who is near whom means
    anything in the result: not how far groups are apart, nor how large they are. BadInput for fewer than 4 items;
    MissingExtra without scikit-learn.
    """
    if len(directions) < 4:
        raise BadInput(f"{len(directions)} items are too few for a map; it needs 4")
    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise MissingExtra("scikit-learn", "train") from error
    axes = PCA(min(AXES, *directions.shape), random_state=seed).fit_transform(directions)
    perplexity = min(PERPLEXITY, (len(axes) - 1) / 3)
    flat: NDArray[np.float64] = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(axes)
    return flat


def picture(points: NDArray[np.float64], group: NDArray[np.int64], names: Sequence[str], words: Sequence[str]) -> str:
    """The SVG file, some 12 bytes an item.

    points # (items, 2), any unit
    group  # (items,) position in `names`, -1 for an item with several
    words  # lines above the drawing, the first in bold; 55 letters fit
    There are marks for the 12 largest groups; the items of others look like those with several.
    """
    every = sorted(set(group[group >= 0].tolist()), key=lambda one: (-int((group == one).sum()), names[one]))
    largest = every[: 2 * HUES]
    rest = "several" if largest == every else "several, rarer"
    group = np.where(np.isin(group, largest), group, -1)
    shown = largest + [-1] * bool((group < 0).any())
    top = LINE * len(words) + 6
    legend = ROW * -(-len(shown) // KEY_COLUMNS)
    height = top + legend + WIDTH
    titles = [
        tag("text", safe(line), x=MARGIN, y=LINE * (place + 1), class_="title" if place == 0 else None)
        for place, line in enumerate(words)
    ]
    key = [
        _key(place, rest if one < 0 else names[one], int((group == one).sum()), _look(largest, one), top)
        for place, one in enumerate(shown)
    ]
    marks = _marks(_placed(points, top + legend), group, largest)
    about = " ".join(safe(line) for line in words)
    return tag(
        "svg", tag("title", about), tag("style", Html(_style())),
        tag("rect", class_="paper", width="100%", height="100%"), *titles, *key, *marks,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH:g} {height:g}",
        width=SHOWN * WIDTH, height=SHOWN * height, role="img",
    ) + "\n"  # fmt: skip


def _style() -> str:
    def colours(hues: Sequence[str]) -> str:
        return "".join(f".hue{place}{{stroke:{hue}}}" for place, hue in enumerate(hues))

    common = (
        "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif}.title{font-weight:600}"
        "path{fill:none}.dot{stroke-width:2.8;stroke-linecap:round}.cross{stroke-width:.9}.key.dot{stroke-width:9}"
        ".key.cross{stroke-width:2.2}"
    )
    light = f".paper{{fill:#fbfaf7}}text{{fill:#1d1f23}}.many{{stroke:#c4c1b8}}{colours(LIGHT)}"
    dark = f".paper{{fill:#16181c}}text{{fill:#e9e7e1}}.many{{stroke:#4a4e56}}{colours(DARK)}"
    return f"{common}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _look(largest: Sequence[int], one: int) -> str:
    """The classes of a group: the colours as dots, then the same as crosses, since more colours look alike."""
    if one < 0:
        return "dot many"
    place = largest.index(one)
    return f"{'dot' if place < HUES else 'cross'} hue{place % HUES}"


def _key(place: int, name: str, count: int, look: str, top: float) -> Html:
    x = MARGIN + (WIDTH - 2 * MARGIN) / KEY_COLUMNS * (place % KEY_COLUMNS)
    y = top + ROW * (place // KEY_COLUMNS) + ROW / 2
    mark = "h0" if look.startswith("dot") else "m-4 -4l8 8m0 -8l-8 8"
    sign = tag("path", class_=f"key {look}", d=f"M{x + 5:.1f} {y:.1f}{mark}")
    return tag("g", sign, tag("text", f"{safe(name)} {count:,}", x=x + 14, y=y + 4.5))


def _placed(points: NDArray[np.float64], top: float) -> NDArray[np.float64]:
    """In the square below `top`; both directions in one scale, since a map has no axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = max(float((high - low).max()), 1e-9)
    placed: NDArray[np.float64] = (points - (low + high) / 2) / reach * (WIDTH - 2 * MARGIN)
    placed += np.array([WIDTH / 2, top + WIDTH / 2])
    return placed


def _marks(placed: NDArray[np.float64], group: NDArray[np.int64], largest: Sequence[int]) -> list[Html]:
    """One path for each group and layer, items with several labels first: they are the ground."""
    layer = np.arange(len(placed)) % LAYERS
    rounds = [(group < 0, -1)]
    rounds += [((group == one) & (layer == number), one) for number in range(LAYERS) for one in largest]
    drawn = []
    for members, one in rounds:
        look = _look(largest, one)
        mark = "h0" if look.startswith("dot") else CROSS
        spots = "".join(f"M{x:.1f} {y:.1f}{mark}" for x, y in placed[members])
        if spots:
            drawn.append(tag("path", class_=look, d=spots))
    return drawn
