"""Findings, plans and progress in words, and as data."""
