"""A pytest plugin: every test body meets httpx2 where it says httpx.

`pytest -p tests.over_httpx2` loads it before anything can import httpx.
"""

import httpx2

httpx2.alias_httpx()
