"""What does it cost in instructions? They repeat where times on a shared machine lie.

The work is that of the other questions, run under valgrind's callgrind: a loop and a longer one,
whose difference is what the calls took, and nothing of what surrounds them.
"""
