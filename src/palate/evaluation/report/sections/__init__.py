"""The sections of the page, one file each, in the order in which a sceptic asks.

Takes: the report's data, any part of which may be null or absent.
Gives: markup; where there is nothing to show, a sentence that says why.
Promises: no number that is not in the data, save shares and differences of those that are; no superlatives.
Does not know: how anything was measured.
"""
