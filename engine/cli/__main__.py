"""`python -m penstock.cli`: what the supervisor starts its roles with."""

from penstock.cli import main

main()
