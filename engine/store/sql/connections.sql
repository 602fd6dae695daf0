SELECT conn_id, value FROM connection ORDER BY conn_id;
