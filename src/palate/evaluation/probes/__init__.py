"""Probes: what a team downstream could do with the vectors of a space.

Takes: Inputs, spaces (methods with a vector for each listener), tasks: the open ones, or labels from a directory.
Gives: Probes: each space on each task through the same head, with intervals, and the Borda count over tasks.
Promises: a space is frozen before the first label; a head never sees anything from the test weeks, nor the person that
it is judged on; the same seed gives the same numbers.
Does not know: what a space is made of, and what the vectors will be used for.
"""

from palate.evaluation.probes.files import FileTask, read_tasks
from palate.evaluation.probes.open import open_tasks
from palate.evaluation.probes.result import Probed, Probes
from palate.evaluation.probes.run import probe
from palate.evaluation.probes.settings import ProbeSettings
from palate.evaluation.probes.tasks import Absent, ProbeTask

__all__ = ["Absent", "FileTask", "ProbeSettings", "ProbeTask", "Probed", "Probes", "open_tasks", "probe", "read_tasks"]
