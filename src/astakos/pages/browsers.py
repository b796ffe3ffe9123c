"""What people call a browser, from how it calls itself."""

from typing import Final

BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""A part of the name, and what it means. Many browsers also name those that they descend from."""
SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
UNKNOWN: Final = "Unknown browser"
LONGEST: Final = 40


def browser_name(agent: str | None) -> str:
    """Returns for example `Firefox on Linux`; the beginning of a name that nobody knows."""
    if not agent:
        return UNKNOWN
    browser = next((name for part, name in BROWSERS if part in agent), "")
    system = next((name for part, name in SYSTEMS if part in agent), "")
    if not browser:
        return agent if len(agent) <= LONGEST else f"{agent[:LONGEST]}…"
    return f"{browser} on {system}" if system else browser
