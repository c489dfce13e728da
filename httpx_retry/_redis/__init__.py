"""A budget and a cool-down that a fleet of processes shares on Redis or Valkey."""
