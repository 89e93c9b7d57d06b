"""Turns downloaded weights into the files that Triton serves."""
