"""Suites that every implementation of a protocol must pass, ours and yours.

Takes: a way to make the thing to be tested.
Gives: pytest classes to inherit from.
Promises: answers known by construction; nothing here depends on which engine is behind.
Does not know: FAISS, LMDB or any other engine.
"""
