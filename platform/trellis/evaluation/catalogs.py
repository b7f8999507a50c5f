"""Where the definitions of a question come from: JSON files, package folders or the instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from metadata.query import Missing, Moment, Records
from metadata.wire import to_wire
from trellis.catalogs import Catalogs
from trellis.config import load_settings
from trellis.db import Database
from trellis.evaluation.definitions import read_catalog
from trellis.evaluation.question import EvaluationError, unknown_object
from trellis.phrases import Sentence


@dataclass(frozen=True, slots=True)
class Source:
    """Definitions, and the database with the records when they are an instance's."""

    catalog: Catalog
    connection: sa.Connection | None = None

    def record(self, object_name: str, record_id: str, moment: Moment) -> Mapping[str, object]:
        """Gives a stored record in wire form; raises EvaluationError when there is none."""
        if self.connection is None:
            text = "--record {id}: with --schema a record is JSON"
            raise EvaluationError(Sentence(text, {"id": record_id}))
        if object_name not in self.catalog.objects:
            raise unknown_object(object_name, self.catalog)
        records = Records(self.catalog, self.connection, SYSTEM, moment)
        try:
            found = records.get(object_name, record_id)
        except Missing:
            found = None
        if found is None:
            values = {"object": object_name, "id": record_id}
            raise EvaluationError(Sentence("no {object} with the id {id}", values))
        return to_wire(self.catalog.objects[object_name], found)


@contextmanager
def open_source(schemas: Sequence[Path]) -> Iterator[Source]:
    """Gives the definitions of files, or the instance's when no file is named."""
    if schemas:
        yield Source(read_catalog(schemas))
        return
    settings = load_settings()
    database = Database(
        settings.database_url,
        synchronous=settings.synchronous,
        cipher=settings.cipher,
        base_currency=settings.base_currency,
    )
    try:
        with database.read() as connection:
            yield Source(Catalogs().current(connection), connection)
    finally:
        database.dispose()
