"""Engine values to protobuf messages and back: the only package that knows both."""
