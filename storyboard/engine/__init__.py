"""Runs a plan: look up, make, store, cut."""
