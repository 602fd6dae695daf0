"""Triggers: what deferred tasks wait for.

Those that wait for a moment alone lie in the coordinator's heap; the others run in a worker.
"""
