"""What is done of a run that may be killed: a line of JSON per image, beside the file to be."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from synthmed.detect.files import ImageFile
from synthmed.detect.results import ImageResult
from synthmed.errors import DatasetError

ENDING = ".unfinished"


class Journal:
    """The images that are done.

    The first line has the settings, and each other line what was found in one image. A line that was cut off
    is dropped, and so is an image whose file has changed since.

    Args:
        out: the file that the run will write.
        settings: what decides the results.

    Attributes:
        done: what was found, by name of the image.

    Raises:
        DatasetError: there is an unfinished run of other settings.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any]) -> None:
        self.path = out.with_name(out.name + ENDING)
        self._settings = json.loads(json.dumps(settings))
        self.done: dict[str, ImageResult] = {}
        self._marks: dict[str, list[int]] = {}
        lines = self._read()
        out.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        # What a kill cut off is written over.
        self._file.truncate(sum(map(len, lines)))
        if not lines:
            self._write(self._settings)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self.done:
            self.path.unlink(missing_ok=True)

    def result_of(self, image: ImageFile) -> ImageResult | None:
        """What was found in an image, if it is done and the same file."""
        return self.done.get(image.name) if self._marks.get(image.name) == _mark(image.path) else None

    def add(self, image: ImageFile, result: ImageResult) -> None:
        """Note that an image is done."""
        self.done[image.name], self._marks[image.name] = result, _mark(image.path)
        self._write({"mark": self._marks[image.name], **asdict(result)})

    def forget(self, image: ImageFile) -> bool:
        """Drop what an earlier run found in an image that cannot be read any more.

        Returns:
            Whether there was anything.
        """
        return self.done.pop(image.name, None) is not None

    def finish(self) -> None:
        """Delete the journal, since the results are written."""
        self._file.close()
        self.path.unlink()

    def _read(self) -> list[bytes]:
        """The sound lines."""
        content = self.path.read_bytes() if self.path.exists() else b""
        lines = content.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        if not lines:
            return []
        try:
            entries = [json.loads(line) for line in lines]
            for entry in entries[1:]:
                mark = entry.pop("mark")
                entry["shape_px"] = tuple(entry["shape_px"])
                self.done[entry["name"]], self._marks[entry["name"]] = ImageResult(**entry), mark
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DatasetError(
                "the notes of an unfinished run are damaged",
                file=self.path,
                remedy="delete them and start anew",
            ) from error
        if entries[0] != self._settings:
            raise DatasetError(
                f"an unfinished run of other settings is here: {_difference(entries[0], self._settings)}",
                file=self.path,
                remedy="go on with the same settings, choose another --out, or delete this file",
            )
        return lines

    def _write(self, entry: Any) -> None:
        self._file.write((json.dumps(entry, ensure_ascii=False) + "\n").encode())
        self._file.flush()


def _mark(path: Path) -> list[int]:
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns]


def _difference(before: Any, now: Mapping[str, Any]) -> str:
    if not isinstance(before, Mapping):
        return "it is not one of ours"
    names = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    return ", ".join(f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in names[:2])
