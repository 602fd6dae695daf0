"""SmoothOperator: Airflow's joke, so that its example runs."""

from __future__ import annotations

from penstock.authoring.context import Context
from penstock.authoring.operator import BaseOperator


class SmoothOperator(BaseOperator):
    """Writes a link to a song into its log: `SmoothOperator(task_id="smooth")`."""

    ui_color = "#e8f7e4"
    yt_link = "https://www.youtube.com/watch?v=4TYv2PhG89A"

    def execute(self, context: Context) -> None:
        self.log.info("Enjoy Sade - Smooth Operator: %s", self.yt_link)
