SELECT xcom FROM xcom WHERE run = ? AND task = ? AND map_index = ? AND key = ?;
