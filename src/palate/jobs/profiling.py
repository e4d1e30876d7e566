"""`palate lab profile`: what each model of a space costs to run, measured before promotion and held to budgets."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import orjson

from palate.core import recording
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.progress import progress
from palate.core.recording import Image, Table
from palate.core.settings import Settings
from palate.embeddings.space import Spaces
from palate.jobs.kept import kept
from palate.jobs.subjects import MODELS
from palate.lab.profile import Measured, latency_plot, throughput_plot

BATCHES = (1, 8, 64, 512)
ONE_AT_A_TIME = ("for_you",)  # a request has one listener
LONGEST_SECONDS, LARGEST_BATCH = 600.0, 65_536


@dataclass(frozen=True)
class Budgets:
    """What inference may cost at most before a space is promoted ([budgets] in palate.toml); 0 for no budget."""

    SECTION: ClassVar[str] = "budgets"

    for_you_p99_ms: float = 50.0  # a whole answer; above 50 ms a screen that waits for it is seen to wait
    index_p99_ms: float = 20.0  # one query for 200; a request asks once, and has other things to do
    ranker_p99_ms: float = 20.0  # one list of real size
    encoder_rows_per_second_least: float = 2_000.0  # twice the 1,000 listens a second that one server folds
    load_seconds_most: float = 30.0  # a server that starts again answers within half a minute
    memory_mb_most: float = 4_000.0  # peak of the process that answers for_you: two of them fit on 8 GB
    space_mb_most: float = 0.0  # on disk; no default, since disks differ

    def __post_init__(self) -> None:
        for one in fields(self):
            if not 0.0 <= getattr(self, one.name) < float("inf"):
                raise ValueError(f"{one.name} = {getattr(self, one.name)} must be 0 (no budget) or more")

    @classmethod
    def read(cls, settings: Settings) -> "Budgets":
        """From palate.toml's table [budgets]."""
        return settings.section(cls)


@dataclass(frozen=True)
class Profile:
    """What a space costs to run.

    lines         one Measured for each model and batch size
    load_seconds  by model, from opening it in a fresh process to its first answer; files may be in the page cache
    space_mb      size of the space's folder on disk, in MB of a million bytes
    listeners     whose records were used; 0 when the home has none, and a stranger stood in
    candidates    mean length of the lists that the ranker scored
    run           id of the run that holds it, None when none could be kept
    """

    space: str
    lines: tuple[Measured, ...]
    load_seconds: dict[str, float]
    space_mb: float
    listeners: int
    candidates: float
    run: str | None = None

    def line(self, model: str, batch: int | None = None) -> Measured:
        """A model at a batch size, by default its smallest; BadInput when it was not measured."""
        own = [one for one in self.lines if one.model == model and batch in (None, one.batch)]
        if not own:
            raise BadInput(f"no {model} at batch {batch} in the profile of {self.space}; measure it")
        return min(own, key=lambda one: one.batch)

    @property
    def memory_mb(self) -> float:
        """The peak of the process that answered for_you."""
        return self.line("for_you").peak_mb

    @property
    def encoder_rows_per_second(self) -> float:
        """At the batch size where it is fastest; by CPU time where other work had the cores."""
        return max(one.own_rows_per_second for one in self.lines if one.model == "encoder")


def profile_space(home: Home, label: str, seconds: float = 2.0, batches: Sequence[int] = BATCHES) -> Profile:
    """Measures encoder, index, ranker and for_you of a space, each in a fresh process, and keeps it as a run.

    label    a published space such as `taste@7`, live or not; "live" for the one that answers now
    seconds  for each model and batch size; a slow one takes 20 calls, however long they last
    Takes about 13 times `seconds` and some seconds to open. BadInput for an unknown space or sizes that cannot be;
    PalateError when a model cannot be opened or called.
    """
    batches = sorted(set(batches))
    if not 0.0 < seconds <= LONGEST_SECONDS or not batches or not 1 <= batches[0] <= batches[-1] <= LARGEST_BATCH:
        raise BadInput(
            f"seconds = {seconds:g} and batches {batches} cannot be measured; give up to {LONGEST_SECONDS:g} seconds "
            f"and batch sizes from 1 to {LARGEST_BATCH:,}"
        )
    spaces = Spaces(home.require().spaces)
    space = spaces.live if label == "live" else spaces.get(label)
    config = {"label": space.label, "seconds": seconds, "batches": batches}
    with kept(home, "profile", name=f"profile {space.label}", config=config, about={"space": space.label}) as run:
        found = _measured(home, space.label, space.folder, seconds, batches, None if run is None else run.id)
        _tell(found)
    return found


def _measured(home: Home, label: str, folder: Path, seconds: float, batches: Sequence[int], run: str | None) -> Profile:
    with tempfile.TemporaryDirectory(prefix="palate-profile-") as scratch:
        words = [str(home.root), label, scratch]
        drawn = _child("sample", *words)
        lines: list[Measured] = []
        load_seconds: dict[str, float] = {}
        for model in progress(MODELS, "profile"):
            sizes = [1] if model in ONE_AT_A_TIME else batches
            told = _child(model, *words, repr(float(seconds)), ",".join(map(str, sizes)))
            lines += [Measured(**line) for line in told["lines"]]
            load_seconds[model] = told["load_seconds"]
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    return Profile(label, tuple(lines), load_seconds, size, drawn["listeners"], drawn["candidates"], run)


