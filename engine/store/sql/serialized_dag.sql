SELECT dag FROM serialized_dag WHERE version = ?;
