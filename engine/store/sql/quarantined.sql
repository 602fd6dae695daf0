SELECT run, reason FROM quarantined;
