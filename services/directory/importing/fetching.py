"""Files from the web: fetched to disk before they are read, which takes two passes."""

from collections.abc import Callable
from typing import IO

import httpx

from shared.errors import Problem

LARGEST = 2 * 1024**3
"""Bytes; the whole national inventory takes about ten million."""
REDIRECTS = 5
TIMEOUT = httpx.Timeout(30, connect=10)


class CannotFetch(Problem):
    """The web gives no such file."""

    type = "cannot-fetch"
    status = 502
    title = "Ce fichier n'a pas pu être téléchargé."


def is_url(place: str) -> bool:
    """Whether a place is an address on the web, and not a file here."""
    return place.lower().startswith(("http://", "https://"))


def fetch(
    url: str,
    file: IO[bytes],
    progress: Callable[[int, int | None], None] = lambda *_: None,
    *,
    largest: int = LARGEST,
) -> None:
    """Write what is at an address to a file, left at its start; raises `CannotFetch`.

    `progress` gets the bytes that came and, if that is known, how many there are.
    """
    try:
        with (
            httpx.Client(follow_redirects=True, max_redirects=REDIRECTS, timeout=TIMEOUT) as client,
            client.stream("GET", url, headers={"Accept": "text/csv, */*;q=0.5"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise CannotFetch(f"Le serveur répond {answer.status_code} à {url}.")
            declared = answer.headers.get("content-length", "")
            total = int(declared) if declared.isdigit() else None
            came = 0
            for chunk in answer.iter_bytes():
                came += len(chunk)
                if max(came, total or 0) > largest:
                    raise CannotFetch(f"Le fichier dépasse {largest // 1024**2} Mio.")
                file.write(chunk)
                progress(came, total)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise CannotFetch(f"{url} : {_reason(exc)}.") from exc
    file.seek(0)


def _reason(exc: Exception) -> str:
    """Why, in French."""
    match exc:
        case httpx.ConnectError():
            return "le serveur ne se joint pas"
        case httpx.TimeoutException():
            return "le serveur ne répond pas à temps"
        case httpx.TooManyRedirects():
            return f"plus de {REDIRECTS} redirections"
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return "ce n'est pas une adresse web"
        case _:
            return "la réponse s'est interrompue"
