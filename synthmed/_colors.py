"""The colours of classes, the same in pictures and in the App."""

from __future__ import annotations

# Okabe and Ito's colours and Tol's muted ones: told apart by colour-blind readers, and dark enough to be seen
# as a thin line on a bright field. The warm ones come last, since the heat of maps is warm.
PALETTE = (
    "#0072b2", "#009e73", "#aa4499", "#56b4e9", "#332288", "#999933", "#117733",
    "#cc79a7", "#44aa99", "#6699cc", "#e69f00", "#d55e00", "#882255", "#661100",
)  # fmt: skip


def class_color(label: int) -> str:
    """The colour of a class; they repeat after the last one of `PALETTE`.

    Examples:
        >>> class_color(0) == class_color(len(PALETTE)) == PALETTE[0]
        True
    """
    return PALETTE[label % len(PALETTE)]
