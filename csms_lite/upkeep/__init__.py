"""What an installer does beside a running system: copies, exports, a look at its health."""
