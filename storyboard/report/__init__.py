"""Findings, plans, builds and errors as text for people and as data for programs."""
