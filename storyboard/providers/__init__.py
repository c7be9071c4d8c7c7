"""Who makes the takes: one translation a provider, one wait loop and one HTTP client for all."""
