SELECT position, id, subject, payload FROM outbox ORDER BY number;
