"""JSON, XML and tables of unknown origin, parsed without letting them harm."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synthmed.errors import PointsError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_ROWS = 3_000_000
"""More objects in one input are refused: each takes about a kilobyte while it is checked."""

DELIMITERS = (",", ";", "\t")


def check_count(count: int, path: object) -> None:
    """Refuse an input of too many objects before they take up memory.

    Raises:
        PointsError: if there are more than `MAX_ROWS`.
    """
    if count > MAX_ROWS:
        raise PointsError(
            f"the file holds more than {MAX_ROWS:,} objects",
            file=path,
            value=count,
            remedy="split it, by image say, and read one part at a time; or write it as CSV "
            "(image,x,y,label), which may have 20,000,000 rows",
        )


def parse_json(text: str, path: object, remedy: str = "export the file again") -> Any:
    """The content of a JSON text.

    Raises:
        PointsError: if it is not JSON, or nested too deep.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        row = error.lineno if isinstance(error, json.JSONDecodeError) else None
        value = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise PointsError(
            "the file is not valid JSON", file=path, row=row, value=value, remedy=remedy
        ) from error


def parse_yaml(text: str) -> Any:
    """The content of a YAML text; aliases, and so YAML bombs, are refused.

    Raises:
        ValueError: if it is not YAML, is nested too deep, or has an alias.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases (*name) are not read; write the value out")
            return super().compose_node(parent, index)

    try:
        return yaml.load(text, Loader)  # noqa: S506 a safe loader
    except Exception as error:  # PyYAML raises nearly anything on malformed values
        raise ValueError(str(error)[:1000] or type(error).__name__) from error


def parse_xml(text: str, path: object) -> Element:
    """The root of an XML text; entities, and so XML bombs, are refused.

    Raises:
        PointsError: if it is not XML, or defines entities.
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        # As bytes, because a declared encoding would contradict a text.
        root: Element = ElementTree.fromstring(_without_declaration(text))
    except ElementTree.ParseError as error:
        row = error.position[0]
        raise PointsError(
            "the file is not valid XML", file=path, row=row, value=str(error), remedy="export it again"
        ) from error
    except (DefusedXmlException, ValueError, RecursionError, MemoryError) as error:
        raise PointsError(
            "the XML file is not safe to read",
            file=path,
            value=type(error).__name__,
            remedy="export it again; no annotation tool defines XML entities",
        ) from error
    return root


def _without_declaration(text: str) -> str:
    """The text without ``<?xml ...?>``: it is decoded already, whatever encoding it claims."""
    text = text.lstrip()
    if text.startswith("<?xml"):
        return text[text.find("?>") + 2 :].lstrip() if "?>" in text else text
    return text


def parse_table(
    text: str, path: object, choose: Callable[[str], str]
) -> tuple[list[list[str]], list[int], str]:
    """The rows of a table that have any text, the line that each begins on, and the delimiter.

    Args:
        text: the table.
        path: its file, for messages.
        choose: tells the delimiter from the first line with text.

    Raises:
        PointsError: if it is not a table, or has too many rows.
    """
    check_count(text.count("\n"), path)
    delimiter = choose(text.lstrip("\r\n").splitlines()[0])
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for row in reader:
            if any(row):
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise PointsError(
            "the line is not CSV", file=path, row=line, value=str(error), remedy="save the table as CSV again"
        ) from error
    if not rows:
        raise PointsError("the annotation file is empty", file=path, remedy="write at least one point")
    return rows, lines, delimiter


def likely_delimiter(line: str) -> str:
    """The delimiter of a header: a tab or semicolon where there is one, as decimals may have commas.

    Examples:
        >>> likely_delimiter("Area;X;Y"), likely_delimiter("X,Y")
        (';', ',')
    """
    return next((mark for mark in ("\t", ";") if mark in line), ",")
