"""Certificates that stations ask for, signed here or by an operator."""
