"""What can be heard, and the playlists it is kept in.

Takes: Items, Memberships.
Gives: the catalogue (id <-> row, columns by row), playlists as arrays of catalogue rows.
Promises: a row once given stays; an import never erases what was known; files are whole or absent.
Does not know: listeners, listens, models.
"""
