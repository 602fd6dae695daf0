"""The pure core: what a fact changes, and what follows. No clock, no chance, no I/O (law 3)."""
