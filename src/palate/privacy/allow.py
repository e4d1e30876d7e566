"""Letting a deleted id come back."""

from palate.core.errors import PalateError
from palate.core.home import Home
from palate.listening.deleted import DeletedUsers
from palate.privacy.asked import pending


def allow(home: Home, user_id: str, past: bool = False) -> bool:
    """Takes in again what comes of this id; False when it was not deleted. PalateError while it is being deleted.

    past: False leaves out for good what is dated before now, so that the next import of an old file does not undo the
    deletion.
    """
    if any(one.user_id == user_id for one in pending(home.require())):
        raise PalateError(f"{user_id} is still being deleted; run: palate user delete {user_id}, then allow it")
    return DeletedUsers.of(home).allow(user_id, past)
