"""Load from Locust, for those who use it (it is not a dependency): 80 % track, 15 % score, 5 % profile.

::

    pip install locust
    WRITE_KEY=gbw_... SECRET_KEY=gbs_... locust -f benchmarks/locust/locustfile.py --host http://127.0.0.1:3000 \
        --users 1000 --spawn-rate 100 --run-time 3m --headless

Each user asks every 3.3 s on average: 1,000 of them make 300 requests a second.
"""

import os
import random

from locust import FastHttpUser, between, task

PEOPLE = int(os.environ.get("PEOPLE", "2000"))
WRITE = {"Authorization": f"Bearer {os.environ['WRITE_KEY']}"}
SECRET = {"Authorization": f"Bearer {os.environ['SECRET_KEY']}"}


def somebody() -> str:
    return f"user-{random.randrange(PEOPLE)}"


class Visitor(FastHttpUser):
    """One open connection, as of a product service."""

    wait_time = between(2.3, 4.3)

    @task(80)
    def track(self):
        """An event."""
        properties = {"item_id": f"sku-{random.randrange(500)}", "category": "shoes", "price": 59.9}
        body = {"userId": somebody(), "event": "product_view", "properties": properties}
        self.client.post("/v1/track", json=body, headers=WRITE, name="track")

    @task(15)
    def score(self):
        """A score; 404 is an honest answer about somebody who never did anything."""
        path = f"/api/v1/scores/churn/{somebody()}"
        with self.client.get(path, headers=SECRET, name="score", catch_response=True) as answer:
            if answer.status_code == 404:
                answer.success()

    @task(5)
    def profile(self):
        """A profile."""
        path = f"/api/v1/users/{somebody()}/profile"
        with self.client.get(path, headers=SECRET, name="profile", catch_response=True) as answer:
            if answer.status_code == 404:
                answer.success()
