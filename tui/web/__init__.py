"""The screens in a browser of this machine: each page runs the application in a process of its own.

The daemon's socket asks who its caller is, and a port on loopback can't: any user of the machine and any page in the
browser could reach it. So the address has a key in it, which is printed for whoever started the server; it becomes a
cookie that other sites can't use, and a request that names another host, or comes from another page, is refused.
"""

from __future__ import annotations

import hmac
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from textual_serve.server import Server

HOST: Final = "127.0.0.1"

_COOKIE: Final = "statekeep-key"

_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src data: *"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Screens(Server):
    """The server of the screens; ``address`` is where they are."""

    def __init__(self, socket: str, port: int, *, readonly: bool) -> None:
        words = [sys.executable, "-m", "statekeep.tui", "--socket", socket]
        words += ["--readonly"] if readonly else []
        super().__init__(
            shlex.join(words), HOST, port, title="StateKeep", templates_path=Path(__file__).resolve().parent
        )
        self.key = secrets.token_urlsafe(24)
        self.address = f"{self.public_url}/?key={self.key}"

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let through who has the key, from the page itself."""
        if request.host != f"{HOST}:{self.port}" or request.headers.get("Origin", self.public_url) != self.public_url:
            raise web.HTTPForbidden(text="This is for the page itself, on this machine.\n")
        given = request.query.get("key") or request.cookies.get(_COOKIE, "")
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            raise web.HTTPForbidden(text="The address that was printed at the start has a key in it; use that.\n")
        if request.path == "/" and "key" in request.query:
            # The key need not stand in the browser's history.
            response = web.Response(status=303, headers={"Location": "/"})
            response.set_cookie(_COOKIE, self.key, httponly=True, samesite="Strict")
            return response
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = f"{_POLICY}; connect-src 'self' ws://{HOST}:{self.port}"
        return answer

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is said before somebody can come."""

    def serve(self, debug: bool = False) -> None:  # noqa: ARG002 - the base's signature
        """Serve until SIGINT or SIGTERM."""
        web.run_app(self._make_app(), host=self.host, port=self.port, print=self._announce)

    def _announce(self, *_: object) -> None:
        print(f"The screens are at {self.address}", flush=True)  # noqa: T201 - that is what the user waits for
        print("They are for this machine alone. Ctrl+C ends them.", flush=True)  # noqa: T201


def serve(socket: str, port: int, *, readonly: bool) -> None:
    """Serve the screens until Ctrl-C."""
    Screens(socket, port, readonly=readonly).serve()
