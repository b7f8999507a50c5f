"""How values look on a page: template filters, in the reader's language and time zone."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from babel.numbers import format_decimal, get_currency_symbol
from flask import Flask, current_app
from markupsafe import Markup, escape

from metadata.fields.base import choose_label
from metadata.fields.composites import Composite
from metadata.fields.currencies import digits_of
from metadata.fields.markup import render_markdown
from rule_engine.arithmetic import round_places
from rule_engine.values import Money
from trellis import current
from trellis.web.words import gettext, ngettext

HUES = ("blue", "orange", "sky", "violet", "green", "pink", "teal", "amber", "red")
SYMBOLS = {"CNY": "¥", "JPY": "JP¥"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS_ZH = "一二三四五六日"


def is_chinese() -> bool:
    """Says whether the reader's language is Chinese."""
    return current.language() == "zh"


def local(instant: datetime) -> datetime:
    """Gives an instant in the reader's zone; one without a zone is UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return aware.astimezone(current.zone())


def now() -> datetime:
    """Gives the request's present moment in the reader's zone."""
    return local(current.moment().now)


def day(value: date) -> str:
    """Gives a day in short: `28 Nov`, with the year when it is another one."""
    value = local(value).date() if isinstance(value, datetime) else value
    same = value.year == now().year
    if is_chinese():
        return (
            f"{value.month}月{value.day}日"
            if same
            else f"{value.year}年{value.month}月{value.day}日"
        )
    text = f"{value.day} {MONTHS[value.month - 1]}"
    return text if same else f"{text} {value.year}"


def long_day(value: date) -> str:
    """Gives a day in full, with its weekday."""
    if is_chinese():
        weekday = f"星期{WEEKDAYS_ZH[value.weekday()]}"
        return f"{value.year}年{value.month}月{value.day}日 {weekday}"
    weekday = WEEKDAYS[value.weekday()]
    return f"{weekday}, {value.day} {MONTH_NAMES[value.month - 1]} {value.year}"


def month(value: date) -> str:
    """Gives a month as a heading."""
    if is_chinese():
        return f"{value.year}年{value.month}月"
    return f"{MONTH_NAMES[value.month - 1]} {value.year}"


def clock(instant: datetime) -> str:
    """Gives the time of day; for another day its date before it."""
    there = local(instant)
    time = f"{there:%H:%M}"
    return time if there.date() == now().date() else f"{day(there.date())} {time}"


def moment(instant: datetime) -> str:
    """Gives day and time in short."""
    there = local(instant)
    return f"{day(there.date())} {there:%H:%M}"


def moment_long(instant: datetime) -> str:
    """Gives day and time in full."""
    there = local(instant)
    return f"{long_day(there.date())} {there:%H:%M:%S}"


def ago(instant: datetime) -> str:
    """Gives how long ago something was, roughly; a day for what is older than a week."""
    there, here = local(instant), now()
    seconds = (here - there).total_seconds()
    if seconds < 0:
        return moment(instant)
    if seconds < 60:
        return gettext("just now")
    if seconds < 3600:
        return gettext("%(number)s min ago", number=int(seconds // 60))
    days = (here.date() - there.date()).days
    if days == 0:
        return gettext("%(number)s h ago", number=int(seconds // 3600))
    if days == 1:
        return gettext("Yesterday")
    return gettext("%(number)s days ago", number=days) if days < 8 else day(there.date())


def days_away(value: date) -> str:
    """Gives how far a day is from today: `in 7 days`, `3 days ago`."""
    days = (value - now().date()).days
    if days == 0:
        return gettext("today")
    if days > 0:
        return ngettext("in %(num)s day", "in %(num)s days", days)
    return ngettext("%(num)s day ago", "%(num)s days ago", -days)


def iso(value: date) -> str:
    """Gives a date or instant for machines."""
    return value.isoformat()


def file_size(size: int) -> str:
    """Gives how large a file is, in the unit that people would use."""
    for unit, bytes_of in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= bytes_of:
            return f"{format_decimal(size / bytes_of, format='#,##0.#', locale='en')} {unit}"
    return f"{size} B"


def read_instant(text: str) -> datetime:
    """Gives an instant out of its wire form."""
    return datetime.fromisoformat(text)


def number(value: object) -> str:
    """Gives a number with grouping, without zeros that say nothing."""
    if not isinstance(value, (int, Decimal)):
        return str(value)
    return format_decimal(value, format="#,##0.############", locale="en")


def signed(value: Decimal) -> str:
    """Gives a number with its sign."""
    return f"+{number(value)}" if value > 0 else "\N{MINUS SIGN}" + number(-value)


def money(value: object) -> str:
    """Gives an amount with its currency's sign; whole amounts without decimals."""
    if not isinstance(value, Money):
        return str(value)
    sign = SYMBOLS.get(value.currency) or get_currency_symbol(value.currency, "en")
    sign = f"{sign} " if sign.isalpha() and len(sign) > 1 else sign
    whole = value.amount == value.amount.to_integral_value()
    text = format_decimal(abs(value.amount), format="#,##0" if whole else "#,##0.00##", locale="en")
    minus = "\N{MINUS SIGN}" if value.amount < 0 else ""
    return f"{minus}{sign}{text}"


