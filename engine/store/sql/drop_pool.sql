DELETE FROM pool WHERE name = ?;
