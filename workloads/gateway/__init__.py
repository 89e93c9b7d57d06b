"""The HTTP server in a workspace's pod: KAITO's ``/chat`` and OpenAI's routes, before Triton."""
