"""What drivers see: the status document and its stream."""
