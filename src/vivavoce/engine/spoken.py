"""From text as it is written to text as people say it, for a voice to read.

The voice's own front end reads plain numbers, years, ordinals, dates, clock times, amounts, units
and initialisms. This module takes away what is for the eye only and writes out what that front end
reads as nobody says it: ranges of money, rates, short times, versions, telephone numbers, Latin
abbreviations, and names that are not said as they are spelt. Transcripts keep what is written.

English (United States) only: 3/4/2026 is a day in March, 3.4.2026 one in April.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

_LINK: Final = re.compile(r"\[([^\[\]]{1,500})\]\([^()]{0,2000}\)")
_URL: Final = re.compile(r"https?://(?:www\.)?([^\s/?#]+)\S*")
_MARKS: Final = re.compile(r"[*`\\]+|~~+|_+(?![^\W_])|(?<![^\W_])_+|#+(?!\d)")
_SHARP: Final = re.compile(r"\b([CF])#")
_BULLET: Final = re.compile(r"^\s*(?:[-\N{BULLET}]|\d+[.)])\s+")
_NOT_SPOKEN: Final = re.compile(
    r"[^\w\s.,;:!?'\"()$%&+=@/#~<>\-"
    r"\N{POUND SIGN}\N{EURO SIGN}\N{DEGREE SIGN}\N{RIGHT SINGLE QUOTATION MARK}"
    r"\N{EM DASH}\N{EN DASH}]+"
)


def readable(text: str) -> str:
    """Take the marks of Markdown, links, list numbers and pictographs out of a sentence."""
    text = _BULLET.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(lambda found: found[1].replace(".", " dot "), text)
    text = _NOT_SPOKEN.sub(" ", _MARKS.sub("", _SHARP.sub(r"\1 sharp", text)))
    return " ".join(text.replace("_", " ").split())


def spoken(text: str) -> str:
    """Give a sentence as it is said. No number of digits and no mark is lost by it."""
    text = readable(_GROUPED.sub(lambda found: re.sub(r"\s", "", found[0]), text))
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return " ".join(_WORDS.sub(lambda found: _SAID[found[0].casefold()], text).split())


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_CURRENCIES: Final[Mapping[str, str]] = {
    "$": "dollars",
    "\N{POUND SIGN}": "pounds",
    "\N{EURO SIGN}": "euros",
    "usd": "dollars",
    "gbp": "pounds",
    "eur": "euros",
    "chf": "Swiss francs",
}
_SCALES: Final[Mapping[str, str]] = {
    "k": " thousand",
    "m": " million",
    "mn": " million",
    "bn": " billion",
    "b": " billion",
    "tn": " trillion",
}
_PERIODS: Final[Mapping[str, str]] = {
    "h": "hour", "hr": "hour", "d": "day", "wk": "week", "mo": "month", "yr": "year",
    "pa": "year", "annum": "year",
}  # fmt: skip
_SHORT_UNITS: Final[Mapping[str, str]] = {
    "yr": "year",
    "wk": "week",
    "mo": "month",
    "h": "hour",
}

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY: Final = r"(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)"
_NUMBER: Final = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SYMBOL: Final = "[$\N{POUND SIGN}\N{EURO SIGN}]"
_TO: Final = r"\s?[-\N{EN DASH}]\s?"
_SCALE: Final = r"(?:bn|mn|tn|[kmb])"
_TIME: Final = r"\d{1,2}:\d{2}"
_PERIOD: Final = r"hour|hr|h|day|d|week|wk|month|mo|year|yr|annum"
_MONEY_RANGE: Final = (
    rf"(?P<symbol>{_SYMBOL})(?P<low>{_NUMBER})(?P<scale>{_SCALE}\b)?(?:{_TO}| to )"
    rf"{_SYMBOL}?(?P<high>{_NUMBER})(?:\s?(?P<of_high>{_SCALE})\b)?"
)
_CURRENCY_AFTER: Final = (
    rf"(?<![\w.])(?P<number>{_NUMBER})(?P<scale>{_SCALE}\b)?\s?"
    rf"(?P<name>{_SYMBOL}(?!\d)|(?:USD|EUR|GBP|CHF)\b)"
)
_AMOUNT: Final = (
    r"(?<![\w,.])(?P<amount>\d[\w,.]*(?: (?:thousand|million|billion))?"
    r"(?: (?:dollars|pounds|euros|Swiss francs|days?|hours?|times?))?)"
)
# Thousands parted by a space that does not break: "20 000" is one number.
_GROUPED: Final = re.compile(
    "(?<!\\d)\\d{1,3}(?:[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}]\\d{3})+(?!\\d)"
)


def _scaled(number: str, scale: str | None) -> str:
    return number + (_SCALES[scale.lower()] if scale else "")


def _money_range(found: re.Match[str]) -> str:
    low, high = found["low"], found["high"]
    of_both = found["scale"] or found["of_high"]
    amounts = f"{_scaled(low, of_both)} to {_scaled(high, found['of_high'])}"
    return f"{amounts} {_CURRENCIES[found['symbol']]}"


def _money(found: re.Match[str]) -> str:
    return f"{_scaled(found['number'], found['scale'])} {_CURRENCIES[found['symbol']]}"


def _currency_after(found: re.Match[str]) -> str:
    name = _CURRENCIES[found["name"].lower()]
    is_one = found["number"] == "1" and not found["scale"]
    return (
        f"{_scaled(found['number'], found['scale'])} {name.removesuffix('s') if is_one else name}"
    )


def _half_day(found: re.Match[str]) -> str:
    minutes = f":{found['minutes']}" if found["minutes"] else ""
    return f"{found['hour']}{minutes} {found['half'].lower()}.m."


def _unit(found: re.Match[str]) -> str:
    name = _SHORT_UNITS[found["unit"].lower()]
    return f"{found['number']} {name}{'' if found['number'] == '1' else 's'}"


def _hours(found: re.Match[str]) -> str:
    return f"{found['hours']} hour{'' if found['hours'] == '1' else 's'} {found['minutes']}"


def _dotted_date(found: re.Match[str]) -> str:
    day, month = int(found["day"]), int(found["month"])
    if not (1 <= day <= 31 and 1 <= month <= len(_MONTHS)):  # noqa: PLR2004  days of a month
        return found[0]
    return f"{day} {_MONTHS[month - 1]} {found['year']}"


def _days(found: re.Match[str]) -> str:
    first, last = (
        next(day for day in _DAYS if day.lower().startswith(found[end].lower()[:3]))
        for end in ("first", "last")
    )
    return f"{first} to {last}"


def _digits(found: re.Match[str]) -> str:
    groups = re.findall(r"\d+", found[0])
    plus = "plus " if found[0].startswith("+") else ""
    return plus + ", ".join(" ".join(group) for group in groups)


def _points(found: re.Match[str]) -> str:
    return (found["word"] and "version ") + found["number"].replace(".", " point ")


def _rate(found: re.Match[str]) -> str:
    period = found["period"].lower()
    return f"{found['amount']} per {_PERIODS.get(period, period)}"


def _rank(found: re.Match[str]) -> str:
    return f"{found['rank']} {len(found['roman']) if found['roman'].upper() != 'IV' else 4}"


Say = str | Callable[[re.Match[str]], str]

# In this order: what is read whole comes before its parts.
_RULES: Final[Sequence[tuple[re.Pattern[str], Say]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), say)
    for pattern, say in (
        # Dates and spans of years.
        (r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>(?:19|20)\d{2})\b", _dotted_date),
        (r"\b((?:19|20)\d{2})/(\d{2})\b", r"\1 to \2"),
        (r"\b24/7\b", "twenty-four seven"),
        (rf"\b(?P<first>{_DAY})\.?{_TO}(?P<last>{_DAY})\b\.?", _days),
        # Numbers with a name of their own.
        (r"\b401\(?k\b\)?", "four oh one K"),
        (r"\b911\b", "nine one one"),
        (r"\bUS\s?\$", "$"),
        # Money, by itself, in spans, and by the hour or the year.
        (_MONEY_RANGE, _money_range),
        (rf"(?P<symbol>{_SYMBOL})(?P<number>{_NUMBER})\s?(?P<scale>{_SCALE})\b", _money),
        (_CURRENCY_AFTER, _currency_after),
        (rf"{_AMOUNT}\s?/\s?(?P<period>{_PERIOD})\b", _rate),
        (rf"(?<![\w.])({_NUMBER})k\b", r"\1 thousand"),
        # Times.
        (
            r"\b(?P<hour>\d{1,2})(?:[.:](?P<minutes>[0-5]\d))?\s?(?P<half>[ap])\.?m\b\.?",
            _half_day,
        ),
        (rf"({_TIME}){_TO}({_TIME})", r"\1 to \2"),
        (rf"(?<=[ap]\.m\.){_TO}(?=\d)", " to "),
        (r"(?<![\d:.])(\d{1,3}):(\d)(?![\d:])", r"\1 to \2"),
        (r"(?<![\d/])([1-9]0)/([1-9]0)(?![\d/])", r"\1 \2"),
        (r"\b(?P<hours>\d{1,2})h(?P<minutes>[0-5]\d)\b", _hours),
        (rf"(?<![\w.])(?P<number>{_NUMBER})\s?(?P<unit>yr|wk|mo|h)s?\b\.?", _unit),
        # Numbers.
        (rf"(?<![\w.])({_NUMBER})%?{_TO}({_NUMBER})\s?%", r"\1 to \2 percent"),
        (r"~\s?(?=\d)", "about "),
        (r"(?<![\w.])\.(\d+)\b", r"point \1"),
        (r"\b(\d+)x(\d+)\b", r"\1 by \2"),
        (rf"(?<![\w.])({_NUMBER})x\b", r"\1 times"),
        (r"\b(?P<word>v)(?:er\.?|ersion)?\s?(?P<number>\d+(?:\.\d+)*)\b", _points),
        (r"(?<![\w.])(?P<word>)(?P<number>\d+(?:\.\d+){2,})(?!\w|\.\d)", _points),
        (r"\bIPv(\d)\b", r"I P version \1"),
        # Telephone and other long numbers, one digit after the other.
        (r"\+\d[\d() /-]{6,18}\d", _digits),
        (r"(?<![\w.,])0\d{1,4}[ /-]\d[\d -]{3,12}\d(?![\w,]|\.\d)", _digits),
        (r"(?<![\w.,])(?!\d+000(?!\d))\d{7,}(?![\w,]|\.\d)", _digits),
        # The front end takes the stop after a sentence's last number for a part of the number.
        (r"(?<=\d)\.(?=[\"')\]]*(?:\s|$))", " ."),
        # Words.
        (r"\be\.\s?g\.,?", "for example,"),
        (r"\bi\.\s?e\.,?", "that is,"),
        (r"(?<=[\w.])\.NET\b|(?<!\w)\.NET\b", " dot net"),
        (r"\bwww\.", ""),
        (r"(?<=\.[a-z]{2})/(?=\w)|(?<=\.[a-z]{3})/(?=\w)", " slash "),
        (r"\b(he|his|him|yes|true)/(she|hers?|no|false)\b", r"\1 or \2"),
        (r"\b(?P<rank>engineer|developer|analyst|grade|tier|band) (?P<roman>II|III|IV)\b", _rank),
    )
)

_SAID: Final[Mapping[str, str]] = {
    # Abbreviations.
    "mgmt": "management", "mgr": "manager", "dept.": "department", "dept": "department",
    "govt": "government",
    "aws": "A.W.S.", "qty": "quantity", "k8s": "Kubernetes", "i18n": "internationalization",
    # Things that are said as words, or not as they are spelt.
    "json": "Jason", "yaml": "yammel", "kubectl": "cube control", "nginx": "engine X",
    "graphql": "graph Q L", "postgresql": "Postgres", "sqlite": "S Q lite", "redis": "reddis",
    "msc": "M.S.C.",
    # Names.
    "nguyen": "Win", "siobhan": "Shivawn", "niamh": "Neev", "saoirse": "Seersha", "sean": "Shawn",
    "aoife": "Eefa", "caoimhe": "Keeva", "eoghan": "Owen", "joaquin": "Wakeen", "zhang": "Jahng",
    "wojciech": "Voychek", "krzysztof": "Kshishtoff", "zoe": "Zoey",
    "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}": "Zoey", "xiao": "Shao",
}  # fmt: skip
_WORDS: Final = re.compile(
    rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(_SAID, key=len, reverse=True)))})(?!\w)",
    re.IGNORECASE,
)
