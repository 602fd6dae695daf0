INSERT OR REPLACE INTO connection (conn_id, value)
VALUES (?, ?);
