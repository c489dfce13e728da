"""A fleet behaves as one client: its retry budget and its cool-downs on Redis or Valkey.

Nothing that Redis does makes a request fail, or wait for it longer than about 50 ms, with each of
the two. docs/fleets.md says what is shared, what it costs, and what happens while Redis is away.
"""

from ._redis.budget import RedisRetryBudget
from ._redis.cooldown import RedisCooldown

__all__ = ["RedisCooldown", "RedisRetryBudget"]
