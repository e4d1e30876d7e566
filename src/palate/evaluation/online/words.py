"""A judged experiment as data and as text."""

from typing import Any

from palate.core.experiment import CONTROL
from palate.evaluation.online.guardrails import shown
from palate.evaluation.online.report import Effect, Judged
from palate.evaluation.plain import aligned, by_bound, number


def to_json(judged: Judged) -> dict[str, Any]:
    """Everything as plain values; a number that is not there yet is null."""
    settings, checked = judged.experiment.settings, judged.sample_ratio
    return {
        "experiment": judged.experiment.name,
        "simulated": judged.simulated,
        "surface": settings.surface,
        "until": judged.until,
        "planned": settings.listeners,
        "window_days": settings.window_days,
        "exposed": judged.exposed,
        "complete": judged.complete,
        "switched": judged.switched,
        "sample_ratio": {
            "p_value": checked.p_value,
            "always_valid_p": checked.always_valid_p,
            "method": checked.method,
            "mismatch": checked.mismatch,
        },
        "variants": {
            name: {
                "decision": judged.verdicts[name].decision,
                "reasons": list(judged.verdicts[name].reasons),
                "before": by_bound(judged.before[name]),
                "metrics": {one.metric: _told(one) for one in found},
            }
            for name, found in judged.effects.items()
        },
    }


def _told(one: Effect) -> dict[str, Any]:
    return {
        "role": one.role,
        "margin": one.margin,
        "control": number(one.control),
        "treatment": number(one.treatment),
        "difference": by_bound(one.difference),
        "lift": by_bound(one.lift),
        "variance_removed": number(one.removed),
    }


def table(judged: Judged) -> str:
    """The same for people."""
    settings = judged.experiment.settings
    listeners = ", ".join(
        f"{name} {judged.exposed[name]:,} ({judged.complete[name]:,} complete)" for name in settings.variants
    )
    lines = ["SIMULATED data: these numbers say nothing about people"] if judged.simulated else []
    lines += [
        f"experiment {judged.experiment.name} on {settings.surface}: {listeners}; planned for {settings.listeners:,}",
        f"sample ratio: p = {judged.sample_ratio.always_valid_p:.2g}; {judged.switched:,} met two variants, left out",
    ]
    for name, found in judged.effects.items():
        verdict = judged.verdicts[name]
        lines += ["", f"{name}: {verdict.decision}", *(f"  {reason}" for reason in verdict.reasons), ""]
        head = ["metric", "role", CONTROL, name, "lift", "variance removed"]
        lines += [f"  {row}" for row in aligned([head, *(_cells(one) for one in found)])]
    counted = f"Counted: {settings.window_days:g} days from the first exposure."
    return "\n".join(
        [
            *lines,
            "",
            f"Lifts are relative, without what was different before; their intervals hold at every look. {counted}",
        ]
    )


def _cells(one: Effect) -> list[str]:
    role = f"{one.role}, margin {one.margin:.1%}" if one.margin is not None else one.role
    return [one.metric, role, f"{one.control:.4g}", f"{one.treatment:.4g}", shown(one.lift), f"{one.removed:.0%}"]
