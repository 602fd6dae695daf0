"""Calling an author's function with what it asks for out of the context."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.authoring.arguments import signature_of
from penstock.authoring.later import value_of


def call_arguments(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    context: Mapping[str, Any],
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return the arguments to call a function with: its own, and the context entries it names.

    A function with `**kwargs` gets the whole context. Raises ValueError if a positional argument
    falls on a parameter that has a context entry's name: it would be given twice.
    """
    everything = {**context, **kwargs}
    try:
        parameters = signature_of(function).parameters
    except TypeError:  # unhashable, so not to be remembered
        parameters = inspect.signature(function).parameters
    names = list(parameters)
    for name in names[: len(args)]:
        fixed = parameters[name].kind in (
            inspect.Parameter.KEYWORD_ONLY,
            inspect.Parameter.VAR_KEYWORD,
        )
        if name in everything and not fixed:
            raise ValueError(
                f"the parameter {name!r} of {getattr(function, '__name__', function)} is filled by "
                "name (from the context or op_kwargs), so it cannot be given by position too"
            )
    named = {name: value_of(everything[name]) for name in names if name in everything}
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return args, everything | named
    return args, named
