"""Page views from any WSGI application (Flask, Django, Pyramid ...)::

    app.wsgi_app = PageViews(app.wsgi_app, MarketingClient(api_key="gbw_...", base_url="https://growth.example.com"))

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
        Gives the user id of an environment; by default ``REMOTE_USER``.
    """

    def __init__(self, app, client: MarketingClient, user_of=None):
        self.app, self.client = app, client
        self.user_of = user_of or (lambda environ: environ.get("REMOTE_USER"))

    def __call__(self, environ, start_response):
        visitor, is_new = visitor_of(environ.get("HTTP_COOKIE", ""))

        def watched(status, headers, exc_info=None):
            media_type = next((value for name, value in headers if name.lower() == "content-type"), "")
            if int(status[:3]) < 400 and media_type.startswith("text/html"):
                self.client.page(self.user_of(environ), None, page_of(environ), anonymous_id=visitor)
                if is_new:
                    cookie = f"{COOKIE}={visitor}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
                    headers = [*headers, ("Set-Cookie", cookie)]
            return start_response(status, headers, exc_info)

        return self.app(environ, watched)


def page_of(environ) -> dict[str, str]:
    """Properties of a page view."""
    return {
        "path": environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        "search": environ.get("QUERY_STRING", ""),
        "referrer": environ.get("HTTP_REFERER", ""),
    }


def visitor_of(cookies: str) -> tuple[str, bool]:
    """A visitor's id from the cookies, or a new one."""
    try:
        found = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        found = None
    return (found.value, False) if found is not None and found.value else (uuid.uuid4().hex, True)
