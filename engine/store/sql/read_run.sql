SELECT * FROM run WHERE run = ?;
