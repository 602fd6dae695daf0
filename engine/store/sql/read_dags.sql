SELECT dag.*, serialized_dag.dag AS document FROM dag JOIN serialized_dag USING (version)
WHERE :dag_id IS NULL OR dag.dag_id = :dag_id ORDER BY dag.dag_id;
