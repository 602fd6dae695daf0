DELETE FROM broken_file WHERE file = ?;
