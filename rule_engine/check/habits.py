"""What names and functions of other languages are called here."""

from __future__ import annotations

from rule_engine.messages import NOTHING, Phrase

_IF = Phrase("write  if condition then a else b")
_EMPTY = Phrase("write  field is empty  or  field is not empty")
_DAY = Phrase("a day is written  2026-03-01")
_CONTAINS = Phrase('write  field contains "…"')
_CHANGED = Phrase("write  field changed")
_OLD = Phrase("write  old.field")
_CHOICES = Phrase("write  if … then … else …, or a decision table")
_WHERE = Phrase("write  sum(lines.total where …)  or  count(lines where …)")
_LENGTH_OF_TIME = Phrase("add a length of time:  today + 3 months")
_POWER = Phrase("there is no power; multiply instead")
_BOOLEAN = Phrase("write true or false")
_USER = Phrase('the acting person is "user"')

_FUNCTIONS = {
    **dict.fromkeys(("isblank", "isnull", "isempty", "isnotempty", "isnotnull", "empty"), _EMPTY),
    **dict.fromkeys(("iif", "if", "ifelse"), _IF),
    **dict.fromkeys(("case", "switch", "choose", "ifs", "decode"), _CHOICES),
    "and": Phrase('write "and" between the conditions'),
    "or": Phrase('write "or" between the conditions'),
    "not": Phrase('write "not" before the condition'),
    **dict.fromkeys(("today", "curdate", "current_date", "getdate"), Phrase("write  today")),
    **dict.fromkeys(("now", "current_timestamp", "sysdate"), Phrase("write  now")),
    **dict.fromkeys(("date", "datevalue", "todate", "to_date", "dateserial", "datetime"), _DAY),
    **dict.fromkeys(("dateadd", "addmonths", "edate", "adddays", "date_add"), _LENGTH_OF_TIME),
    **dict.fromkeys(("power", "pow", "sqrt"), _POWER),
    **dict.fromkeys(("ispickval", "exact"), Phrase('write  field = "value"')),
    **dict.fromkeys(("find", "search", "instr", "strpos", "includes", "contains"), _CONTAINS),
    **dict.fromkeys(("begins", "startswith"), Phrase('write  field starts with "…"')),
    "endswith": Phrase('write  field ends with "…"'),
    **dict.fromkeys(
        ("regex", "regexmatch", "regexp_like", "match"), Phrase('write  field matches "…"')
    ),
    **dict.fromkeys(("ischanged", "changed"), _CHANGED),
    **dict.fromkeys(("priorvalue", "old", "oldvalue"), _OLD),
    **dict.fromkeys(
        ("vlookup", "xlookup", "hlookup", "lookup", "index"),
        Phrase("follow a reference with a dot:  account.region"),
    ),
    **dict.fromkeys(("sumif", "sumifs", "countif", "countifs", "averageif"), _WHERE),
    "exists": Phrase("write  any(lines where …)"),
}

#: Functions of other languages, and the one of this language that does the same.
SAME_FUNCTION = {
    **dict.fromkeys(("len", "char_length", "strlen", "size"), "length"),
    **dict.fromkeys(("ucase", "toupper", "touppercase"), "upper"),
    **dict.fromkeys(("lcase", "tolower", "tolowercase"), "lower"),
    **dict.fromkeys(("ceil", "roundup"), "ceiling"),
    **dict.fromkeys(("int", "trunc", "rounddown"), "floor"),
    **dict.fromkeys(("ifnull", "nvl", "blankvalue", "nullvalue", "isnullorempty"), "coalesce"),
    **dict.fromkeys(("concatenate", "concat_ws", "textjoin"), "concat"),
    **dict.fromkeys(("text", "str", "string", "to_char", "tostring"), "text_of"),
    **dict.fromkeys(("value", "number", "float", "decimal", "tonumber", "val"), "number_of"),
    **dict.fromkeys(("substitute", "replaceall"), "replace"),
    **dict.fromkeys(("datediff", "datedif", "days", "date_diff"), "days_between"),
    **dict.fromkeys(("networkdays", "workdays"), "business_days_between"),
    "workday": "add_business_days",
    "year": "year_of",
    "quarter": "quarter_of",
    "month": "month_of",
    "day": "day_of",
    "weekday": "weekday_of",
    "date_trunc": "start_of",
    **dict.fromkeys(("average", "mean"), "avg"),
    **dict.fromkeys(("minimum", "least"), "min"),
    **dict.fromkeys(("maximum", "greatest"), "max"),
    "string_agg": "join",
}

_NAMES = {
    **dict.fromkeys(("true", "false", "yes", "no"), _BOOLEAN),
    "yesterday": Phrase("write  today - 1 day"),
    "tomorrow": Phrase("write  today + 1 day"),
    **dict.fromkeys(("me", "current_user", "currentuser", "my"), _USER),
    **dict.fromkeys(
        ("record", "self", "row", "doc", "item", "object"),
        Phrase("leave it out: names are fields of this record already"),
    ),
    **dict.fromkeys(
        ("day", "week", "month", "quarter", "year", "hour", "minute"),
        Phrase("say how many:  1 {name}"),
    ),
    **dict.fromkeys(("rmb", "cny", "usd", "eur"), Phrase("say the amount:  100 CNY")),
}


def foreign_function(name: str) -> Phrase:
    """Gives the hint for a function that other languages have; empty for an unknown name."""
    word = name.casefold()
    if word in SAME_FUNCTION:
        return Phrase('did you mean "{guess}"?', {"guess": SAME_FUNCTION[word]})
    return _FUNCTIONS.get(word, NOTHING)


def foreign_name(name: str) -> Phrase:
    """Gives the hint for a name that other languages have; empty for an unknown one."""
    return _NAMES.get(name.casefold(), NOTHING)
