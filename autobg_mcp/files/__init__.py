"""What lies on disk: which files may be read, how they are found, where results go; and what bytes from outside hold."""
