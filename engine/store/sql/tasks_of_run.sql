SELECT task, length, rest, lengths, gathered, reason FROM task_run WHERE run = ?;
