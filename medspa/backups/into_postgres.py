"""A dump from a backup takes the place of the present tables, in one transaction.

The present tables move into a schema of their own and are kept there. PostgreSQL's own pg_restore makes statements of
the dump and psql runs them; only once the rows were counted and the seals tried, within the same transaction, is it
committed. Whatever dies before leaves the old tables.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.db import connection

from medspa.backups.archive import Manifest
from medspa.backups.copies import Tell, environment, first_line, tool
from medspa.backups.facts import Reading
from medspa.backups.refusal import BackupRefused

NO_EXTENSIONS = (
    "NOT EXISTS (SELECT FROM pg_depend WHERE deptype = 'e' AND classid = '{0}'::regclass AND objid = {0}.oid)"
)
END = "--end-of-rows--"
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


def what_is_there() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        return ["tables in the database"] if cursor.fetchone()[0] else []


def insist_on_nobody() -> None:
    """Raise BackupRefused while others are connected."""
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        others = int(cursor.fetchone()[0])
    connection.close()
    _refuse(others)


def _refuse(others: int) -> None:
    if others:
        words = "The site is running on this database: others hold {} connections. Stop it first."
        raise BackupRefused(words.format(others))


@contextmanager
def brought_in(dump: Path, manifest: Manifest, stamp: str, tell: Tell) -> Iterator[Callable[[], str]]:
    """Yields what commits the change, once the new tables were compared with what the manifest says of them."""
    server, is_there = int(manifest.server), bool(what_is_there())
    connection.close()
    psql, pg_restore = tool("psql", server), tool("pg_restore", server)
    command = [psql, "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--field-separator=\t", "--no-password"]
    command += ["--set=ON_ERROR_STOP=1"]
    with (
        (dump.parent / "psql-says").open("w+") as says,
        subprocess.Popen(
            command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=says, text=True
        ) as session,
    ):
        assert session.stdin
        assert session.stdout
        try:
            tables = Session(session.stdin, session.stdout)
            tables.tell(f"BEGIN; {_put_aside(stamp) if is_there else ''}")
            tell("filling the database")
            subprocess.run(
                [pg_restore, "--no-owner", "--no-privileges", "--file=-", str(dump)],
                stdout=session.stdin,
                stderr=subprocess.DEVNULL,
                check=True,
            )
            tables.run("SET search_path TO public")  # and whatever pg_restore's statements have answered is behind us
            tell("comparing the database")
            reading = Reading("postgresql", tables.run)
            reading.insist_on_rows(manifest.rows)
            reading.insist_on_seals()
            yield lambda: _change(tables, f"the schema {stamp} of the database" if is_there else "")
        except (subprocess.CalledProcessError, BrokenPipeError, EOFError):
            session.kill()
            session.wait()
            says.seek(0)
            raise BackupRefused(f"The database did not take it, and is as it was. {first_line(says.read())}") from None
        finally:
            session.kill()  # whatever is not committed never was


class Session:
    """A psql that runs what it is told, one statement after another, in one transaction."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self.stdin, self.stdout = stdin, stdout

    def tell(self, statement: str) -> None:
        self.stdin.write(f"{statement}\n")
        self.stdin.flush()

    def run(self, statement: str) -> list[list[str]]:
        """Its rows. Raises EOFError where psql has ended, as it does at the first error."""
        self.tell(f"{statement}; SELECT '{END}';")
        rows: list[list[str]] = []
        while line := self.stdout.readline():
            if line == f"{END}\n":
                return rows
            rows.append(line.rstrip("\n").split("\t"))
        raise EOFError


def _put_aside(stamp: str) -> str:
    """Every table and function of ours goes into a schema of its own. Extensions stay, where the dump expects them."""
    return f"""
CREATE SCHEMA {stamp};
DO $$ DECLARE one text; BEGIN
  FOR one IN
    SELECT format('ALTER TABLE public.%I SET SCHEMA {stamp}', relname) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND {NO_EXTENSIONS.format("pg_class")}
    UNION ALL
    SELECT format('ALTER FUNCTION %s SET SCHEMA {stamp}', pg_proc.oid::regprocedure) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND {NO_EXTENSIONS.format("pg_proc")}
  LOOP EXECUTE one; END LOOP;
END $$;"""


def _change(tables: Session, aside: str) -> str:
    _refuse(int(tables.run(OTHERS)[0][0]))  # who came meanwhile would wait for what is put aside
    tables.run("COMMIT")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # without it the first pages would be slow
    return aside
