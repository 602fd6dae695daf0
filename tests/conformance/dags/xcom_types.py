"""What JSON has no word for keeps its type between tasks.

---
run: success
tasks:
  date: success
  make: success
  names: success
xcoms:
  date: {at: '2026-01-02T03:00:00+00:00', price: Decimal('1.25')}
  make: [1, 2.5, x]
  names: [tuple, 3, '2026-01-02T03:00:00+00:00', '1.25']
"""

from datetime import UTC, datetime
from decimal import Decimal

from airflow.sdk import DAG, task

with DAG("xcom_types", schedule=None):

    @task
    def make():
        return (1, 2.5, "x")

    @task
    def date():
        return {"at": datetime(2026, 1, 2, 3, tzinfo=UTC), "price": Decimal("1.25")}

    @task
    def names(three, other):
        return [type(three).__name__, len(three), other["at"].isoformat(), str(other["price"])]

    names(make(), date())
