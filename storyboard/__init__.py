"""A build tool for films made of generated shots."""

__version__ = "0.1.0"
