"""How good the recommendations are, in numbers that a sceptic can check.

Takes: Inputs (all that is known) and methods to compare: anything with `fit(known, at)` and `recommend`.
Gives: marks by task, method, cohort and age, with intervals and paired tests; baselines; probes; a table and a page.
Promises: a method sees nothing from after the split; every item is ranked; the same seed gives the same numbers.
Does not know: how a method works, requests, homes; nothing in the line imports this room.
"""
