"""People: their accounts, how they sign in, and what keeps others out."""
