DELETE FROM worker WHERE worker = ?;
