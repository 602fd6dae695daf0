SELECT map_index, xcom FROM xcom WHERE run = ? AND task = ? AND key = ? ORDER BY map_index;
