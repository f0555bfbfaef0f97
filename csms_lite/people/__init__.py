"""Cards: who may charge."""
