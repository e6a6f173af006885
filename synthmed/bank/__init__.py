"""What is cut out: patches of known class and size, with matte and provenance, in a store built once."""

from synthmed.bank.background import Background, estimate_background
from synthmed.bank.build import build_bank
from synthmed.bank.patchbank import ClassReport, PatchBank
from synthmed.bank.resolve import resolve_sizes
from synthmed.bank.sizes import parse_sizes
from synthmed.bank.spec import BankSpec, make_spec
from synthmed.bank.store import open_bank, require_free, save_bank

__all__ = [
    "Background",
    "BankSpec",
    "ClassReport",
    "PatchBank",
    "build_bank",
    "estimate_background",
    "make_spec",
    "open_bank",
    "parse_sizes",
    "require_free",
    "resolve_sizes",
    "save_bank",
]
