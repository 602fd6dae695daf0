"""FileSensor: a file, a folder's files by a pattern, and one that never comes.

---
run: success
tasks:
  file: success
  missing: skipped 1
  pattern: success
  write: success
"""

import os

from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.sdk import DAG, task

FOLDER = os.environ.get("CONFORMANCE_FILES", "/tmp")

with DAG("sensor_of_files", schedule=None):

    @task
    def write():
        with open(os.path.join(FOLDER, "sensed.txt"), "w") as file:
            file.write("here")

    write() >> [
        FileSensor(task_id="file", filepath=os.path.join(FOLDER, "sensed.txt"), poke_interval=1),
        FileSensor(task_id="pattern", filepath=os.path.join(FOLDER, "sen*.txt"), poke_interval=1),
        FileSensor(
            task_id="missing",
            filepath=os.path.join(FOLDER, "nothing.txt"),
            poke_interval=0.2,
            timeout=1,
            soft_fail=True,
        ),
    ]
