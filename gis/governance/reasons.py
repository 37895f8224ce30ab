"""Reasons 理由: why something was decided, in words of both languages and with its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Fact: TypeAlias = str | int | float | bool | list[str] | None


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence for the person who asks why, and the numbers behind it.

    ``code`` is kebab-case and stable; ``facts`` holds plain JSON values only.

    >>> Reason("clear", "位置明确", "The position is clear").text("en")
    'The position is clear'
    """

    code: str
    text_zh: str
    text_en: str
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def text(self, language: Literal["zh", "en"]) -> str:
        """Return the sentence in one language."""
        return self.text_zh if language == "zh" else self.text_en

    def to_json(self) -> dict[str, str | dict[str, Fact]]:
        """Return it as answers and stored matches carry it: ``text`` is the Chinese sentence.

        >>> Reason("clear", "位置明确", "The position is clear", {"n": 1}).to_json()
        {'code': 'clear', 'text': '位置明确', 'text_en': 'The position is clear', 'facts': {'n': 1}}
        """
        return {
            "code": self.code,
            "text": self.text_zh,
            "text_en": self.text_en,
            "facts": dict(self.facts),
        }
