-- It reached its stream.
DELETE FROM outbox WHERE id = ?;
