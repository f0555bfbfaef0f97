"""What is wrong somewhere and wants somebody to look."""
