"""All questions, one after another: `python -m benchmarks`."""

from . import happy_path

happy_path.main()
