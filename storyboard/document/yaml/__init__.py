"""YAML 1.2 with source locations: parse, decode and edit text. A library of its own.

It imports nothing of the program but the values of ``core.diagnostics`` in which findings are reported.
"""
