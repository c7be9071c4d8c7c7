"""The command line: one small module a verb. Nothing below reads the environment or prints."""
