"""All questions, one after another: `python -m benchmarks`."""

from . import deadlines, happy_path, mending, no_double_processing, one_retry, waiters
from .storm import __main__ as storm

if __name__ == "__main__":  # processes that are spawned import it again
    happy_path.main()
    one_retry.main()
    waiters.main()
    deadlines.main()
    no_double_processing.main()
    mending.main()
    storm.main()
