"""Paid providers of generated video: one translation each, and one poller and one HTTP client for all."""
