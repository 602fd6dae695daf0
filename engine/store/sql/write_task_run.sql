INSERT OR REPLACE INTO task_run (run, task, length, rest, lengths, gathered, reason)
VALUES (?, ?, ?, ?, ?, ?, ?);
