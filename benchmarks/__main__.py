"""All questions, one after another: `python -m benchmarks`."""

from . import happy_path, mending, no_double_processing

happy_path.main()
no_double_processing.main()
mending.main()
