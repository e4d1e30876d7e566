"""HTML and SVG from values: whatever is not markup already is escaped, so a name can never become an element."""

from html import escape


class Html(str):
    """Text that is markup already; everything else is escaped when it enters an element."""

    __slots__ = ()


VOID = {"br", "col", "img", "input", "link", "meta"}


def tag(element: str, /, *children: object, **attributes: object) -> Html:
    """One element.

    Children are escaped unless they are Html; None and "" are left out. The name of an attribute loses one underscore
    at its end and has hyphens for the others (`class_`, `aria_label`); None and False leave it out, True gives its bare
    name. Fractions in attributes are rounded to two decimals: nobody sees a hundredth of a pixel, but it weighs.

    >>> tag("td", "a < b", class_="name", hidden=True, title=None)
    '<td class="name" hidden>a &lt; b</td>'
    """
    words = "".join(_attribute(name, value) for name, value in attributes.items())
    if element in VOID:
        return Html(f"<{element}{words}>")
    return Html(f"<{element}{words}>{joined(*children)}</{element}>")


def joined(*children: object) -> Html:
    """Children one after the other, escaped unless they are Html; None and "" are left out."""
    return Html("".join(one if isinstance(one, Html) else escape(str(one)) for one in children if one is not None))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    label = name.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {label}"
    text = f"{round(value, 2):g}" if isinstance(value, float) else str(value)
    return f' {label}="{escape(text)}"'
