"""Animatic: placeholder clips drawn from prompts, without a provider."""
