pytest_plugins = ["tests.served_model"]
