"""The description of the API as a page, without a request to anyone else."""

from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

STATIC = Path(__file__).parent.parent / "static"
_MEDIA_TYPES = {
    "docs.html": "text/html",
    "docs.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-bundle.js.LICENSE.txt": "text/plain",
    "LICENSE": "text/plain",
    "NOTICE": "text/plain",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


def router() -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def docs() -> Response:
        return _file("docs.html")

    @routes.get("/docs/static/{name}")
    async def static(name: str) -> Response:
        """Only the files that are listed: a name is never joined to a path unseen."""
        if name not in _MEDIA_TYPES:
            raise HTTPException(404)
        return _file(name)

    return routes


def _file(name: str) -> Response:
    return FileResponse(STATIC / name, media_type=_MEDIA_TYPES[name], headers=_HEADERS)
