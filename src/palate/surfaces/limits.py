"""What may be offered to a listener at all: the home's settings, and what the listener told of themselves."""

import numpy as np

from palate.catalog.columns import ItemColumns
from palate.embeddings.statics import LANGUAGES, SEPARATOR
from palate.listening.listeners import ListenerColumns
from palate.retrieval.filters import FilterSettings
from palate.retrieval.query import Limits
from palate.surfaces.offering import spoken

EXPLICIT_OK = "explicit_ok"  # an attribute of a listener: yes or no, in the words below
YES, NO = ("1", "true", "yes", "y"), ("0", "false", "no", "n")


def limits_of(told: ListenerColumns, settings: FilterSettings, columns: ItemColumns) -> Limits:
    """The limits of one listener; `told` is what is known of them alone, no columns for nothing.

    An `explicit_ok` in other words than YES and NO counts as not told. Who named "pt-BR" gets "pt" too; who named no
    language gets all.
    """
    word = (_told(told, EXPLICIT_OK) or "").strip().casefold()
    explicit = word in YES or (word not in NO and settings.explicit)
    if settings.languages == "any":
        return Limits(explicit)
    named = [one.strip() for one in (_told(told, LANGUAGES) or "").split(SEPARATOR) if one.strip()]
    codes = [code for code, language in enumerate(columns.languages) if spoken(language, named)]
    return Limits(explicit, np.array(codes, np.int32) if named else None)


def _told(told: ListenerColumns, name: str) -> str | None:
    values = told.values.get(name)
    return values[0] if values else None
