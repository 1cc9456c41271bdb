"""How a file's characters are written: known for certain before its first row is read.

UTF-8 is what the standard asks for. Spreadsheets also save UTF-16 with its mark, and Windows-1252;
that one is taken only if all it gives are signs of French: in any other encoding, accents would
come out as something else.
"""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from typing import IO

from services.directory.importing.problems import NotACsvFile

CHUNK = 1024 * 1024
"""Bytes that are read at once."""

_ASCII = bytes(range(0x80))
_FRENCH = frozenset(
    "àâäáãåçéèêëîïíìôöóòõœæùûüúÿñÀÂÄÁÃÅÇÉÈÊËÎÏÍÌÔÖÓÒÕŒÆÙÛÜÚŸÑ«»‹›‘’“”–—…€°²³·•\u00a0".encode(
        "cp1252"
    )
)
_OTHERS = (
    (b"PK\x03\x04", "un classeur (xlsx, ods) ou une archive : enregistrez la feuille en CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "un classeur (xls) : enregistrez la feuille en CSV UTF-8"),
    (b"%PDF", "un PDF"),
    (b"\x1f\x8b", "une archive : décompressez-la"),
    (b"<", "une page web (HTML, XML)"),
    (b"{", "du JSON"),
    (b"[", "du JSON"),
)


def encoding_of(file: IO[bytes]) -> str:
    """The file's encoding, valid to its end, which leaves the file at its start.

    Raises `NotACsvFile`, with what the file seems to be.
    """
    start = file.read(CHUNK)
    file.seek(0)
    for mark, what in _OTHERS:
        if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(mark):
            raise NotACsvFile(f"Ce n'est pas du CSV, mais {what}.")
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        if _decodes(file, "utf-16"):
            return "utf-16"
        raise NotACsvFile(
            "Le fichier s'annonce en UTF-16, et n'en est pas. Enregistrez-le en UTF-8."
        )
    if b"\0" in start.partition(b"\n")[0]:
        raise NotACsvFile(
            "Le fichier n'est pas du texte, ou pas en UTF-8. Enregistrez-le en UTF-8."
        )
    if _decodes(file, "utf-8"):
        return "utf-8-sig"
    if _is_french(file):
        return "cp1252"
    raise NotACsvFile("Le fichier n'est pas en UTF-8. Enregistrez-le en CSV UTF-8.")


def _decodes(file: IO[bytes], encoding: str) -> bool:
    decoder = getincrementaldecoder(encoding)()
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True


def _is_french(file: IO[bytes]) -> bool:
    """Whether every sign beyond ASCII is one of French in Windows-1252."""
    signs: set[int] = set()
    while chunk := file.read(CHUNK):
        signs.update(chunk.translate(None, _ASCII))
    file.seek(0)
    return signs <= _FRENCH
