"""The gate in front of `live`: a version is promoted when it is whole, quick enough, and no worse than the live one.

Cheap checks come first, the judge last: a paired comparison with the live version (judge/comparing.py), and whether
what others built on that one still works (stability.py). What the gate found is a run of the lab, and what was decided
is a line of the history, a refusal too. A rollback asks nobody (Spaces.rollback): it has to be instant.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any, ClassVar, Literal

from palate.core import recording
from palate.core.errors import BadInput, BadSettings, PalateError
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Space, Spaces
from palate.evaluation.plain import number
from palate.jobs.fit import FitSettings
from palate.jobs.judge.comparing import SURE, VECTOR, compare
from palate.jobs.judge.judging import Asked
from palate.jobs.judge.ours import NoLabels
from palate.jobs.kept import kept
from palate.jobs.profiling import Budgets, broken, profile_space
from palate.jobs.stability import LEAST_LISTENERS, stability_of
from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.surfaces.live import open_stock
from palate.surfaces.path import RequestPath
from palate.surfaces.screens.for_you import FOR_YOU

TASKS = ("next", "discover")  # what listeners come for: their own music, and what they do not know yet
BY_HAND = "promoted by hand"
PROFILE_SECONDS = 0.5  # for each model and batch size; a p99 over budget is measured again before it counts


@dataclass(frozen=True)
class PromotionSettings:
    """What becomes of a version that `palate train` has made ([promotion] in palate.toml)."""

    SECTION: ClassVar[str] = "promotion"

    # live: at once, as a home with one listener wants it; gate: if the gate lets it; next: it waits for `space promote`
    after_training: Literal["live", "gate", "next"] = "live"
    # so much of the quality of heads that were made for the live version has to be left on a new one; 0: not asked
    least_kept_share: float = 0.98

    def __post_init__(self) -> None:
        if not 0.0 <= self.least_kept_share <= 1.0:
            raise BadSettings(f"least_kept_share = {self.least_kept_share:g} is no share; choose one from 0 to 1")


@dataclass(frozen=True)
class Verdict:
    """What the gate found out about a version.

    against  the live version that it was compared with; None where there was none
    reasons  why it must not become live; none of them when it passes
    usable   False when it could not even be loaded, which no --force passes over
    notes    what was found besides, and what could not be found out
    figures  of the comparison and the profile, by dotted name; NDCG@100 as 0..1
    run      the gate's run in the lab; empty where it could not be kept
    """

    space: str
    against: str | None = None
    reasons: tuple[str, ...] = ()
    usable: bool = True
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float | str | None] = field(default_factory=dict)
    run: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def refusal(self) -> str:
        """All reasons in one sentence, with the remedy."""
        remedy = "train again, or promote it all the same with --force --why TEXT"
        remedy = remedy if self.usable else "restore its files or train again"
        return f"{self.space} is not promoted: {'; '.join(self.reasons)}; {remedy}"


def promote(home: Home, label: str, why: str = "", force: bool = False) -> Verdict:
    """Asks the gate and makes `label` live.

    force passes over the judge and the budgets, which are then not asked at all, and needs a `why`; a version that
    cannot be loaded is refused all the same, since no server could answer from it. Raises PalateError with all reasons
    when it is refused, which is then on record; BadInput for an unknown label or a force without a why; Corrupt when
    the history was tampered with.
    """
    if force and not why.strip():
        raise BadInput("--force goes on record, so it needs a reason; add --why TEXT")
    verdict = _decided(home, label, why, force)
    if not verdict.passed:
        raise PalateError(verdict.refusal)
    return verdict


def _decided(home: Home, label: str, why: str, force: bool = False) -> Verdict:
    """Asks the gate and writes down what follows: a promotion or a refusal."""
    spaces = Spaces(home.require().spaces)
    spaces.get(label)
    spaces.aliases.verify()  # before minutes of judging
    standing = spaces.aliases.standing()
    verdict = examine(home, label, whole=not force)
    if not verdict.passed:
        spaces.aliases.refuse(label, "; ".join(verdict.reasons), verdict.run)
    elif force:
        spaces.promote(label, why, "force", verdict.run)
    else:
        spaces.promote(label, why or BY_HAND, run=verdict.run, over=standing)
    return verdict


def examine(home: Home, label: str, whole: bool = True) -> Verdict:
    """What the gate says of a version, as a run of the lab; changes no alias. Not `whole`: only whether it answers."""
    spaces = Spaces(home.spaces)
    against = spaces.aliases.standing().live
    config = {"space": label, "against": against, "tasks": list(TASKS), "whole": whole}
    with kept(home, "gate", name=f"gate {label}", config=config, about={"space": label}) as run:
        verdict = Verdict(label, against, run="" if run is None else run.id)
        fault = _fault(spaces.get(label))
        if fault:
            verdict = replace(verdict, reasons=(fault,), usable=False)
        elif whole:
            verdict = _steady(home, _compared(home, _profiled(home, verdict)))
        told = {"verdict": "passed" if verdict.passed else "refused"} | dict(verdict.figures)
        recording.summarize(told | {"space": label, "reasons": "; ".join(verdict.reasons)})
    return verdict


def _fault(space: Space) -> str:
    """Why no server could answer from the space; empty when one could. Reads every file of it."""
    try:
        space.verify()
        stock, ranker = open_stock(space), Ranker.load(space.folder / "ranker.txt")
        record = UserRecord.empty(space.encoder.dim)
        stranger = Query(record, space.encoder.encode([record])[0], float(stock.trends.moment))
        RequestPath(stock, ranker, NoLabels()).rank(FOR_YOU, stranger, 10)
    except PalateError as error:
        return str(error)
    except (OSError, ValueError, LookupError) as error:
        return f"it cannot answer ({error!r})"
    return ""


def _profiled(home: Home, verdict: Verdict) -> Verdict:
    """The same verdict, with what the version costs to run; where no budget is set nothing is measured."""
    budgets = Budgets.read(read_settings(home.settings))
    if not any(astuple(budgets)):
        return replace(verdict, notes=(*verdict.notes, "not profiled: no budget is set"))
    try:
        profile = profile_space(home, verdict.space, PROFILE_SECONDS)
        over = broken(profile, budgets)
        if over:  # a neighbour that was busy for a moment is no fault of the version
            profile = profile_space(home, verdict.space, PROFILE_SECONDS)
            over = broken(profile, budgets)
    except BadSettings:
        raise
    except PalateError as error:  # a model that opens here and not in a process of its own
        return replace(verdict, reasons=(*verdict.reasons, str(error)))
    measured = {"space_mb": profile.space_mb, "memory_mb": profile.memory_mb}
    measured |= {f"{model}.p99_ms": profile.line(model).p99_ms for model in ("for_you", "index", "ranker")}
    measured |= {"encoder.rows_per_second": profile.encoder_rows_per_second}
    return replace(verdict, reasons=(*verdict.reasons, *over), figures=dict(verdict.figures) | measured)


def _compared(home: Home, verdict: Verdict) -> Verdict:
    """The same verdict, with what the judge says of it beside the live version."""
    label, against = verdict.space, verdict.against
    obstacle = _obstacle(Spaces(home.spaces), label, against)
    if obstacle or against is None:
        return replace(verdict, notes=(*verdict.notes, f"not compared: {obstacle}"))
    try:
        _, data = compare(home, against, label, Asked(tasks=TASKS, brief=True))
    except BadSettings:
        raise
    except BadInput as error:  # too little was heard, or nothing can tell the two apart
        return replace(verdict, notes=(*verdict.notes, f"not compared with {against}: {error}"))
    found = data["compare"]
    reasons: list[str] = []
    notes, figures = [f"compared with {against}, {found['mode']}"], dict(verdict.figures)
    for name, one in found["tasks"].items():
        figures |= _figures(name, one)
        sentence = _sentence(name, one, against)
        worse = (one["difference"].get("value") or 0.0) < 0.0 and one["difference"]["p_holm"] < SURE
        # The vector alone is a note: what listeners get comes from the whole path.
        (reasons if worse and name in TASKS else notes).append(sentence)
    return replace(verdict, reasons=(*verdict.reasons, *reasons), notes=(*verdict.notes, *notes), figures=figures)


def _steady(home: Home, verdict: Verdict) -> Verdict:
    """The same verdict, with what heads that were made for the live version are worth on this one, unchanged.

    Only a sure loss is a reason: the whole interval lies below what [promotion] wants.
    """
    label, against = verdict.space, verdict.against
    least = read_settings(home.settings).section(PromotionSettings).least_kept_share
    if least == 0.0 or against is None or _obstacle(Spaces(home.spaces), label, against):
        return verdict
    try:
        found = stability_of(home, against, label)
    except BadSettings:
        raise
    except BadInput as error:  # too little was heard, or fewer dimensions than a head reads
        return replace(verdict, notes=(*verdict.notes, f"stability not measured: {error}"))
    if found.listeners < LEAST_LISTENERS:
        why = f"{found.listeners} listeners take part and {LEAST_LISTENERS} are needed"
        return replace(verdict, notes=(*verdict.notes, f"stability not measured: {why}"))
    kept = found.heads.kept_share
    sentence = f"heads made for {against} keep {kept.value:.1%} [{kept.low:.1%}, {kept.high:.1%}] of their quality"
    verdict = replace(verdict, figures=dict(verdict.figures) | found.figures())
    if kept.high < least:
        return replace(verdict, reasons=(*verdict.reasons, f"{sentence}, at least {least:.1%} is wanted"))
    return replace(verdict, notes=(*verdict.notes, sentence))


def _obstacle(spaces: Spaces, label: str, against: str | None) -> str:
    """Why the two cannot be compared at all; empty when they can."""
    if against is None:
        return "nothing is live yet"
    if against == label:
        return f"{label} is live already"
    try:
        live = spaces.get(against)
    except BadInput:
        return f"the folder of {against}, which is live, is gone"
    fault = _fault(live)
    if fault:
        return f"{against}, which is live, is damaged: {fault}"
    for space in (live, spaces.get(label)):
        try:
            FitSettings.of(space.manifest["settings"])
        except (TypeError, LookupError, ValueError) as error:
            return f"{space.label} was made with settings that this Palate does not know ({error})"
    return ""


def _figures(name: str, one: Mapping[str, Any]) -> dict[str, float | str | None]:
    """`next.live`, `next.candidate`, `next.difference`, `next.low`, `next.high`, `next.p_holm`."""
    name, difference = name.replace(VECTOR, "_vector"), one["difference"]
    values = {"live": one["a"], "candidate": one["b"]}
    told: dict[str, float | str | None] = {f"{name}.{of}": (value or {}).get("value") for of, value in values.items()}
    told[f"{name}.difference"] = difference.get("value")
    told |= {f"{name}.{key}": difference.get(key) for key in ("low", "high")}
    return told | {f"{name}.p_holm": number(difference["p_holm"])}


def _sentence(name: str, one: Mapping[str, Any], against: str) -> str:
    """`next -0.0514 [-0.0576, -0.0450] against taste@1, p 0.0006: taste@1 is better`."""
    difference = one["difference"]
    if difference.get("value") is None:
        return f"{name}: nothing could be asked"
    value, low, high = (difference[key] for key in ("value", "low", "high"))
    measured = f"{value:+.4f} [{low:+.4f}, {high:+.4f}] {one['metric']}"
    return f"{name} {measured} against {against}, p {difference['p_holm']:.4f}: {one['verdict']}"


def after_training(home: Home, label: str, run_fingerprint: str) -> str:
    """Does with a trained version what [promotion] says; gives a note for whoever trained, empty when it is live.

    Asked again about the same version it does nothing twice: a version that the gate refused beside the present live
    one stays next without being judged again.
    """
    mode = read_settings(home.settings).section(PromotionSettings).after_training
    spaces, why = Spaces(home.spaces), f"trained, run {run_fingerprint}"
    standing = spaces.aliases.standing()
    if standing.live == label:
        return ""
    if mode == "live":
        spaces.promote(label, why)
        return ""
    if standing.next != label:
        spaces.propose(label, why)
    if mode == "next":
        return f"{label} is next; make it live with: palate space promote {label}"
    refused = _refused(spaces, label)
    if not refused:
        verdict = _decided(home, label, why)
        refused = "; ".join(verdict.reasons)
    return f"{label} stays next, refused: {refused}" if refused else ""


def _refused(spaces: Spaces, label: str) -> str:
    """Why the gate refused `label` beside the present live version; empty when it did not."""
    for entry in reversed(spaces.aliases.entries()):
        if entry.alias == "live" and entry.move != "refuse":
            return ""
        if entry.move == "refuse" and entry.space == label:
            return entry.why
    return ""
