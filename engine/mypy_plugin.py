"""For mypy: the parameters of a task's function take values, and results of tasks that are such.

    [tool.mypy]
    plugins = ["penstock.mypy_plugin"]

Python's types cannot say "an int, or the result of a task that returns one" for the parameters of
whatever function stands under `@task`. This plugin does: `double(load())` is refused where `load`
returns a text and `double` wants a number. Parameters that the context fills may be left out.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.nodes import ARG_NAMED, ARG_NAMED_OPT, ARG_OPT, ARG_POS
from mypy.plugin import MethodSigContext, Plugin
from mypy.types import (
    FunctionLike,
    Instance,
    Parameters,
    Type,
    UnionType,
    get_proper_type,
)

from penstock.authoring.vocabulary import CONTEXT_KEYS

CALL = "penstock.authoring.decorators.TaskFactory.__call__"
RESULT = "penstock.authoring.xcom_arg.XComArg"
LISTS = {"builtins.list", "typing.Sequence"}
DICTS = {"builtins.dict", "typing.Mapping"}
Named = Callable[[str, list[Type]], Instance]
LEFT_OUT = {ARG_POS: ARG_OPT, ARG_NAMED: ARG_NAMED_OPT}


class PenstockPlugin(Plugin):
    def get_method_signature_hook(
        self, fullname: str
    ) -> Callable[[MethodSigContext], FunctionLike] | None:
        return signature if fullname == CALL else None


def signature(context: MethodSigContext) -> FunctionLike:
    """Return a task function's signature as it is when it is called in a DAG file."""
    default = context.default_signature
    factory = get_proper_type(context.type)
    if not isinstance(factory, Instance) or len(factory.args) != 2:
        return default
    parameters = get_proper_type(factory.args[0])
    if not isinstance(parameters, Parameters):
        return default
    result = get_proper_type(default.ret_type)
    if not isinstance(result, Instance) or result.type.fullname != RESULT:
        return default
    named = context.api.named_generic_type
    kinds = [
        LEFT_OUT.get(kind, kind) if name in CONTEXT_KEYS else kind
        for name, kind in zip(parameters.arg_names, parameters.arg_kinds, strict=True)
    ]
    return default.copy_modified(
        arg_types=[widened(each, result, named) for each in parameters.arg_types],
        arg_kinds=kinds,
        arg_names=parameters.arg_names,
    )


def widened(wanted: Type, result: Instance, named: Named) -> Type:
    """Return the type of what may be given where `wanted` is: results stand in lists, too.

    A list becomes a sequence: no list of ints is a list of "ints or results", but a sequence is.
    """
    proper = get_proper_type(wanted)
    given: list[Type] = [wanted]
    if isinstance(proper, UnionType):
        given = [widened(each, result, named) for each in proper.items]
    elif isinstance(proper, Instance) and proper.type.fullname in LISTS:
        given = [named("typing.Sequence", [widened(proper.args[0], result, named)])]
    elif isinstance(proper, Instance) and proper.type.fullname in DICTS:
        key, value = proper.args
        given = [named("typing.Mapping", [key, widened(value, result, named)])]
    return UnionType.make_union([*given, result.copy_modified(args=[wanted])])


def plugin(version: str) -> type[Plugin]:
    return PenstockPlugin
