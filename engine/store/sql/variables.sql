SELECT key, value FROM variable ORDER BY key;
