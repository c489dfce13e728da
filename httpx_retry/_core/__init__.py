"""Decide: pure values and arithmetic, with the standard library alone."""
