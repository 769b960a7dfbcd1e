"""The rooms that know MCP: the server, approval by a person, and the transports."""
