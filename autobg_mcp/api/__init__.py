"""One request to Autobg: the call that makes it, slots, the wire, answers and links."""
