"""SQL lives in files, `sql/<name>.sql`, to be read, run in a shell and explained."""

from __future__ import annotations

import functools
import re
from importlib import resources

ROW = re.compile(r"^VALUES (\([^)]*\))", re.MULTILINE)


@functools.cache
def query(name: str) -> str:
    """Return the text of `sql/<name>.sql`; a name without a file is a bug and raises."""
    return (resources.files("penstock.store") / "sql" / f"{name}.sql").read_text("utf-8")


@functools.cache
def wide(name: str, rows: int) -> str:
    """Return the insert `name` for `rows` rows at once, to be given their values one after another.

    sqlite3 gives up and takes back the interpreter's lock once a statement: this way, not at each
    row. 10,000 ended instances (30,000 rows) took 60 ms of CPU so, and 76 ms one by one.
    """
    text, found = ROW.subn(lambda row: "VALUES " + ", ".join([row[1]] * rows), query(name))
    if found != 1:
        raise ValueError(f"sql/{name}.sql has {found} VALUES rows; to be widened it needs one")
    return text


def names() -> list[str]:
    """Return the names of all queries."""
    folder = resources.files("penstock.store") / "sql"
    return sorted(file.name[:-4] for file in folder.iterdir() if file.name.endswith(".sql"))
