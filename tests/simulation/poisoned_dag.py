"""The DAG file of every story, which nobody may load (see `poison`)."""

from tests.simulation.poison import swallow

swallow("a DAG file was loaded")
