import asyncio

import pytest

from growthbench.serving.deadlines import Deadlines


def test_work_in_time_gives_its_result_and_its_own_errors():
    async def work(value):
        await asyncio.sleep(0)
        if value is None:
            raise ValueError("mine")
        return value

    async def both():
        deadlines = Deadlines(1.0)
        assert await deadlines.within(work, 7) == 7
        with pytest.raises(ValueError, match="mine"):
            await deadlines.within(work, None)

    asyncio.run(both())


def test_work_that_takes_too_long_is_cancelled_and_the_task_goes_on():
    ended = []

    async def work(seconds):
        try:
            await asyncio.sleep(seconds)
        finally:
            ended.append(seconds)
        return seconds

    async def one(deadlines, seconds):
        try:
            return await deadlines.within(work, seconds)
        except TimeoutError:
            await asyncio.sleep(0.01)  # what comes after is not cancelled
            return "late"

    async def all_of_them():
        deadlines = Deadlines(0.1)
        return await asyncio.gather(*(one(deadlines, s) for s in (5, 0.01, 5, 0.02, 0.03)))

    assert asyncio.run(all_of_them()) == ["late", 0.01, "late", 0.02, 0.03]
    assert sorted(ended) == [0.01, 0.02, 0.03, 5, 5]


def test_somebody_elses_cancel_stays_a_cancel():
    async def main():
        deadlines = Deadlines(5.0)
        task = asyncio.create_task(deadlines.within(asyncio.sleep, 5))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await deadlines.within(asyncio.sleep, 0.3, "still here") == "still here"

    asyncio.run(main())


def test_what_is_done_is_not_kept():
    async def main():
        deadlines = Deadlines(60.0)
        for _ in range(1_000):
            await deadlines.within(asyncio.sleep, 0)
        assert len(deadlines._line) <= 2

    asyncio.run(main())
