"""Do near vectors mean alike? The nearest listeners and items of a space, against plain ways of being alike."""

from palate.evaluation.intrinsic.measure import IntrinsicSettings, intrinsic
from palate.evaluation.intrinsic.result import Intrinsic, Lift

__all__ = ["Intrinsic", "IntrinsicSettings", "Lift", "intrinsic"]
