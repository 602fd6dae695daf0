"""What is refused while a DAG file is read. Each error names the file and line of its author.

Errors of running tasks are elsewhere (`exceptions`): those names are Airflow's, because users
catch them. Where Airflow raises a TypeError or ValueError, ours is one too.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from penstock.authoring.places import Place, caller_place
from penstock.errors import PenstockError


class DagFileError(PenstockError):
    """A DAG file says something that cannot be done. place: the author's file and line."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        self.place = place or caller_place()
        self.reason = message
        super().__init__(f"{self.place}: {message}")

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def line(self) -> int | None:
        return self.place.line


class CycleError(DagFileError):
    """Tasks wait for each other in a circle, so none of them could ever start."""

    def __init__(self, dag_id: str, path: Iterable[str], place: Place) -> None:
        super().__init__(
            f"DAG {dag_id!r} has a cycle: {' >> '.join(path)}. Remove one of these dependencies.",
            place,
        )


class DuplicateTaskError(DagFileError):
    """Two tasks of one DAG (or two groups) have the same id."""


class DuplicateDagError(DagFileError):
    """Two DAGs of one file have the same id."""


class UnknownArgumentError(DagFileError, TypeError):
    """A call has arguments that its target does not know."""

    def __init__(
        self, target: str, names: Iterable[str], known: Iterable[str], place: Place | None = None
    ) -> None:
        wrong, known = sorted(names), sorted(known)
        near = [match for name in wrong for match in get_close_matches(name, known, 1)]
        hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
        plural = "s" if len(wrong) > 1 else ""
        super().__init__(
            f"{target} does not know the argument{plural} {', '.join(map(repr, wrong))}.{hint}",
            place,
        )


class MissingArgumentError(DagFileError, TypeError):
    """A call lacks arguments that its target cannot do without."""

    def __init__(self, target: str, names: Iterable[str], place: Place | None = None) -> None:
        super().__init__(f"{target} needs {', '.join(map(repr, names))}; give it by name.", place)


class InvalidArgumentError(DagFileError, ValueError, TypeError):
    """An argument has a value that cannot be meant."""


class UnserializableError(DagFileError, TypeError):
    """A value that the coordinator must see cannot be written as JSON."""


class UnsupportedError(DagFileError):
    """The file asks for something of Airflow's that is not here; the sentence says what instead."""
