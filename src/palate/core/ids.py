"""Ids are text everywhere outside and row numbers inside; the types keep a user id from entering as an item id.

An id read as an integer becomes its decimal text ("5879"); an id is at most MAX_ID_CHARACTERS long and not empty.
A row is a position: `UserRow` in the listening log's table of users, `ItemRow` in the catalogue. Rows never change
once given, so arrays indexed by row stay valid while new ids are appended.
"""

from typing import NewType

UserId = NewType("UserId", str)
ItemId = NewType("ItemId", str)
PlaylistId = NewType("PlaylistId", str)
UserRow = NewType("UserRow", int)
ItemRow = NewType("ItemRow", int)

MAX_ID_CHARACTERS = 512  # the longest real id seen in exports is a 300-character episode address
