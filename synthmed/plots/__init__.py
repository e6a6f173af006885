"""Pictures; every function returns a figure, and nothing is shown.

Images are RGB uint8 arrays. Figures are made without pyplot, so none stays behind when it is let go.
"""

from synthmed.plots.drawing import save_figure
from synthmed.plots.fidelity import fidelity_classes, fidelity_images, fidelity_summary
from synthmed.plots.findings import truth_predictions_cam
from synthmed.plots.layer_changes import layer_changes
from synthmed.plots.precision_recall import precision_recall
from synthmed.plots.synthesis import bank_sheet, real_beside_synthetic

__all__ = [
    "bank_sheet",
    "fidelity_classes",
    "fidelity_images",
    "fidelity_summary",
    "layer_changes",
    "precision_recall",
    "real_beside_synthetic",
    "save_figure",
    "truth_predictions_cam",
]
