"""What is well on this machine and what is not: one small check each, with what to do."""
