-- A try that has paused: its phase, and what it waits for, as JSON (lifecycle.state.Waiting).
ALTER TABLE task_instance ADD COLUMN wait TEXT;
