-- Connections, as variables: all fields of one are one sealed text.
CREATE TABLE connection (conn_id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
