"""A log that is written with people's ids and keeps person keys: for imports, data sets and worlds."""

from collections.abc import Sequence

import pyarrow as pa
from sqlalchemy import Connection

from growthbench.events.appending import Appended
from growthbench.events.data import EventData
from growthbench.events.heads import lock_head
from growthbench.events.log import EventLog
from growthbench.people.directory import Directory, Ident


class KeyedLog:
    """An `EventLog` whose ``append_data`` takes events whose ``person`` is a user id (or ``anonymous:ID``).

    Ids become person keys, and properties are sealed with their person's own key, in the transaction that writes the
    events: what features read lies in columns of its own.

    Parameters
    ----------
    log : EventLog
    directory : Directory
        Of the same store and tenant.
    """

    def __init__(self, log: EventLog, directory: Directory):
        self.log, self.directory = log, directory

    @property
    def store(self):
        """The store."""
        return self.log.store

    @property
    def tenant(self) -> str:
        """Whose log it is."""
        return self.log.tenant

    def horizon(self) -> int:
        """The last ``seq`` given, 0 for an empty log."""
        return self.log.horizon()

    def append_data(self, data: EventData) -> Appended:
        """Append imported events in one transaction, keeping their ``received_at``; ``seq`` is given anew."""
        with self.store.writing() as connection:
            head = lock_head(connection, self.tenant)
            self.directory.check(head.people_version)
            return self.log.insert(connection, self._keyed(connection, data, head.seq + 1), head)

    def _keyed(self, connection: Connection, data: EventData, seq_hint: int) -> EventData:
        codes = data.events["person"].combine_chunks().dictionary_encode()
        ids = codes.dictionary.to_pylist()
        persons = self.directory.resolve(connection, [Ident.of(i) for i in ids], seq_hint)
        events = _replaced(data.events, "person", pa.array(persons, pa.string()).take(codes.indices))
        events = self._sealed(connection, events, persons)
        if not data.values.num_rows:
            return EventData(events, data.values)
        of = dict(zip(ids, persons))
        return EventData(events, _replaced(data.values, "person", [of[p] for p in data.values["person"].to_pylist()]))

    def _sealed(self, connection: Connection, events: pa.Table, persons: Sequence[str]) -> pa.Table:
        keys = self.directory.keys(connection, dict.fromkeys(persons))
        told = zip(*(events[c].to_pylist() for c in ("person", "name", "properties")))
        sealed = [
            None if given is None else keys[person].seal(_message(name, given).encode()) for person, name, given in told
        ]
        events = _replaced(events, "properties", pa.nulls(events.num_rows, pa.string()))
        return events.append_column("sealed", pa.array(sealed, pa.binary()))


def _message(name: str, properties: str) -> str:
    """As a live message holds it."""
    return f'{{"{"traits" if name == "identify" else "properties"}":{properties}}}'


def _replaced(table: pa.Table, name: str, values) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), pa.chunked_array([pa.array(values, pa.string())]))
