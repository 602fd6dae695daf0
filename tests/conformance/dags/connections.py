"""Connections of the environment, as a URI and as JSON, by hook and in templates.

---
run: failed
tasks:
  by_json: success
  by_uri: success
  missing: failed
  templated: success
xcoms:
  by_json: [http, api.example.org, {retries: 3}]
  by_uri: [postgres, db.example.org, 5433, me, sales, {ssl: 'on'}]
  templated: db.example.org:5433
"""

from airflow.hooks.base import BaseHook
from airflow.sdk import DAG, Connection, task

with DAG("connections", schedule=None):

    @task
    def by_uri():
        found = BaseHook.get_connection("conformance_uri")
        return [
            found.conn_type,
            found.host,
            found.port,
            found.login,
            found.schema,
            found.extra_dejson,
        ]

    @task
    def by_json():
        found = Connection.get("conformance_json")
        return [found.conn_type, found.host, found.extra_dejson]

    @task
    def missing():
        return BaseHook.get_connection("conformance_missing").host

    @task
    def templated(text):
        return text

    by_uri()
    by_json()
    missing()
    templated("{{ conn.conformance_uri.host }}:{{ conn.conformance_uri.port }}")
