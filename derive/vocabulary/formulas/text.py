"""Users' text: its accepted characters, and the quotation of values in messages."""

import json
import re

from sdescent.derive.vocabulary.errors import BadInput

MAX_LENGTH = 2000  # characters

_UNPRINTABLE = re.compile(r"[^ -~]")


def check_text(text: object, field: str, accepted: str, limit: int = MAX_LENGTH) -> str:
    """`text`, checked to be a string of at most `limit` printable ASCII characters.

    Raises:
        BadInput: it is not. Look-alikes of ASCII letters and digits, control characters and line breaks are refused.
    """
    if not isinstance(text, str):
        raise BadInput(field, text, f"text: {accepted}")
    if len(text) > limit:
        raise BadInput(field, text, f"at most {limit} characters")
    if odd := _UNPRINTABLE.search(text):
        raise BadInput(field, text, f"printable ASCII characters only: {accepted}", odd.start() + 1)
    return text


def written(value: object, depth: int = 0) -> str:
    """A value in the syntax of TOML, for messages; a string that is not inside a list or a table has no quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if depth else value
    if isinstance(value, list | dict) and depth > 2:
        return "[...]" if isinstance(value, list) else "{...}"
    if isinstance(value, list):
        return f"[{', '.join(written(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {written(item, depth + 1)}' for key, item in value.items())}}}"
    if isinstance(value, int) and abs(value) >= 10**100:  # Python refuses to print the largest integers
        return "a number of more than 100 digits"
    return str(value)
