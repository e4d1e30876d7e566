"""How good the recommendations are, in numbers that can be trusted.

Takes: a History and methods to compare (anything with `fit` and `recommend`).
Gives: time splits, metrics per listener, confidence intervals, four baselines, one table per task.
Promises: a method sees nothing from after the split; every item is ranked; the same seed gives the same table.
Does not know: how a method works, requests, files; nothing in the line imports this room.
"""
