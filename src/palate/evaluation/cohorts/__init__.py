"""Named groups of listeners by what was known of them at a moment, and what every metric is among them."""

from palate.evaluation.cohorts.cohorts import (
    DEFAULTS,
    MIN_LISTENERS,
    Cohort,
    Cohorts,
    CohortSettings,
    CohortValue,
    by_cohort,
    row_members,
    worst,
)

__all__ = [
    "DEFAULTS",
    "MIN_LISTENERS",
    "Cohort",
    "CohortSettings",
    "CohortValue",
    "Cohorts",
    "by_cohort",
    "row_members",
    "worst",
]
