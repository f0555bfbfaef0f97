"""Carries one file over HTTP(S) or FTP(S), in a process of its own: see `__main__`."""
