"""How the loops over pixels and boxes are compiled.

Scenes compute on pixels in integers, so that every machine gives the same bytes. A compiled function stands
in the same file as those it calls: numba's cache looks for changes in that one file only.
"""

from __future__ import annotations

from typing import Any

from numba import njit

# Any: numba's decorator has no types.
compiled: Any = njit(cache=True, nogil=True)
