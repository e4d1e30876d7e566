"""From a new listen to a changed taste.

Takes: the listening log, from where it last stopped.
Gives: user records and tastes that contain every listen up to an offset.
Promises: each listen is folded exactly once, whatever is killed when: records and offset are one transaction.
Does not know: requests.
"""
