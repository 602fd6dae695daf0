"""One machine's processes: NATS, coordinator and worker, started, watched, started again."""
