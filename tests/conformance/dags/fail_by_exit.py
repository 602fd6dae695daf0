"""Leaving the process is a failure, even with code 0.

---
run: failed
tasks:
  interrupt: failed
  os_exit: failed
  sys_exit: failed
"""

import os
import sys

from airflow.sdk import DAG, task

with DAG("fail_by_exit", schedule=None):

    @task
    def sys_exit():
        sys.exit(0)

    @task
    def os_exit():
        os._exit(0)

    @task
    def interrupt():
        raise KeyboardInterrupt

    sys_exit()
    os_exit()
    interrupt()
