-- Forget the story after a sequence: it is told again, from where its facts lie now.
DELETE FROM event WHERE sequence > ?;
