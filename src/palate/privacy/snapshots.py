"""What trainings and sweeps took from the home to learn from: folders of .npz, which name every listener."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from palate.catalog.columns import Playlists
from palate.core.artefacts import unpacked_texts
from palate.core.errors import Corrupt
from palate.core.home import Home
from palate.embeddings.inputs import Inputs


def snapshots(home: Home) -> list[Path]:
    """The folders of a home that hold inputs, by path."""
    return sorted(path.parent for place in (home.jobs, home.lab) for path in place.rglob("history.npz"))


def names_any(folder: Path, user_ids: Sequence[str]) -> bool:
    """Whether a snapshot names one of these, as a listener or as the owner of a playlist; reads the names only."""
    wanted = set(user_ids)
    texts = (("history.npz", "users"), ("playlists.npz", "owners"))
    return any(not wanted.isdisjoint(_texts(folder / file, name)) for file, name in texts)


def forget(folder: Path, user_ids: Sequence[str]) -> bool:
    """Takes these out of a snapshot: their listens, attributes and playlists; False when it does not name them.

    The rows of others stay. Each file is written whole, the names last, so that a kill leaves what can be done again.
    """
    if not names_any(folder, user_ids):
        return False
    inputs, gone = Inputs.load(folder), set(user_ids)
    known = [user not in gone for user in inputs.history.users]
    kept = np.array(known, np.bool_)[inputs.history.user]
    users = [user if there else "" for user, there in zip(inputs.history.users, known, strict=True)]
    listeners = inputs.listeners
    if listeners.values:
        listeners = listeners.take([row if there else -1 for row, there in enumerate(known)])
    left = replace(
        inputs,
        history=replace(inputs.history.take(kept), users=users),
        playlists=_without_owners(inputs.playlists, gone),
        listeners=listeners,
    )
    left.save(folder)
    return True


def _without_owners(playlists: Playlists, gone: set[str]) -> Playlists:
    owned = np.array([owner in gone for owner in playlists.owners], np.bool_)
    if not owned.any():
        return playlists

    def blank(texts: list[str | None]) -> list[str | None]:
        return [None if out else text for text, out in zip(texts, owned.tolist(), strict=True)]

    ids = ["" if out else id_ for id_, out in zip(playlists.ids, owned.tolist(), strict=True)]
    left = playlists.take(~owned[playlists.playlist])
    return replace(left, ids=ids, names=blank(playlists.names), owners=blank(playlists.owners))


def _texts(path: Path, name: str) -> list[str | None]:
    if not path.is_file():
        return []
    try:
        with np.load(path, allow_pickle=False) as stored:  # reads the one member that is asked for
            texts: list[str | None] = unpacked_texts(stored[name])
    except (ValueError, OSError, KeyError) as error:
        raise Corrupt(f"{path} cannot be read ({error}); delete its folder, which training makes again") from error
    return texts
