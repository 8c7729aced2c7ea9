"""WHERE it rests: the store's interface and its implementations."""
