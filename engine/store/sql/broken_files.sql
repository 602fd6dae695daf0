SELECT file, error, line FROM broken_file ORDER BY file;
