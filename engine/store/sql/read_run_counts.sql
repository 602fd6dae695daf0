-- How many runs a DAG has in each state.
SELECT dag_id, state, count(*) AS runs FROM run
WHERE :dag_id IS NULL OR dag_id = :dag_id GROUP BY dag_id, state ORDER BY dag_id, state;
