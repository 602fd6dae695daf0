SELECT state FROM run WHERE run = ?;
