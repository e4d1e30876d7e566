"""Training the student: batches, checkpoints, when to stop, and the average of several. Needs torch.

Students that begin at the same place end so near to each other that the mean of their parameters is a student too, and
a better one; with some of the place where they began in it, it is better again, for what few lists speak of (Wortsman
et al., "Model soups", 2022, and "Robust fine-tuning of zero-shot models", 2022).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from palate.core import recording
from palate.core.artefacts import read_arrays, write_arrays
from palate.core.progress import progress
from palate.embeddings.encoder import UserSettings
from palate.embeddings.foundation import Foundation
from palate.embeddings.student import Batch, ListLoss, Vectors
from palate.embeddings.teacher import Lesson

LEAST_STEPS = 48  # in an epoch: a small home takes smaller batches
WARM_STEPS = 50
MOST_OF_A_CATALOGUE = 2  # a list is at most one in so many of the known items
HELD_OUT = 20  # one situation in so many tells when to stop
MOMENTS = ("exp_avg", "exp_avg_sq")
APART = 100_003  # between the seeds of two students: far from the next seed that anybody gives


def fit_student(
    lesson: Lesson, start: Foundation, seed: int, settings: UserSettings, checkpoints: Path | None = None,
    items: bool = True,
) -> Foundation:  # fmt: skip
    """Learns from `lesson`, beginning with `start`: the average of several students, and some of the beginning.

    checkpoints a folder with a file for each student, written after each of its epochs; training goes on from there
    items       False learns the encoder alone, for items whose vectors must stay
    The same numbers for the same seed on a CPU, interrupted or not. Without situations, nothing is learnt.
    """
    learnt = Vectors(start)
    if len(lesson.situations):
        if checkpoints is not None:
            checkpoints.mkdir(parents=True, exist_ok=True)
        students = [Vectors(start) for _ in range(settings.students)]
        for number, student in enumerate(students):
            file = checkpoints / f"student-{number}.npz" if checkpoints else None
            training = _Training(lesson, student, settings, seed + APART * number, items)
            with _reproducible():
                training.run(file, told_from=number * settings.epochs)
        _average(learnt, students, settings.begin_share)
    return learnt.learnt(start.vectors[:, -1], settings.count_power)


def _average(begun: Vectors, students: Sequence[Vectors], begin_share: float) -> None:
    """Moves `begun` to the mean of the students' parameters, but for `begin_share` of itself."""
    with torch.no_grad():
        for one, *ends in zip(begun.parameters(), *(student.parameters() for student in students), strict=True):
            mean = torch.stack([end.detach().cpu() for end in ends]).mean(dim=0)
            one.lerp_(mean, 1.0 - begin_share)


