"""A listener's next week, simulated from what is known, and set beside the week that they had."""

from palate.evaluation.twin.compare import Measured, Twin, twin
from palate.evaluation.twin.model import Offers, TwinModel, TwinSettings, from_lists
from palate.evaluation.twin.simulate import Simulated, simulate_weeks

__all__ = [
    "Measured",
    "Offers",
    "Simulated",
    "Twin",
    "TwinModel",
    "TwinSettings",
    "from_lists",
    "simulate_weeks",
    "twin",
]
