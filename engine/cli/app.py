"""The table of verbs. A verb's module is imported when it is called, so `--help` costs nothing."""

from __future__ import annotations

import importlib
import os

import click

VERBS: dict[str, tuple[str, str]] = {
    "run": ("run", "Run one DAG of a file to its end."),
    "up": ("up", "Start Penstock here: NATS, a coordinator and a worker, supervised."),
    "status": ("status", "List every process and how it is."),
    "trigger": ("trigger", "Start a run of a DAG."),
    "dags": ("dags", "List, show, check, test, pause and unpause DAGs."),
    "tasks": ("tasks", "Try one task, or show its rendered templates."),
    "runs": ("runs", "List, show and cancel runs."),
    "logs": ("logs", "Print what a task wrote."),
    "explain": ("explain", "Say why a run or a task is where it is."),
    "story": ("story", "Print every event of a run, with its cause."),
    "dead": ("dead", "List the messages that could not be taken, and why."),
    "connections": ("connections", "Set, get, list and delete connections."),
    "secrets": (
        "secret_keys",
        "Look after the key that connections and variables are sealed with.",
    ),
    "import": ("moving", "Take over what another orchestrator kept."),
    "pool": ("pool", "Set, list and delete pools."),
    "variables": ("variables", "Set, get, list and delete variables."),
    "providers": ("providers", "Install Airflow's provider packages, and try them out."),
    "access": ("access", "Let other services in, or shut them out."),
    "db": ("db", "Look after the database."),
    "bench": ("bench", "Measure how fast and how small Penstock is here."),
    "doctor": ("doctor", "Look for what is missing or wrong on this machine."),
    "coordinator": ("coordinator", "Play the coordinator alone."),
    "worker": ("worker", "Play a worker alone."),
    "nats": ("nats", "Run the embedded nats-server alone."),
    "version": ("version", "Print the version."),
}
"""verb: (module of penstock.cli, its line in --help). The module has it as `command`."""


class Verbs(click.Group):
    """A group whose commands are modules, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command = importlib.import_module(f"penstock.cli.{VERBS[name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else " See `penstock --help`."
            raise click.UsageError(f"{args[0]!r} is no command.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from penstock.cli.version import version

        click.echo(f"penstock {version()}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.pass_context
def penstock(ctx: click.Context) -> None:
    """Run machine-learning workflows, written as Python DAGs: each task starts as the last ends."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
