"""Airflow's import names: one table (`names`), one finder that serves it (`finder`).

Active only where DAG files are loaded, so a real Airflow elsewhere is none of our business.
"""
