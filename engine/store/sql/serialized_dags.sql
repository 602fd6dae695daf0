SELECT version, dag FROM serialized_dag ORDER BY rowid;
