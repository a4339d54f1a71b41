"""Text that shows itself only when asked."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["MASK", "Secret", "is_secret_name", "masked", "without_secrets"]

MASK: Final = "***"
_SECRET_NAMES: Final = ("api_key", "secret", "token", "password")


class Secret:
    """A key, token or password: `reveal()` at the last door before the service, `***` everywhere else."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled: that would write it down")


def masked(value: object) -> str:
    """`enc_hook` of msgspec and `default` of json: a `Secret` becomes `***`, a path its text.

    :raises TypeError: any other type.
    """
    if isinstance(value, Secret):
        return MASK
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def is_secret_name(key: object) -> bool:
    """Whether what stands under this key is nobody else's business."""
    return isinstance(key, str) and (key in _SECRET_NAMES or key.endswith(tuple(f"_{name}" for name in _SECRET_NAMES)))


def without_secrets(value: Any) -> Any:
    """A copy of JSON-like data in which what stands under a secret's name is `***`."""
    if isinstance(value, dict):
        return {key: MASK if is_secret_name(key) else without_secrets(item) for key, item in value.items()}
    return [without_secrets(item) for item in value] if isinstance(value, list | tuple) else value
