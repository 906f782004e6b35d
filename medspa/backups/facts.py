"""What a database says of itself, so that a copy can be compared with it: its migrations, its rows, its seals."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from medspa.backups.refusal import BackupRefused
from medspa.sealed import CannotUnseal, sealed_columns, unseal

AT_ONCE = 2000
COLUMNS = {
    "sqlite": "SELECT of.name, own.name FROM sqlite_master AS of, pragma_table_info(of.name) AS own"
    " WHERE of.type = 'table'",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'",
}


class Facts(NamedTuple):
    migrations: list[str]
    rows: dict[str, int]
    sealed: list[str]


class Reading:
    """A database that is read by `run`, which executes one statement and returns its rows, all of one snapshot."""

    def __init__(self, vendor: str, run: Callable[[str], list[Any]]) -> None:
        self.run = run
        self.columns: dict[str, set[str]] = {}
        for table, column in run(COLUMNS[vendor]):
            self.columns.setdefault(table, set()).add(column)

    def facts(self) -> Facts:
        tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} & set(self.columns)
        rows = {table: self.count(table) for table in sorted(tables)}
        return Facts(self.migrations(), rows, list(self._samples()))

    def count(self, table: str) -> int:
        return int(self.run(f'SELECT count(*) FROM "{table}"')[0][0])

    def migrations(self) -> list[str]:
        if "django_migrations" not in self.columns:
            raise BackupRefused("There is no clinic in this database yet. Run: manage.py migrate")
        return [f"{app}.{name}" for app, name in self.run("SELECT app, name FROM django_migrations ORDER BY id")]

    def insist_on_rows(self, said: dict[str, int]) -> None:
        """Raise BackupRefused unless each table has as many rows as `said`."""
        for table, many in said.items():
            if (found := self.count(table)) != many:
                raise BackupRefused(f"The copy has {found} rows in {table} instead of {many}. Nothing was changed.")

    def insist_on_seals(self) -> int:
        """Raise BackupRefused unless DATA_KEYS opens every sealed text; how many there are."""
        opened = 0
        for table, name in self._sealed():
            last = 0
            while rows := self.run(
                f'SELECT id, "{name}" FROM "{table}" WHERE id > {last} AND "{name}" <> \'\' ORDER BY id LIMIT {AT_ONCE}'
            ):
                insist_on_keys([text for _key, text in rows])
                opened, last = opened + len(rows), rows[-1][0]
        return opened

    def _samples(self) -> Iterator[str]:
        """The oldest and the newest text of each sealed column: between them, every key that is in use, most likely."""
        for table, name in self._sealed():
            for order in ("ASC", "DESC"):
                some = f'SELECT "{name}" FROM "{table}" WHERE "{name}" <> \'\' ORDER BY id {order} LIMIT 1'
                yield from (text for (text,) in self.run(some))

    def _sealed(self) -> Iterator[tuple[str, str]]:
        """An older database may lack some of them."""
        return ((table, name) for table, name in sealed_columns() if name in self.columns.get(table, ()))


def insist_on_keys(texts: list[str]) -> None:
    """Raise BackupRefused unless DATA_KEYS opens each of these."""
    try:
        for text in texts:
            unseal(text)
    except CannotUnseal:
        raise BackupRefused(
            "DATA_KEYS does not open what is sealed in this backup. Set the keys that it was made with, old ones too."
        ) from None


def still_to_run(migrations: list[str]) -> list[str]:
    """What the program would migrate after these. Raises BackupRefused if one of them is newer than the program."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    if newer := sorted(set(migrations) - known):
        raise BackupRefused(
            f"The backup was made by a newer version of this program, with {newer[0]}. Update the program first."
        )
    return sorted(known - set(migrations))
