"""Files that a command line names."""

from pathlib import Path

from tableferry.errors import InvalidSpecError, NotFoundError, Problem


def text_of(path: Path, holds: str) -> str:
    """The text of a file that `holds` something, with or without a byte order mark.

    Raises NotFoundError where it can not be read, InvalidSpecError where it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotFoundError(
            f"{path} can not be read: {error.strerror}", hint=f"name a file that holds {holds}"
        ) from error
    except UnicodeDecodeError as error:
        problem = Problem("$", str(path), f"is not UTF-8: {error.reason}", "save it as UTF-8")
        raise InvalidSpecError([problem]) from error
