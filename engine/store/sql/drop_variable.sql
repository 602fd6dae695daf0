DELETE FROM variable WHERE key = ?;
