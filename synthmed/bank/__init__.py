"""What is cut out: patches of known class and size, with matte and provenance, in a store built once."""

from synthmed.bank.background import Background, estimate_background
from synthmed.bank.build import build_bank
from synthmed.bank.patchbank import PatchBank
from synthmed.bank.quality import QUALITY_COLUMNS, Quality
from synthmed.bank.report import ClassReport, warnings
from synthmed.bank.resolve import resolve_sizes
from synthmed.bank.sizes import parse_sizes
from synthmed.bank.spec import BankSpec, make_spec
from synthmed.bank.store import open_bank, require_free, save_bank

__all__ = [
    "QUALITY_COLUMNS",
    "Background",
    "BankSpec",
    "ClassReport",
    "PatchBank",
    "Quality",
    "build_bank",
    "estimate_background",
    "make_spec",
    "open_bank",
    "parse_sizes",
    "require_free",
    "resolve_sizes",
    "save_bank",
    "warnings",
]
