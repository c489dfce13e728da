"""What a fleet shares, on real servers of Redis and Valkey: they are killed, stopped and filled."""
