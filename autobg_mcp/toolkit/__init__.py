"""What a tool is: its declaration, its schema, its endpoint and its context."""
