"""Quotas counted in Redis, for many workers on many machines."""

from growthbench.base.errors import NotReadyError
from growthbench.store.quotas import Lease

_KEPT_S = 40 * 86_400

# The same rule as `quotas.share`, run inside Redis so that nobody comes between reading and counting.
_LEASE = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local limit, wish, need, workers = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local left = limit - used
if left < need then return {0, math.max(0, left)} end
local granted = math.max(need, math.min(wish, math.floor(left / (2 * workers))))
redis.call('INCRBY', KEYS[1], granted)
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {granted, left - granted}
"""
_GIVE_BACK = "if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('DECRBY', KEYS[1], ARGV[1]) end return 0"


class RedisQuota:
    """Quotas counted in Redis; counts are kept for 40 days.

    A Redis that forgets (restarted without persistence) begins the day anew: keep its append-only file on.

    Parameters
    ----------
    url : str
        ``redis://HOST:PORT/DB``.
    prefix : str, default ``growthbench:quota``
    """

    def __init__(self, url: str, prefix: str = "growthbench:quota"):
        from redis import Redis

        self._prefix = prefix
        self._redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
        self._lease, self._give_back = self._redis.register_script(_LEASE), self._redis.register_script(_GIVE_BACK)

    def lease(self, tenant: str, kind: str, day: int, limit: int, wish: int, need: int = 1, workers: int = 1) -> Lease:
        """Take a lease, as `Quota.lease`; NotReadyError if Redis does not answer."""
        arguments = (limit, wish, need, workers, _KEPT_S)
        return Lease(*map(int, self._ask(self._lease, [self._key(tenant, kind, day)], arguments)))

    def give_back(self, tenant: str, kind: str, day: int, unused: int) -> None:
        """Return what was leased and not used; NotReadyError if Redis does not answer."""
        if unused > 0:
            self._ask(self._give_back, [self._key(tenant, kind, day)], (unused,))

    def used(self, tenant: str, kind: str, day: int) -> int:
        """What is used, or leased by a worker right now; NotReadyError if Redis does not answer."""
        return int(self._ask(self._redis.get, self._key(tenant, kind, day)) or 0)

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def _key(self, tenant: str, kind: str, day: int) -> str:
        return f"{self._prefix}:{{{tenant}}}:{kind}:{day}"

    @staticmethod
    def _ask(command, *arguments):
        from redis.exceptions import RedisError

        try:
            return command(*arguments)
        except RedisError as exc:
            raise NotReadyError("Redis, which counts the quotas, does not answer") from exc
