"""The colours of classes, the same in pictures and in the App."""

from __future__ import annotations

# Six of Okabe and Ito's colours, then each time the one that is farthest from all before it (CIEDE2000, also
# as a reader without green cones sees it), dark enough to be seen as a thin line on a bright field.
PALETTE = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444400",
    "#552255", "#bb0033", "#0011ff", "#9966ff", "#999966", "#006655", "#bb1188",
)  # fmt: skip


def class_color(label: int) -> str:
    """The colour of a class; they repeat after the last one of `PALETTE`.

    Examples:
        >>> class_color(0) == class_color(len(PALETTE)) == PALETTE[0]
        True
    """
    return PALETTE[label % len(PALETTE)]
