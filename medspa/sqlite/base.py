"""Django's SQLite backend with a line before the door: a transaction that will write waits for its turn.

In line stands whoever begins a transaction in mode IMMEDIATE, until it is committed, rolled back or the connection is
closed. What waits for longer than the database's own `timeout` gets Django's OperationalError, "database is locked".
Single statements outside a transaction go to SQLite directly.

A connection that Django would keep for a thread is laid aside at the end of a request, for any thread.
"""

from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from medspa.sqlite.laid_aside import lay_aside, take
from medspa.sqlite.line import Line, line_before


class DatabaseWrapper(base.DatabaseWrapper):
    in_line: Line | None = None

    @property
    def _database(self) -> str:
        return str(self.settings_dict["NAME"])

    def get_new_connection(self, conn_params: Any) -> Any:
        """With a function that makes letters of every alphabet small; SQLite's own knows the English ones alone."""
        if laid_aside := take(self._database):
            return laid_aside
        connection = super().get_new_connection(conn_params)
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        return connection

    def close_if_unusable_or_obsolete(self) -> None:
        super().close_if_unusable_or_obsolete()
        is_kept = self.connection is not None and self.close_at is None and not self.is_in_memory_db()
        if is_kept and not self.in_atomic_block and not self._is_writing():
            lay_aside(self._database, self.connection)
            self.connection = None

    def _start_transaction_under_autocommit(self) -> None:
        if self.transaction_mode == "IMMEDIATE" and not self.is_in_memory_db():
            line = line_before(self._database)
            if not line.join(float(self.settings_dict["OPTIONS"].get("timeout", 5))):
                raise OperationalError("database is locked")
            self.in_line = line
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._leave_line()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()
        finally:
            if not self._is_writing():
                self._leave_line()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()
        finally:
            self._leave_line()

    def _close(self) -> Any:
        try:
            return super()._close()
        finally:
            self._leave_line()

    def _is_writing(self) -> bool:
        """Whether a transaction is still open: a commit that failed is rolled back afterwards."""
        return self.connection is not None and self.connection.in_transaction

    def _leave_line(self) -> None:
        line, self.in_line = self.in_line, None
        if line is not None:
            line.leave()