def _child(*words: str) -> Any:
    """What the process said; PalateError with its own sentence, or the last line of its stderr."""
    # One thread a BLAS call, as in a server (cli/main.py); it is read when numpy is imported.
    environment = {"OPENBLAS_NUM_THREADS": "1"} | dict(os.environ)
    command = [sys.executable, "-m", "palate.jobs.subjects", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    try:
        answer = orjson.loads(done.stdout.splitlines()[-1])
    except (IndexError, orjson.JSONDecodeError) as error:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode} and said nothing"]
        raise PalateError(f"the {words[0]} of {words[2]} could not be profiled: {said[-1]}") from error
    if "error" in answer:
        raise PalateError(f"the {words[0]} of {words[2]} could not be profiled: {answer['error']}")
    return answer


def _tell(found: Profile) -> None:
    """Metrics with the batch size as step, a table, two plots, and what the run is listed by."""
    names = [one.name for one in fields(Measured)]
    for line in found.lines:
        recording.log({f"{line.model}.{name}": getattr(line, name) for name in names[3:]}, step=line.batch)
    caption = f"{found.space}, {found.listeners:,} listeners' records, lists of {found.candidates:.0f} candidates"
    recording.log(
        {
            "profile": Table(names, [list(astuple(line)) for line in found.lines]),
            "latency": Image(str(latency_plot(found.lines)), caption),
            "throughput": Image(str(throughput_plot(found.lines)), caption),
        }
    )
    first = {f"{model}.p99_ms": found.line(model).p99_ms for model in MODELS}
    whole = {"space_mb": found.space_mb, "memory_mb": found.memory_mb, "listeners": found.listeners}
    loads = {f"load_seconds.{model}": seconds for model, seconds in found.load_seconds.items()}
    recording.summarize(first | whole | loads | {"encoder.rows_per_second": found.encoder_rows_per_second})


def broken(profile: Profile, budgets: Budgets) -> list[str]:
    """One sentence for each budget that the profile breaks, with what was measured; empty when it breaks none.

    Latency and speed are judged by CPU time where other work had the cores meanwhile (Measured.disturbed).
    """
    first = {model: profile.line(model) for model in ("for_you", "index", "ranker")}
    limits = [
        (f"p99 of {model}{_how(line)}", line.own_p99_ms, getattr(budgets, f"{model}_p99_ms"), "ms", f"{model}_p99_ms")
        for model, line in first.items()
    ] + [
        ("opening for_you", profile.load_seconds["for_you"], budgets.load_seconds_most, "s", "load_seconds_most"),
        ("peak memory of for_you", profile.memory_mb, budgets.memory_mb_most, "MB", "memory_mb_most"),
        ("size on disk", profile.space_mb, budgets.space_mb_most, "MB", "space_mb_most"),
    ]
    sentences = [
        f"{profile.space}: {what} is {value:,.1f} {unit}, over the budget of {limit:,g} {unit} ({key})"
        for what, value, limit, unit, key in limits
        if limit and value > limit
    ]
    least, speed = budgets.encoder_rows_per_second_least, profile.encoder_rows_per_second
    if least and speed < least:
        sentences.append(
            f"{profile.space}: encoder does {speed:,.0f} records/s, under the budget of {least:,g} records/s "
            "(encoder_rows_per_second_least)"
        )
    return sentences


def _how(line: Measured) -> str:
    calls = f" over {line.calls:,} calls"
    if not line.disturbed:
        return calls
    return f"{calls}, in CPU time since other work had the cores (wall time {line.p99_ms:,.1f} ms)"


def as_answer(profile: Profile, budgets: Budgets) -> dict[str, Any]:
    """The profile as JSON: its fields, the budgets and which of them it breaks."""
    return asdict(profile) | {"budgets": asdict(budgets), "broken": broken(profile, budgets)}


HEADS = ("p50 ms", "p95 ms", "p99 ms", "CPU p99 ms", "rows/s", "CPU s/1,000", "peak MB", "added MB")


def as_text(profile: Profile, budgets: Budgets) -> str:
    """The profile as a table for people, with the sentences of broken budgets below."""
    head = f"{'model':<9}{'batch':>6}{'calls':>8}" + "".join(f"{name:>12}" for name in HEADS)
    rows = []
    for one in profile.lines:
        times = (one.p50_ms, one.p95_ms, one.p99_ms, one.cpu_p99_ms)
        cells = [*(f"{time:,.2f}" for time in times), f"{one.rows_per_second:,.0f}"]
        cells += [f"{one.cpu_seconds_per_1000_rows:.4f}", f"{one.peak_mb:,.0f}", f"{one.added_mb:,.0f}"]
        rows.append(f"{one.model:<9}{one.batch:>6}{one.calls:>8,}" + "".join(f"{cell:>12}" for cell in cells))
    loads = ", ".join(f"{model} {seconds:.2f} s" for model, seconds in profile.load_seconds.items())
    about = (
        f"{profile.space}: {profile.space_mb:,.1f} MB on disk; to the first answer of a fresh process: {loads}\n"
        f"given {profile.listeners:,} listeners' records and lists of {profile.candidates:.0f} candidates; a row is a "
        "record, a query, a list, an answer"
    )
    disturbed = [one for one in profile.lines if one.disturbed]
    notes = [f"note: other work had the cores in {len(disturbed)} of {len(rows)} lines"] if disturbed else []
    sentences = broken(profile, budgets) or ["within every budget"]
    run = [f"kept as the run {profile.run}"] if profile.run else []
    return "\n".join([about, "", head, *rows, "", *notes, *sentences, *run])
