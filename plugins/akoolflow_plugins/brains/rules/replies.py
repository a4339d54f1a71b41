"""Replies with `{name}` in them, checked when the rules are read, filled when one is said."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping

from msgspec import Struct

from akoolflow.errors import OptionInvalid

__all__ = ["Template", "parse_template"]


class Template(Struct, frozen=True):
    """Literal text and, after each piece of it, the name of what is to be put in."""

    pieces: tuple[tuple[str, str | None], ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """Values are put in as they are: braces in an utterance are never read as a template."""
        return "".join(text + (values[name] if name is not None else "") for text, name in self.pieces)


def parse_template(text: str, names: Collection[str], key: tuple[str | int, ...]) -> Template:
    """:raises OptionInvalid: at `key`; the text is blank, a brace is alone, or a name is not among `names`."""
    if not text.strip():
        raise OptionInvalid(key, "a reply without text", "use `no_match` to say nothing, or leave the rule out")
    try:
        # Only the parser of `str.format` is used; `format` itself would follow dots into Python objects.
        pieces = list(string.Formatter().parse(text))
    except ValueError as error:
        raise OptionInvalid(key, f"not a template: {error}", "write {{ and }} for braces of the text") from error
    for _, name, spec, conversion in pieces:
        if name is None:
            continue
        if name not in names or spec or conversion:
            written = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            known = ", ".join(f"{{{each}}}" for each in names)
            hint = f"this rule knows {known}; write {{{{ and }}}} for braces of the text"
            raise OptionInvalid(key, f"the reply names {{{written}}}, which this rule does not capture", hint)
    return Template(tuple((literal, name) for literal, name, _, _ in pieces))
