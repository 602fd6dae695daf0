"""What `penstock bench` measures: the same work for Penstock and for what one would use instead.

`dags` is the work as DAG files, `work` as plain functions. `yardstick` is who else does it, `stack`
the Penstock that is measured, `processes` what the system says of it; `measures` has a function a
measure, `figures` what is aimed at and how a figure is shown.
"""
