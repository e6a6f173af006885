"""A database that goes away is told like any other mishap, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import ConnectionFailure

from synthmed.errors import DatasetError


@contextmanager
def told(remedy: str) -> Iterator[None]:
    """Within the block, a database that does not answer is a `DatasetError`.

    Args:
        remedy: what to do about it.

    Raises:
        DatasetError: the database does not answer.
    """
    try:
        yield
    except ConnectionFailure as error:
        # What pymongo says of itself goes on for lines about the topology of servers.
        reason = str(error).partition(",")[0].partition("(configured")[0].strip()
        raise DatasetError("FiftyOne's database does not answer", value=reason, remedy=remedy) from error
