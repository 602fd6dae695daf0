SELECT worker, host, pid, slots, queues, joined_at FROM worker ORDER BY joined_at, worker;
