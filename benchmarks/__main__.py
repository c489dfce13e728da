"""All questions, one after another: `python -m benchmarks`."""

from . import deadlines, happy_path, mending, no_double_processing, one_retry, waiters

happy_path.main()
one_retry.main()
waiters.main()
deadlines.main()
no_double_processing.main()
mending.main()
