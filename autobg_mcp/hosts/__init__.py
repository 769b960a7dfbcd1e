"""MCP hosts on this machine: which there are, where they keep their servers, and which of them name this one."""
