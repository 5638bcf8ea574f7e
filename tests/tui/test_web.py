"""The screens in a browser are for whoever has the key, and for the page itself."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from statekeep.tui.web import HOST, Screens
from tests.tui.conftest import STATEKEEP

Scene = Callable[[Screens, aiohttp.ClientSession], Awaitable[None]]


def free_port() -> int:
    """A port that nobody has at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def serve(scene: Scene, directory: Path) -> None:
    """Run a server in this process, and a scene with a browser's cookies on it."""

    async def run() -> None:
        screens = Screens(str(directory / "s"), free_port(), readonly=True)
        runner = web.AppRunner(await screens._make_app())
        await runner.setup()
        await web.TCPSite(runner, HOST, screens.port).start()
        try:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
                await scene(screens, browser)
        finally:
            await runner.cleanup()

    asyncio.run(run())


def test_a_port_that_others_have_is_said(tmp_path: Path) -> None:
    """In a sentence, with what to do."""
    with closing(socket.create_server((HOST, 0))) as taken:
        port = str(taken.getsockname()[1])
        words = [*STATEKEEP, "--socket", str(tmp_path / "s"), "tui", "--web", "--port", port]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Port {port}: Address already in use.\n" in done.stderr
    assert "to do  Name another one with --port.\n" in done.stderr


def apart(scene: Callable[[str, aiohttp.ClientSession], Awaitable[None]]) -> None:
    """Run the command as a process of its own, and a scene with a browser's cookies on the address that it prints."""

    async def run(address: str) -> None:
        async with (
            asyncio.timeout(60),
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
        ):
            await scene(address, browser)

    words = [sys.executable, "-m", "statekeep.tui", "--web", "--port", str(free_port()), "--socket", "/nowhere/s"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            found = re.search(r"http://\S+/\?key=\S+", process.stdout.readline())
            assert found
            asyncio.run(run(found[0]))
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/?key=guessed"])
def test_nobody_gets_in_without_the_key(tmp_path: Path, path: str) -> None:
    """Neither to the page nor to what stands behind it."""

    async def scene(screens: Screens, browser: aiohttp.ClientSession) -> None:
        async with browser.get(screens.public_url + path) as answer:
            assert answer.status == 403

    serve(scene, tmp_path)


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.example"}, {"Host": "elsewhere.example"}])
def test_another_page_can_not_use_the_cookie(tmp_path: Path, headers: dict[str, str]) -> None:
    """With the key in its cookies, a browser still refuses pages of other names."""

    async def scene(screens: Screens, browser: aiohttp.ClientSession) -> None:
        async with browser.get(screens.address) as answer:
            assert answer.status == 200
        async with browser.get(screens.public_url + "/ws", headers=headers) as answer:
            assert answer.status == 403

    serve(scene, tmp_path)


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """All addresses in it are of the server itself, and the policy says so to the browser."""

    async def scene(screens: Screens, browser: aiohttp.ClientSession) -> None:
        async with browser.get(screens.address) as answer:
            page = await answer.text()
            assert "key=" not in str(answer.url)
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        named = re.findall(r"https?://([^/\"]+)", page)
        assert set(named) == {f"{HOST}:{screens.port}"}

    serve(scene, tmp_path)


def test_the_application_draws_into_the_page() -> None:
    """What comes through the page's connection is the application: here, that there is no daemon."""

    async def scene(address: str, browser: aiohttp.ClientSession) -> None:
        async with browser.get(address):
            pass
        drawn = b""
        async with browser.ws_connect(
            address.partition("/?")[0].replace("http", "ws") + "/ws?width=100&height=30"
        ) as page:
            while b"No daemon" not in drawn:
                message: Any = await page.receive()
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                drawn += message.data if isinstance(message.data, bytes) else message.data.encode()

    apart(scene)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed: apt-get install chromium")
def test_a_browser_shows_it() -> None:
    """In a headless Chromium the first bytes of the application take away what stood there while it opened."""

    async def scene(address: str, browser: aiohttp.ClientSession) -> None:
        with tempfile.TemporaryDirectory() as profile:
            words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
            words += ["--remote-debugging-port=0", "about:blank"]
            process = await asyncio.create_subprocess_exec(*words, stderr=subprocess.PIPE)
            assert process.stderr
            try:
                port = int(
                    (await process.stderr.readuntil(b"/devtools/")).rpartition(b"/devtools/")[0].rpartition(b":")[2]
                )
                async with browser.put(f"http://{HOST}:{port}/json/new?{address}") as answer:
                    page = (await answer.json(content_type=None))["webSocketDebuggerUrl"]
                async with browser.ws_connect(page) as tab:
                    await _until(tab, "document.body.classList.contains('-first-byte')")
            finally:
                process.terminate()
                await process.wait()

    apart(scene)


async def _until(tab: aiohttp.ClientWebSocketResponse, expression: str) -> None:
    """Ask a page again and again until an expression is true in it."""
    while True:
        await tab.send_json({"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}})
        answer = await tab.receive_json()
        if answer.get("result", {}).get("result", {}).get("value") is True:
            return
        await asyncio.sleep(0.1)
