"""One file, one screen's recipe; and the request path that every recipe goes through.

Takes: a listener or a seed, a surface's name, the moment.
Gives: a Slate: ordered items, each with source, evidence and a true sentence.
Promises: a stranger gets a good answer, marked so; an answer says how old the taste is that made it.
Does not know: HTTP, where records are stored.
"""
