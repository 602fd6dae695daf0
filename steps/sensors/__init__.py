"""Sensors: tasks that wait for a moment, a file, a command, a function, or another DAG's run."""
