"""Does a retry policy feed an outage? A simulation with everybody's own code, and a real server."""
