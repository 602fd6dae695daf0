SELECT task, length, rest, gathered, reason FROM task_run WHERE run = ?;
