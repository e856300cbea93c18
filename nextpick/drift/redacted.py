"""What may be told of an error: its words without the secrets they quote. A net below all else, not a promise."""

import re

_NAMED = r"(\w*(?:password|passwd|pwd|secret|token|api_?key|access_?key)\w*[\"']?\s*[=:]\s*)"
_RULES = (
    (re.compile(r"(?<=://)[^\s\"'<>]*@"), "…@"),  # name and password of a URL, whatever they are made of
    (re.compile(r"[^\s\"'/:@]+:[^\s\"'/@]+@"), "…@"),  # the same where the scheme is cut off
    (re.compile(r"(hooks\.slack\.com/services/)[^\s\"'<>]+"), r"\1…"),
    (re.compile(r"\bxox[a-z]-[\w-]+|\bxapp-[\w-]+"), "…"),
    (re.compile(_NAMED + r"(?:\"[^\"]*\"|'[^']*'|[^\s,;\"']+)", re.IGNORECASE), r"\1…"),
)


def redacted(text: str) -> str:
    """The text with passwords, tokens and webhooks as far as they look like such."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text
