"""The child that reads what strangers wrote in X.509; see `__main__`."""
