"""`palate lab sweep`: other settings tried on the past.

What can be swept (targets.py), how a trial is judged (windows.py), which models that takes (models.py) and what trials
share of them (shared.py); a sweep from its first trial to its proposal (conduct.py), its files (files.py), its evidence
(proving.py), and the process of one worker (work.py).
"""

from palate.jobs.sweeping.conduct import Asked, adopt, sweep
from palate.jobs.sweeping.targets import TARGETS

__all__ = ["TARGETS", "Asked", "adopt", "sweep"]