@contextmanager
def _reproducible() -> Iterator[None]:
    """On a CPU several threads add in one order, and never in another one the next time."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


class _Training:
    """One training: parameters, optimizer, and the order of the batches."""

    def __init__(self, lesson: Lesson, vectors: Vectors, settings: UserSettings, seed: int, items: bool) -> None:
        wanted = settings.device
        if wanted == "auto":
            wanted = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(wanted)
        self.lesson, self.settings, self.seed = lesson, settings, seed
        self.vectors = vectors.to(self.device)
        known = torch.from_numpy(np.flatnonzero(lesson.known)).to(self.device)
        self.list_loss = ListLoss(settings, known, torch.Generator())
        # A list that is most of a small catalogue says nothing about what is better than the rest.
        self.listed = min(settings.listed, max(len(known) // MOST_OF_A_CATALOGUE, 1))
        order = np.random.default_rng(seed).permutation(len(lesson.situations))
        n_held = len(order) // HELD_OUT
        self.held, self.taught = order[:n_held], order[n_held:]
        self.batch = min(settings.batch, max(len(self.taught) // LEAST_STEPS, 1))
        self.steps = -(-len(self.taught) // self.batch)
        sides = [vectors.listened, vectors.offered]
        for side in sides:
            side.requires_grad_(items)
        groups = [{"params": [vectors.weights], "speed": 2.0}] + [{"params": sides, "speed": 1.0}] * items
        self.optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99))

    def run(self, checkpoint: Path | None, told_from: int = 0) -> None:
        """All epochs, or those that are left; ends early when situations that it does not learn from get worse.

        told_from  the step that its first epoch has in the run's log
        """
        epoch, best = self._resumed(checkpoint)
        for number in progress(range(epoch, self.settings.epochs), "user encoder"):
            before = [one.detach().clone() for one in self.vectors.parameters()]
            taught = self._epoch(number)
            loss = self._missed() if len(self.held) else taught
            recording.log({"users.loss": taught, "users.held_out_loss": loss}, step=told_from + number)
            if loss > best:
                with torch.no_grad():
                    for one, old in zip(self.vectors.parameters(), before, strict=True):
                        one.copy_(old)
                break
            best = loss
            if checkpoint is not None:
                self._keep(checkpoint, number + 1, best)
        recording.summarize({"users.taught": len(self.taught), "users.held_out_loss": best})

    def _epoch(self, number: int) -> float:
        """One pass over what is taught; gives the mean loss."""
        self.list_loss.generator.manual_seed(self.seed * 1_000 + number)
        order = np.random.default_rng((self.seed, number)).permutation(self.taught)
        total, hides = 0.0, np.random.default_rng((self.seed, number, 1))
        for step, start in enumerate(range(0, len(order), self.batch)):
            self._set_rate(number * self.steps + step)
            rows = order[start : start + self.batch]
            loss = self._loss(rows, hides.random(len(rows)) < self.settings.strangers)
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            total += float(loss.detach()) * len(rows)
        return total / len(order)

    def _loss(self, rows: NDArray[np.int64], hidden: NDArray[np.bool_] | None = None) -> torch.Tensor:
        batch = Batch.of(self.lesson, rows, self.listed, self.device, hidden)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            return self.list_loss.loss(self.vectors, batch)

    def _missed(self) -> float:
        """The mean loss of the situations that are held out."""
        self.list_loss.generator.manual_seed(self.seed)
        starts = range(0, len(self.held), self.settings.batch)
        with torch.no_grad():
            blocks = [self.held[start : start + self.settings.batch] for start in starts]
            return sum(float(self._loss(rows)) * len(rows) for rows in blocks) / len(self.held)

    def _set_rate(self, step: int) -> None:
        """Warms up, then falls in a line to a fiftieth."""
        whole = self.steps * self.settings.epochs
        share = min(1.0, (step + 1) / min(WARM_STEPS, max(whole // 4, 1))) * max(0.02, 1.0 - step / whole)
        for group in self.optimizer.param_groups:
            group["lr"] = group["speed"] * self.settings.learning_rate * share

    def _keep(self, path: Path, epoch: int, best: float) -> None:
        arrays = {"epoch": np.array(epoch), "best": np.array(best)}
        for name, parameter in self._learning():
            arrays[name] = parameter.detach().cpu().numpy()
            for moment in MOMENTS:
                arrays[f"{name}.{moment}"] = self.optimizer.state[parameter][moment].cpu().numpy()
        write_arrays(path, **arrays)

    def _learning(self) -> list[tuple[str, torch.nn.Parameter]]:
        return [(name, one) for name, one in self.vectors.named_parameters() if one.requires_grad]

    def _resumed(self, path: Path | None) -> tuple[int, float]:
        """The next epoch and the best loss so far, after putting back what `_keep` wrote."""
        if path is None or not path.is_file():
            return 0, float("inf")
        arrays = read_arrays(path)
        epoch = int(arrays["epoch"])
        for name, parameter in self._learning():
            parameter.data.copy_(torch.from_numpy(arrays[name]))
            state = {moment: torch.from_numpy(arrays[f"{name}.{moment}"]).to(self.device) for moment in MOMENTS}
            self.optimizer.state[parameter] = state | {"step": torch.tensor(float(epoch * self.steps))}
        return epoch, float(arrays["best"])
