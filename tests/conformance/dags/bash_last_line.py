"""The XCom is the last line of what the command printed, with stderr; nothing printed is "".

---
run: success
tasks:
  blank_end: success
  no_newline: success
  silent: success
  spaces: success
  stderr: success
  two: success
xcoms:
  blank_end: ''
  no_newline: last
  silent: ''
  spaces: '  padded'
  stderr: err
  two: two
"""

from airflow import DAG
from airflow.operators.bash import BashOperator

with DAG("bash_last_line", schedule=None):
    BashOperator(task_id="two", bash_command="echo one; echo two")
    BashOperator(task_id="spaces", bash_command="printf '  padded  \\n'")
    BashOperator(task_id="stderr", bash_command="echo out; sleep 0.1; echo err >&2")
    BashOperator(task_id="silent", bash_command="true")
    BashOperator(task_id="blank_end", bash_command="echo text; echo")
    BashOperator(task_id="no_newline", bash_command="printf last")
