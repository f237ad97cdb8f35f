"""HTML that cannot be broken into: text is escaped when it enters an element."""

from __future__ import annotations

from html import escape

VOID_ELEMENTS = frozenset({"br", "img", "meta"})


class Markup(str):
    """Text that is HTML already. Every other string is escaped where it is used."""

    __slots__ = ()


def element(tag: str, *children: str | None, **attributes: str | float | None) -> Markup:
    """Return ``<tag attributes>children</tag>``; what is None is left out.

    Attribute names: ``class_`` stands for ``class``, and ``_`` for ``-``.
    """
    opening = tag + "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in VOID_ELEMENTS:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{together(*children)}</{tag}>")


def together(*children: str | None) -> Markup:
    """Return the children one after the other, each escaped unless it is markup."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(child)
            for child in children
            if child is not None
        )
    )
