"""Page views from any ASGI application (Starlette, FastAPI, Django, Litestar ...)::

    app = PageViews(app, MarketingClient(api_key="gbw_...", base_url="https://growth.example.com", app_id="shop"))

The middleware never delays an answer and never breaks one: the client only queues, and does not raise.
"""

import uuid
from http.cookies import CookieError, SimpleCookie

from growthbench_sdk import MarketingClient

COOKIE = "visitor"


class PageViews:
    """Tells of every HTML page that was answered with success, by the signed-in user or by a visitor's cookie.

    Parameters
    ----------
    app
        The application inside.
    client : MarketingClient
    user_of : callable, optional
        Gives the user id of a scope; by default of ``scope["user"]``, where Starlette and others put who is signed in.
    """

    def __init__(self, app, client: MarketingClient, user_of=None):
        self.app, self.client = app, client
        self.user_of = user_of or (lambda scope: getattr(scope.get("user"), "username", None) or None)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visitor, is_new = visitor_of(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))

        async def watched(message):
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                if message["status"] < 400 and headers.get(b"content-type", b"").startswith(b"text/html"):
                    self.client.page(self.user_of(scope), None, page_of(scope), anonymous_id=visitor)
                    if is_new:
                        cookie = f"{COOKIE}={visitor}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
                        message = {**message, "headers": [*message["headers"], (b"set-cookie", cookie.encode())]}
            await send(message)

        await self.app(scope, receive, watched)


def page_of(scope) -> dict[str, str]:
    """Properties of a page view."""
    headers = dict(scope["headers"])
    return {
        "path": scope["path"],
        "search": scope.get("query_string", b"").decode("latin-1"),
        "referrer": headers.get(b"referer", b"").decode("latin-1"),
    }


def visitor_of(cookies: str) -> tuple[str, bool]:
    """A visitor's id from the cookies, or a new one."""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        found = None
    return (found.value, False) if found is not None and found.value else (uuid.uuid4().hex, True)
