"""DAG files on one subject each, and what becomes of them in Airflow 3.3.2 and here.

A file of `dags/` is an ordinary Airflow file. Its docstring says its subject, then, as YAML, how
it is triggered and what must follow (`expectations`). `test_conformance` runs all of them on one
daemon; `against_airflow` has Airflow itself do the same.
"""
