"""What was heard: a durable, ordered log, and the views of it that models read.

Takes: Listens; what is known of listeners besides.
Gives: the log (append, replay by offset), History (arrays in time order), sessions, skips, attributes of listeners.
Promises: what `append` returned for survives kill -9; the same event twice changes nothing; offsets only grow.
Does not know: vectors, models, requests.
"""
