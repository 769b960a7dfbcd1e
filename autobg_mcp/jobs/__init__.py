"""Work that outlasts a call: jobs of vehicles and photos, whose turn it is, and the process that carries them out."""
