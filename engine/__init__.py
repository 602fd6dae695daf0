"""Penstock: an event-driven orchestrator for machine-learning workflows.

The public face: `from penstock import DAG, task, ...`. Names are imported when they are asked for,
so that `import penstock` alone costs nothing.
"""
