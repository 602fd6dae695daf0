"""Templates: Jinja in the fields that an operator names, filled in when an attempt begins.

Rendering goes through lists, dicts and objects that have template fields of their own; results of
other tasks (anything with `resolve(context)`) are replaced by their values on the way. An undefined
name is an error. Text without braces is not given to Jinja at all, so plain arguments cost nothing.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from penstock.authoring.exceptions import AirflowException

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from penstock.authoring.context import Context
    from penstock.authoring.dag import DAG

log = logging.getLogger("penstock.templates")


def _dated(format: str | None) -> Callable[[Any], str | None]:
    def convert(value: date | datetime | None) -> str | None:
        if value is None:
            return None
        return value.isoformat() if format is None else value.strftime(format)

    return convert


def _compact(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("-", "").replace(":", "")


FILTERS: dict[str, Callable[..., Any]] = {
    "ds": _dated("%Y-%m-%d"),
    "ds_nodash": _dated("%Y%m%d"),
    "ts": _dated(None),
    "ts_nodash": _dated("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": _compact,
}
"""Filters that every template has, besides Jinja's own."""


def environment(dag: DAG, *, native: bool) -> Environment:
    """Return a DAG's Jinja environment: its folders, macros and filters, strict about names."""
    import jinja2
    from jinja2.nativetypes import NativeEnvironment
    from jinja2.sandbox import SandboxedEnvironment, is_internal_attribute

    class Sandbox(SandboxedEnvironment):
        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return not is_internal_attribute(obj, attr)

    options: dict[str, Any] = {
        "undefined": dag.template_undefined or jinja2.StrictUndefined,
        "extensions": ["jinja2.ext.do"],
        "loader": jinja2.FileSystemLoader([dag.folder, *map(str, dag.template_searchpath)]),
        **dag.jinja_environment_kwargs,
    }
    made: Environment = NativeEnvironment(**options) if native else Sandbox(**options)
    made.filters.update(FILTERS)
    made.filters.update(dag.user_defined_filters)
    made.globals.update(dag.user_defined_macros)
    return made


class Renderer:
    """Renders the values of one task in one context.

    data: ids of objects that are data (they came out of XComs), however much like templates they
    look.
    """

    def __init__(
        self, task: Any, context: Context, env: Environment | None, data: set[int] | None = None
    ) -> None:
        self.context = context
        self.extensions = tuple(getattr(task, "template_ext", ()) or ())
        self.seen = set(data or ())
        self._env, self._task = env, task
        self._native: bool | None = None

    @property
    def env(self) -> Environment:
        if self._env is None:
            self._env = self._task.get_template_env()
        return self._env

    @property
    def native(self) -> bool:
        """Whether a template makes a Python value; known without making an environment."""
        if self._native is None:
            own = getattr(self._task, "render_template_as_native_obj", None)
            dag = getattr(self._task, "dag_or_none", None)
            self._native = (
                own if own is not None else bool(dag and dag.render_template_as_native_obj)
            )
        return self._native

    def fields(self, owner: Any, names: Any) -> None:
        """Render the named attributes of `owner` in place. An error names the field."""
        for name in names:
            try:
                value = getattr(owner, name)
            except AttributeError:
                raise AirflowException(
                    f"{type(owner).__name__} names {name!r} as a template field but has no such "
                    "attribute; set it in __init__."
                ) from None
            if value is None or (isinstance(value, str | list | tuple | dict | set) and not value):
                continue
            try:
                called = callable(value) and not hasattr(value, "resolve")
                rendered = (
                    value(context=self.context, jinja_env=self.env)
                    if called
                    else self.render(value)
                )
            except Exception:
                log.error("cannot render the field %r of %r: %r", name, owner, value)
                if self.context.get("run_id") and "logical_date" not in self.context:
                    log.error("the run has no logical date, and so no `ds`, `ts` and their kin")
                raise
            setattr(owner, name, rendered)

    def render(self, value: Any) -> Any:
        if id(value) in self.seen:
            return value
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, os.PathLike) and (resolve := getattr(value, "resolve", None)):
            return resolve(self.context)
        if isinstance(value, tuple):
            items = [self.render(item) for item in value]
            return tuple(items) if type(value) is tuple else type(value)(*items)
        if isinstance(value, list):
            return [self.render(item) for item in value]
        if isinstance(value, dict):
            return {key: self.render(item) for key, item in value.items()}
        if isinstance(value, set):
            return {self.render(item) for item in value}
        names = getattr(value, "template_fields", None)
        if names is not None:
            self.seen.add(id(value))
            self.fields(value, names)
        return value

    def text(self, text: str) -> Any:
        """Return a template's text; one that ends like a template file is the file's, rendered."""
        if self.extensions and text.endswith(self.extensions):
            return self.env.get_template(text).render(self.context)
        if "{" not in text and "\n" not in text and not self.native and self._plain_syntax:
            return text
        return compiled(self.env, text).render(self.context)

    @property
    def _plain_syntax(self) -> bool:
        """Whether templates use Jinja's own braces, so that a text without one is no template."""
        dag = getattr(self._task, "dag_or_none", None)
        return dag is None or not dag.jinja_environment_kwargs


@functools.lru_cache(maxsize=1024)
def compiled(env: Environment, text: str) -> Template:
    """Return a template made of text. Compiling costs about a millisecond, so it is kept."""
    return env.from_string(text)


def render_fields(
    task: Any, context: Context, env: Environment | None = None, data: set[int] | None = None
) -> None:
    """Read a task's template files, then render its fields, in place."""
    _read_files(task)
    Renderer(task, context, env, data).fields(task, task.template_fields)


def _read_files(task: Any) -> None:
    """Put the text of a template file where its name stood, so that `prepare_template` sees it."""
    if task.template_ext:
        endings = tuple(task.template_ext)
        for name in task.template_fields:
            value = getattr(task, name, None)
            if isinstance(value, str) and value.endswith(endings):
                setattr(task, name, _source(task, value))
            elif isinstance(value, list):
                found = [
                    _source(task, item)
                    if isinstance(item, str) and item.endswith(endings)
                    else item
                    for item in value
                ]
                setattr(task, name, found)
    task.prepare_template()


def _source(task: Any, name: str) -> str:
    import jinja2

    env = task.get_template_env()
    try:
        return str(env.loader.get_source(env, name)[0])
    except jinja2.TemplateNotFound:
        folders = ", ".join(getattr(env.loader, "searchpath", ())) or "none"
        raise AirflowException(
            f"the template file {name!r} is in none of the folders {folders}. Set the DAG's "
            "template_searchpath, or end the text with a space if it is no file."
        ) from None
