"""user_defined_macros and user_defined_filters, and Jinja options.

---
run: success
tasks:
  show: success
xcoms:
  show: OSLO! 42
"""

from airflow.sdk import DAG, task

with DAG(
    "templates_of_ones_own",
    schedule=None,
    user_defined_macros={"city": "Oslo", "double": lambda n: n * 2},
    user_defined_filters={"shout": lambda text: text.upper() + "!"},
):

    @task
    def show(text):
        return text

    show("{{ city | shout }} {{ double(21) }}")