def converted(value: object) -> str:
    """Gives what an amount in another currency was worth in the organisation's own when it was
    saved; "" for one in this currency, or without a rate."""
    base = current.platform().settings.base_currency
    if not isinstance(value, Money) or value.base is None or value.currency == base:
        return ""
    return money(Money(round_places(value.base, digits_of(base)), base))


def percent(value: object) -> str:
    """Gives a fraction in per cent."""
    return f"{number(value * 100)}%" if isinstance(value, Decimal) else str(value)


def markdown(value: object) -> Markup:
    """Gives a Markdown text as harmless HTML."""
    return Markup(render_markdown(str(value)))  # noqa: S704  # nh3 cleaned it


def rich_text(value: object) -> Markup:
    """Gives formatted text, which was cleaned when it was stored; of a masked one the text."""
    html = value.members.get("html") if isinstance(value, Composite) else None
    return Markup(html) if html is not None else escape(str(value))  # noqa: S704


def safe_link(value: str) -> str:
    """Gives a web address when it is one; a script in its place leads nowhere."""
    return value if urlsplit(value).scheme in {"http", "https"} else "#"


def short_link(value: str) -> str:
    """Gives a web address without what every address has."""
    return value.removeprefix("https://").removeprefix("http://").rstrip("/")


def initials(name: object) -> str:
    """Gives what an avatar shows: two capitals, or the first sign of a Chinese name."""
    words = [word for word in str(name or "").split() if word[:1].isalnum()]
    if not words:
        return "·"
    first = words[0][0]
    if ord(first) > 0x2E7F or len(words) == 1:
        return first.upper()
    return (first + words[-1][0]).upper()


def hue_of(key: object) -> str:
    """Gives the same colour for the same thing, everywhere and always."""
    return HUES[zlib.crc32(str(key).encode()) % len(HUES)]


def lower_noun(text: str) -> str:
    """Gives a title as a word inside a sentence: `Sales lead` → `sales lead`; `ERP` stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def greeting(name: str) -> str:
    """Greets somebody by the time of day."""
    hour = now().hour
    if hour < 12:
        return gettext("Good morning, %(name)s", name=name)
    if hour < 18:
        return gettext("Good afternoon, %(name)s", name=name)
    return gettext("Good evening, %(name)s", name=name)


def heading_of(day_of: date, today: date) -> str:
    """Gives the heading under which a timeline shows a day."""
    if day_of > today:
        return gettext("Upcoming")
    if day_of == today:
        return gettext("Today")
    if day_of == today - timedelta(days=1):
        return gettext("Yesterday")
    return month(day_of)


def label_of(labels: Mapping[str, str]) -> str:
    """Gives a title in the reader's language."""
    return choose_label(labels, current.language())


def pair(value: object) -> tuple[object, object]:
    """Gives an option whose text is its value."""
    return value, value


def hue_name(hue: str) -> str:
    """Gives the name of a colour."""
    names = {
        "gray": gettext("Gray"),
        "red": gettext("Red"),
        "orange": gettext("Orange"),
        "amber": gettext("Amber"),
        "green": gettext("Green"),
        "teal": gettext("Teal"),
        "sky": gettext("Sky"),
        "blue": gettext("Blue"),
        "violet": gettext("Violet"),
        "pink": gettext("Pink"),
    }
    return names.get(hue, hue)


FILTERS = (
    *(day, long_day, month, clock, moment, moment_long, ago, days_away, iso, number, signed),
    *(file_size, read_instant),
    *(
        money,
        converted,
        percent,
        markdown,
        rich_text,
        safe_link,
        short_link,
        initials,
        hue_of,
        lower_noun,
        pair,
        label_of,
    ),
)


def macro_of(template: str, *names: str) -> Callable[..., Markup]:
    """Gives the first macro of a template that there is. Raises AttributeError for none.

    The template is one of macros only, without anything of the request in it.
    """
    module = current_app.jinja_env.get_template(template).module
    found = next((name for name in names if hasattr(module, name)), names[-1])
    macro: Callable[..., Markup] = getattr(module, found)
    return macro


def install(app: Flask) -> None:
    """Gives templates the filters of this module, by their names."""
    for function in FILTERS:
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["hue_name"] = hue_name
    app.jinja_env.globals["macro_of"] = macro_of
