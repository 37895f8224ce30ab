"""The root of every expected error, and the families that decide the HTTP status."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Language = Literal["zh", "en"]


class GovernanceError(Exception):
    """Base of every expected error.

    Subclasses set ``code`` (kebab-case, stable: clients match on it), a title and a ``detail``
    template for both languages. A template may name any fact: ``"找不到区域 {code}"``.

    >>> from gis.errors import AreaUnknown
    >>> AreaUnknown(code="341102").detail("en")
    'There is no area 341102 at that time. Check the code, or ask without `at` for today.'
    """

    code: ClassVar[str]
    title_zh: ClassVar[str]
    title_en: ClassVar[str]
    detail_zh: ClassVar[str]
    detail_en: ClassVar[str]

    def __init__(self, **facts: Any) -> None:  # noqa: ANN401 - facts are whatever JSON can carry
        self.facts = facts
        super().__init__(self.detail("en"))

    def title(self, language: Language) -> str:
        """Return the short human title."""
        return self.title_zh if language == "zh" else self.title_en

    def detail(self, language: Language) -> str:
        """Return the sentence that says what is wrong and what to do."""
        template = self.detail_zh if language == "zh" else self.detail_en
        return template.format_map(self.facts)


class NotFound(GovernanceError):
    """The thing asked for does not exist."""


class Conflict(GovernanceError):
    """The request is right, the present state does not allow it."""


class Rejected(GovernanceError):
    """The input is wrong; nothing was written."""


class Malformed(GovernanceError):
    """A question to a standard interface that its standard answers with 400."""


class Unavailable(GovernanceError):
    """A part that is needed does not answer now; the same call may succeed later."""


class Forbidden(GovernanceError):
    """Signed in, but this is not theirs to do."""


class NotSignedIn(GovernanceError):
    """No valid sign-in came with the request."""


class TooMany(GovernanceError):
    """More requests than one caller may send."""
