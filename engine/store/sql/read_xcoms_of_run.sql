SELECT task, map_index, key, xcom FROM xcom WHERE run = ?;
