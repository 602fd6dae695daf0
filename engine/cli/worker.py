"""`penstock worker`: runs tasks, as many at once as it has slots."""

from __future__ import annotations

import logging
import os

import click

from penstock.cli.daemon import Place, place_options
from penstock.cli.roles import key_for, log_to_stderr, say_ready, supervised_option
from penstock.cli.sizes import memory_option

log = logging.getLogger("penstock.worker")


@click.command("worker")
@click.option("--slots", type=click.IntRange(1, 4096), help="Tasks at once; else the CPUs.")
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--drain", type=float, default=30.0, show_default=True, metavar="SECONDS")
@memory_option
@place_options
@supervised_option
def command(
    place: Place,
    slots: int | None,
    queues: tuple[str, ...],
    drain: float,
    memory_limit: int,
    supervised: int | None,
) -> None:
    """Play a worker alone. With --nats it may be anywhere: files come and go through NATS.

    SIGTERM drains: what runs may end within --drain seconds, the rest is given back.
    """
    from penstock.worker.main import WorkerSettings, run

    log_to_stderr("worker")
    if not supervised:
        place.home.prepare()
    url, seed = key_for("worker", place)
    settings = WorkerSettings(
        url=url,
        seed=seed,
        home=str(place.home),
        slots=slots or os.cpu_count() or 1,
        queues=queues or ("default",),
        drain=drain,
        memory_limit=memory_limit,
        shared_home=supervised is not None or place.is_local,
    )

    def ready() -> None:
        log.info("serves: %d slots, queues %s", settings.slots, ", ".join(settings.queues))
        say_ready()

    run(settings, ready=ready)
