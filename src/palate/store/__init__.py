"""Vectors in, neighbours out; bytes in, bytes out.

Takes: vectors by row, records by user id, items by row, all made elsewhere.
Gives: VectorIndex (nearest rows), OnlineStore (user records), ItemStore (the catalogue as a server reads it), Filter.
Promises: a change is whole or absent after any crash; many processes read while one writes; equal scores come by row.
Does not know: models, requests, listeners, what a record's bytes mean.
"""
