"""pre_execute, execute, post_execute, and the XCom that execute returns.

---
run: success
tasks:
  hooked: success
  steps: success
xcoms:
  hooked: {by: execute}
  hooked#after: null
  hooked#before: hooked
  hooked#given: 1
  steps: {by: execute}
  steps#after: null
  steps#before: steps
"""

from airflow.sdk import DAG, BaseOperator


class Steps(BaseOperator):
    def pre_execute(self, context):
        context["ti"].xcom_push(key="before", value=self.task_id)

    def execute(self, context):
        self.log.info("executing")
        return {"by": "execute"}

    def post_execute(self, context, result=None):
        context["ti"].xcom_push(key="after", value=result)


with DAG("operator_of_ones_own", schedule=None):
    Steps(task_id="steps")
    Steps(
        task_id="hooked", pre_execute=lambda context: context["ti"].xcom_push(key="given", value=1)
    )
