"""Numbers in sentences."""

from __future__ import annotations


def counted(count: int, thing: str, things: str | None = None) -> str:
    """A number of things; ``things`` is their plural, where it is more than an s.

    Examples:
        >>> counted(0, "patch", "patches"), counted(1, "patch", "patches"), counted(1200, "object")
        ('0 patches', '1 patch', '1,200 objects')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"
