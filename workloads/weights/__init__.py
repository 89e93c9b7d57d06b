"""The init container of a workspace's pod: puts a preset's model where Triton loads it."""
