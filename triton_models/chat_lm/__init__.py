"""The chat model's entry in Triton's model repository."""
