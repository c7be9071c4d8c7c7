"""Drawn placeholder clips: an animatic made from a prompt, without a provider."""
