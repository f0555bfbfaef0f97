"""Tags that nobody knows, and how they become cards."""
