"""Pictures; every function returns a figure, and nothing is shown.

Images are RGB uint8 arrays. Figures are made without pyplot, so none stays behind when it is let go.
"""

from synthmed.plots.drawing import save_figure
from synthmed.plots.findings import truth_predictions_cam
from synthmed.plots.precision_recall import precision_recall
from synthmed.plots.synthesis import bank_sheet, real_beside_synthetic

__all__ = ["bank_sheet", "precision_recall", "real_beside_synthetic", "save_figure", "truth_predictions_cam"]
