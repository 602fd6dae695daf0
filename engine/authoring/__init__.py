"""What authors write: DAGs, tasks, schedules, templates; and what it comes down to as data."""
