"""Damaged files for every reader, led by the code they reach: ``python benchmarks/fuzz.py --seconds 120``.

It needs atheris (``pip install atheris``, Apache-2.0), which is best put into an environment of its own. Each
reader runs in a process of its own, for as long as is asked. A file that gives a traceback, takes more than
20 seconds or more than 2 GiB ends its reader; it is kept in ``work_dirs/fuzz/READER/``, and
``--replay FILE READER`` reads it again.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

_TOKEN = re.compile(rb'"[^"\n]*"|[-+]?\d[\d.eE+-]*|\w+')
_JUNK = (
    b"nan", b"inf", b"1e400", b"-1", b"0", b"null", b"true", b"[]", b"{}", b'""', b"[[[[1]]]]", b'{"a": 1}',
    b"1.5",    b"9" * 30, b"\0", b"../../x", b"/dev/zero", b"\xff\xfe", b'"a.png"', b"\\", b"1,5", b"&a;",
    b"*a", b"!!x", b"1e300",
)  # fmt: skip
_LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=20000", "-print_final_stats=1", "-verbosity=1")


def compiled_modules() -> list[str]:
    """The modules that numba compiles, which it does not where their steps are counted."""
    package = Path(find_spec("synthmed").origin).parent
    files = [
        path
        for path in package.rglob("*.py")
        if "numba import" in (text := path.read_text()) or "_compiled import" in text
    ]
    return [".".join(path.relative_to(package.parent).with_suffix("").parts) for path in files]


def fuzz(name: str, seconds: float, out: Path) -> None:
    """Feed one reader until the time is up; libFuzzer ends this process."""
    import atheris

    without = compiled_modules()
    with atheris.instrument_imports(include=["synthmed", "tifffile", "yaml", "PIL"], exclude=without):
        from _fuzz_targets import targets

        for module in (
            "bank.store",
            "scenes.recipe",
            "datasets.render",
            "metrics.raw_maps",
            "points.tiff_regions",
        ):
            __import__(f"synthmed.{module}")
        import tifffile  # noqa: F401
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{os.getpid()}-"))
    target = targets()[name](folder)
    seeds = out / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(target.samples):
        target.call(sample)
        (seeds / f"sample-{number}").write_bytes(sample)
    corpus = out / "corpus"
    corpus.mkdir(exist_ok=True)
    limits = [*_LIMITS, f"-max_total_time={seconds:.0f}", f"-artifact_prefix={out}/"]
    arguments = [sys.argv[0], str(corpus), str(seeds), *limits]
    atheris.Setup(arguments, target.call, custom_mutator=_mutate)
    atheris.Fuzz()


def _mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Half of the time one word or number becomes another; else what libFuzzer does."""
    import atheris

    chooser = random.Random(seed)
    tokens = list(_TOKEN.finditer(data)) if chooser.random() < 0.5 else []
    if not tokens:
        return atheris.Mutate(data, max_size)
    token = chooser.choice(tokens)
    other = chooser.choice([*_JUNK, chooser.choice(tokens).group()])
    return (data[: token.start()] + other + data[token.end() :])[:max_size]


def replay(name: str, file: Path) -> None:
    """Read one file."""
    from _fuzz_targets import targets

    targets()[name](Path(tempfile.mkdtemp())).call(file.read_bytes())
    print("no traceback")


def main() -> None:
    """Print one row per reader."""
    from _fuzz_targets import targets

    parser = argparse.ArgumentParser()
    parser.add_argument("readers", nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--out", type=Path, default=Path("work_dirs/fuzz"))
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.readers or list(targets())
    if options.replay:
        replay(names[0], options.replay)
        return
    if options.only:
        fuzz(names[0], options.seconds, options.out.absolute() / names[0])
        return
    print(f"{'reader':<15}{'files read':>12}{'files/s':>9}{'peak MiB':>10}  ended by", flush=True)
    for name in names:
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("wb") as log, tempfile.TemporaryDirectory() as temporary:
            command = [sys.executable, __file__, name, "--only", "--out", str(options.out)]
            command += ["--seconds", str(options.seconds)]
            environment = {**os.environ, "TMPDIR": temporary, "NUMBA_NUM_THREADS": "1"}
            done = subprocess.run(command, stdout=log, stderr=log, env=environment, check=False)
        text = (folder / "log.txt").read_text(errors="replace")
        stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", text))
        end = "time" if done.returncode == 0 else _complaint(text)
        count, rate, peak = (stats.get(f"{key}", "?") for key in _STATS)
        print(f"{name:<15}{count:>12}{rate:>9}{peak:>10}  {end}", flush=True)


_STATS = ("number_of_executed_units", "average_exec_per_sec", "peak_rss_mb")


def _complaint(text: str) -> str:
    found = re.findall(
        r"^(?:\w+\.)*(?:\w*(?:Error|Exception|Warning)\b.*)$|^.*ERROR: libFuzzer.*$", text, re.MULTILINE
    )
    return found[0][:110] if found else text.strip().splitlines()[-1][:110]


if __name__ == "__main__":
    main()
