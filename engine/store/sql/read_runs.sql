-- Runs, the newest first; :before is the key of the run to go on after.
SELECT * FROM run
WHERE (:dag_id IS NULL OR dag_id = :dag_id)
    AND (:state IS NULL OR state = :state)
    AND (:before IS NULL OR number < (SELECT number FROM run WHERE run = :before))
ORDER BY number DESC LIMIT :limit;
