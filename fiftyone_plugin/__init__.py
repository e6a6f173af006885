"""The synthmed plugin of FiftyOne: forms, progress and layout; the work is done by the package synthmed."""

from .operators.apply_models import ApplyModels
from .operators.build_patch_bank import BuildPatchBank
from .operators.delete_run import DeleteRun
from .operators.evaluate import Evaluate
from .operators.import_points import ImportPoints
from .operators.show_run import ShowRun
from .operators.synthesize import Synthesize

OPERATORS = (ImportPoints, BuildPatchBank, Synthesize, ApplyModels, Evaluate, ShowRun, DeleteRun)


def register(plugin):
    """Called by FiftyOne when it loads the plugin."""
    for operator in OPERATORS:
        plugin.register(operator)
