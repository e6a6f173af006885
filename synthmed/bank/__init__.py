"""What is cut out: patches of known class and size, with matte and provenance, in a store built once."""

from synthmed.bank.background import Background, estimate_background
from synthmed.bank.build import build_bank
from synthmed.bank.patchbank import ClassReport, PatchBank
from synthmed.bank.sizes import parse_sizes
from synthmed.bank.spec import BankSpec
from synthmed.bank.store import open_bank, save_bank

__all__ = [
    "Background",
    "BankSpec",
    "ClassReport",
    "PatchBank",
    "build_bank",
    "estimate_background",
    "open_bank",
    "parse_sizes",
    "save_bank",
]
