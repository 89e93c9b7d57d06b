"""Text generation by continuous batching: what ``model.py`` drives inside Triton.

Needs numpy (1.26 or later), onnxruntime, tokenizers and jinja2, and nothing of Triton or Moorage:
the builder copies this folder into the model repository, beside ``model.py``.
"""
