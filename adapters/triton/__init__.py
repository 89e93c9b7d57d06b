"""Asks Triton whether its models live."""
