-- The run that succeeded last before another, by logical date: found without looking at the others.
CREATE INDEX run_succeeded ON run (dag_id, logical_date) WHERE state = 'success';
