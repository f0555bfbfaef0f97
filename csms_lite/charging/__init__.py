"""A driver's door: starts and stops that are checked first and refused with the reason."""
