"""What was heard: a durable, ordered log, and the views of it that models read.

Takes: Listens.
Gives: the log (append, replay by offset), History (arrays in time order), sessions, which plays were skips.
Promises: what `append` returned for survives kill -9; the same event twice changes nothing; offsets only grow.
Does not know: vectors, models, requests.
"""
