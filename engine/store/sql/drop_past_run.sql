DELETE FROM past_run WHERE run = ?;
