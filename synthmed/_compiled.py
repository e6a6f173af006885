"""How loops over pixels are compiled.

A compiled function stands in the same file as those it calls: numba's cache looks for changes in that one
file only.
"""

from __future__ import annotations

from typing import Any

from numba import njit

# Any: numba's decorator has no types.
compiled: Any = njit(cache=True, nogil=True)
