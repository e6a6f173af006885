"""`synthmed doctor`: what is installed, what is missing, and the one command that mends each.

Nothing heavy is imported here: neither torch, mmdet nor fiftyone.
"""

from synthmed.doctor.checks import Check, check_environment, check_mongod, find_chromium
from synthmed.doctor.machine import Machine
from synthmed.doctor.plugins import register_plugin
from synthmed.doctor.report import format_checks, run_doctor

__all__ = [
    "Check",
    "Machine",
    "check_environment",
    "check_mongod",
    "find_chromium",
    "format_checks",
    "register_plugin",
    "run_doctor",
]
