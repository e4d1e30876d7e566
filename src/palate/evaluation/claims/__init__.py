"""Are the reasons true? Every claim of an answer, counted anew from the listens, the catalogue and the playlists.

facts.py      what really happened, with sets and loops of its own; nothing of surfaces/explain.py
registry.py   a checker for each type of evidence; a type without one counts as unchecked
listener.py, everybody.py, things.py   the checkers
sentences.py  a sentence says only what its evidence says: every number, every name
check.py      slates in, a Tally out
"""

from palate.evaluation.claims import everybody, listener, things  # noqa: F401  # they register their checkers
from palate.evaluation.claims.checking import FalseClaim, Tally, check
from palate.evaluation.claims.facts import Facts
from palate.evaluation.claims.registry import CHECKERS, Checker, Evidence, Said, checks

__all__ = ["CHECKERS", "Checker", "Evidence", "Facts", "FalseClaim", "Said", "Tally", "check", "checks"]
