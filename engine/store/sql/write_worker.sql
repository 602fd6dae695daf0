INSERT OR REPLACE INTO worker (worker, host, pid, slots, queues, joined_at)
VALUES (?, ?, ?, ?, ?, ?);
