"""`penstock coordinator`: leads, or stands by for the one that leads."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.cli.daemon import Place, place_options
from penstock.cli.roles import (
    key_for,
    log_to_stderr,
    redeliveries_option,
    run_role,
    say_ready,
    supervised_option,
)


@click.command("coordinator")
@click.option("--dags", metavar="DIR", help="Watch and parse the DAG files of this folder.")
@click.option("--schedules/--no-schedules", default=True, help="Whether runs are made in time.")
@redeliveries_option
@place_options
@supervised_option
def command(
    place: Place, dags: str | None, schedules: bool, redeliveries: int, supervised: int | None
) -> None:
    """Play the coordinator alone: the leader, or a standby beside another one.

    The projection lies in the state folder; a coordinator elsewhere needs a folder of its own.
    """
    from penstock.coordinator.main import CoordinatorSettings, run

    log_to_stderr("coordinator")
    if not supervised:
        place.home.prepare()
    url, seed = key_for("coordinator", place)
    settings = CoordinatorSettings(
        url=url,
        seed=seed,
        database=place.home.database,
        dags=Path(dags).absolute() if dags else None,
        schedules=schedules,
        redeliveries=redeliveries,
    )
    run_role(run(settings, ready=say_ready))
