"""The log of every frame, in a file of its own so that it never slows money."""
