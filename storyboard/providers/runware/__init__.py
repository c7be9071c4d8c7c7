"""The Runware API."""
