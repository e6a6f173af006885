"""What the doctor prints."""

from __future__ import annotations

from dataclasses import asdict
from json import dumps

from synthmed import __version__
from synthmed.doctor.checks import Check, Part, check_environment

PARTS: dict[Part, str] = {
    "core": "points, patch banks, scenes",
    "train": "training with MMDetection",
    "app": "FiftyOne",
    "test": "tests",
    "gradcam": "maps by gradients, of any network",
    "onnx": "export, and detection without PyTorch",
    "slides": "whole-slide images",
    "remote": "folders on servers",
    "scale": "several machines",
}


def run_doctor(json: bool = False) -> int:
    """Print what the doctor finds.

    Args:
        json: print one JSON document instead of a table.

    Returns:
        0 where everything that is not optional can be used, otherwise 1.
    """
    checks = check_environment()
    healthy = all(check.ok or check.optional for check in checks)
    if json:
        document = {"synthmed": __version__, "ok": healthy, "checks": [asdict(check) for check in checks]}
        print(dumps(document, indent=2))
    else:
        print(f"synthmed {__version__}")
        print("\n".join(format_checks(checks)))
        print("\nEverything that is needed can be used." if healthy else "\nSomething is missing: see above.")
    return 0 if healthy else 1


def format_checks(checks: list[Check]) -> list[str]:
    r"""The lines of the table, part by part.

    Examples:
        >>> checks = [Check("numpy", True, "2.4.6", ""), Check("scipy", False, "1.9", "pip install scipy")]
        >>> print("\n".join(format_checks(checks)))
        <BLANKLINE>
        core: points, patch banks, scenes
          ok       numpy  2.4.6
          missing  scipy  1.9
                   $ pip install scipy
    """
    width = max((len(check.name) for check in checks), default=0)
    lines: list[str] = []
    for part, title in PARTS.items():
        members = [check for check in checks if check.part == part]
        if members:
            lines += ["", f"{part}: {title}"]
        for check in members:
            state = "ok" if check.ok else "none" if check.optional else "missing"
            lines.append(f"  {state:<8} {check.name:<{width}}  {check.found}")
            if check.remedy:
                lines.append(f"           $ {check.remedy}")
    return lines
