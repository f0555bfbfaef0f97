"""SQLAlchemy Core statements compiled once and run by the driver itself.

Compiling is cached by SQLAlchemy too, but executing through its result machinery costs some
30 µs per statement where SQLite needs 4; at five statements per message that is the difference
between 5,000 and 20,000 durable messages per second. Values are plain: the tables use integers
and text only, so no type conversion is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Select, Subquery, UpdateBase, bindparam, func, select
from sqlalchemy.dialects import sqlite

from csms_lite.store.thread import raw_of

DIALECT: Final = sqlite.dialect(paramstyle="qmark")

Row = tuple[Any, ...]


class Prepared:
    """One statement, its text and the order of its parameters.

    Parameters are given by name; those with a value inside the statement need not be given.
    Raises `KeyError` when one is missing.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | UpdateBase) -> None:
        compiled = statement.compile(dialect=DIALECT)
        self.statement = statement
        self.text = str(compiled)
        self._defaults = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        order: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._pick = _picker(order)

    def rows(self, db: Connection, **values: object) -> list[Row]:
        """Run it and give all rows."""
        return raw_of(db).execute(self.text, self._bind(values)).fetchall()

    def one(self, db: Connection, **values: object) -> Row | None:
        """Run it and give the first row, or `None` when there is none."""
        row: Row | None = raw_of(db).execute(self.text, self._bind(values)).fetchone()
        return row

    def run(self, db: Connection, **values: object) -> int:
        """Run it and give the number of rows it changed."""
        return raw_of(db).execute(self.text, self._bind(values)).rowcount

    def run_many(self, db: Connection, many: Sequence[dict[str, object]]) -> None:
        """Run it once for each set of values."""
        raw_of(db).executemany(self.text, [self._bind(values) for values in many])

    def _bind(self, values: dict[str, object]) -> tuple[object, ...]:
        return self._pick(self._defaults | values if self._defaults else values)


def given(*names: str) -> Subquery:
    """Make a table of what comes as the one parameter *rows*: JSON, a list of lists of columns.

    For looking up many keys at once; what is inserted is cheaper row by row.
    """
    rows = func.json_each(bindparam("rows")).table_valued("value")
    return select(
        *(
            func.json_extract(rows.c.value, f"$[{place}]").label(name)
            for place, name in enumerate(names)
        )
    ).subquery()


def _picker(names: tuple[str, ...]) -> Callable[[dict[str, object]], tuple[object, ...]]:
    """Give what takes values in the order of *names* out of a mapping."""
    match names:
        case ():
            return lambda _values: ()
        case (name,):
            return lambda values: (values[name],)
        case _:
            return itemgetter(*names)
