"""What stands for a name of Airflow's that is not here yet: it imports, and refuses to be used.

A DAG file may import more than it uses, and a provider's module nearly always does; so the refusal
waits for the use: a call, a subclass, an attribute. As a type hint, and in `isinstance`, it passes:
nothing is an instance of what does not exist.
"""

from __future__ import annotations

from typing import Any, NoReturn, Union

from penstock.airflow.refusals import advice
from penstock.authoring.errors import UnsupportedError


class NotServedError(UnsupportedError, AttributeError):
    """A name of Airflow's that is not here yet was used. Also an AttributeError, for `hasattr`."""


class Placeholder:
    """A name of Airflow's that is not here yet. `module` and `name` are where it was asked for."""

    def __init__(self, module: str, name: str) -> None:
        self.__dict__.update(__module__=module, __name__=name, __qualname__=name)

    def __repr__(self) -> str:
        return f"<{self._place}, which Penstock does not serve>"

    @property
    def _place(self) -> str:
        return f"{self.__dict__['__module__']}.{self.__dict__['__name__']}"

    def _refuse(self) -> NoReturn:
        place = self._place
        module, _, name = place.rpartition(".")
        raise NotServedError(
            f"Penstock does not serve the name {name!r} of {module!r}.{advice(place)}"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> NoReturn:
        self._refuse()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)  # copy, pickle and inspect ask for these of anything
        self._refuse()

    def _read(self, *_: Any) -> NoReturn:
        self._refuse()

    __iter__ = __enter__ = __aenter__ = __format__ = __fspath__ = _read
    __add__ = __radd__ = __truediv__ = __rtruediv__ = __int__ = __float__ = _read

    # ------------------------------------------------------------ what a type hint may do

    def __getitem__(self, item: Any) -> Placeholder:
        return self

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007 - `|` is what is being defined

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: Any) -> bool:
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        return Placeholder, (self.__dict__["__module__"], self.__dict__["__name__"])
