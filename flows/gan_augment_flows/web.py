"""What `serve` shows a browser: Prefect's server and the report, each to pages of its own alone.

Both answer requests that name this machine only: a page of another origin whose name somebody lets
point here (DNS rebinding) is not answered.
"""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

ADDRESS = "127.0.0.1"
HOSTS = (ADDRESS, "localhost")
REPORT = Path("reports/report.html")
ONLY_ITSELF = {
    # Pictures and style are in the page, and there is no script.
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def prefect() -> ASGIApp:
    """Return Prefect's API and UI, for uvicorn's `--factory`; settings are in the environment."""
    from prefect.server.api.server import create_app

    return TrustedHostMiddleware(create_app(final=True), allowed_hosts=list(HOSTS))


def report() -> Starlette:
    """Return what serves the report of this folder and nothing else, for uvicorn's `--factory`."""
    return Starlette(
        routes=[
            Route("/", lambda _: RedirectResponse(f"/{REPORT.name}")),
            Route(f"/{REPORT.name}", _report),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))],
    )


def _report(_: Request) -> Response:
    if not REPORT.is_file():
        return Response("There is no report yet: run `dvc repro`.\n", 404, media_type="text/plain")
    if REPORT.resolve() != Path.cwd().resolve() / REPORT:
        said = f"{REPORT} is a link to elsewhere, which is not followed.\n"
        return Response(said, 404, media_type="text/plain")
    return FileResponse(REPORT, headers=ONLY_ITSELF)
