-- The XComs of a task instance are cleared.
DELETE FROM xcom WHERE run = ? AND task = ? AND map_index = ?;
