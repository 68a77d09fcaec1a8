"""The page: its files, and itself at every address that is nothing else, for it knows its own paths."""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from service.api import problems

_PACKAGED: Final = Path(__file__).parents[1] / "web"
FOLDER: Final = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "dashboards/web/dist"


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer what no route answers."""
    if scope["type"] == "http":
        await _answer(Request(scope))(scope, receive, send)


def _answer(request: Request) -> Response:
    path = request.url.path.removeprefix("/")
    if path.startswith("api/"):
        return problems.problem(404, "not_found", "not found", f"there is nothing at /{path}")
    if request.method not in {"GET", "HEAD"}:
        return problems.problem(405, "http_405", "wrong method", "this is only to be read", {"Allow": "GET, HEAD"})
    wanted = _file(path) or FOLDER / "index.html"
    if not wanted.is_file():
        return problems.problem(503, "no_page", "the page is not built", "run `make install`")
    forever = path.startswith("assets/")  # their names carry a hash of what is in them
    cache = "public, max-age=31536000, immutable" if forever else "no-cache"
    return FileResponse(wanted, headers={"Cache-Control": cache})


def _file(path: str) -> Path | None:
    """Return the file of the page at this path; nothing outside its folder is one."""
    try:
        wanted = (FOLDER / path).resolve()
        return wanted if wanted.is_relative_to(FOLDER.resolve()) and wanted.is_file() else None
    except (OSError, ValueError):  # a name that no file system would take
        return None
