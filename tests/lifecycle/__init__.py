"""Tests of the pure core. They need no event loop, no server and no clock."""
