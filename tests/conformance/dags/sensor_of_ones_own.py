"""A class of one's own on BaseSensorOperator, with an XCom.

---
run: success
tasks:
  third: success
xcoms:
  third: 3
"""

from airflow.sdk import DAG, BaseSensorOperator, PokeReturnValue


class Third(BaseSensorOperator):
    pokes = 0

    def poke(self, context):
        self.pokes += 1
        return PokeReturnValue(is_done=self.pokes == 3, xcom_value=self.pokes)


with DAG("sensor_of_ones_own", schedule=None):
    Third(task_id="third", poke_interval=0.1, timeout=60)
