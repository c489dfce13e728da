"""What all questions share: who is compared, what is called, how it is timed and told."""
