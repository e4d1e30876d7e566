"""One space for everything that can be heard and everyone who listens.

Takes: History, the catalogue's columns, playlists.
Gives: item vectors, user records (small sums), the encoder from a record to a taste, who-is-heard-together, and the
    immutable versioned folder that holds them, a space.
Promises: a score is the dot product of a taste and an item vector of one space; the record kept online equals the
    one recomputed offline; a published space never changes.
Does not know: requests, candidates, where the vectors are served from.
"""
