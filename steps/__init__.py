"""Operators: the kinds of work that come with Penstock, on `penstock.authoring` alone."""
