"""What people write who come from elsewhere, and what they mean by it here."""

from __future__ import annotations

from rule_engine.messages import Phrase

#: Marks of Chinese and typographic keyboards, and the marks that are meant.
FULL_WIDTH = {
    **dict.fromkeys("“”„‟＂「」『』", '"'),
    **dict.fromkeys("‘’＇", '"'),
    "，": ",",
    "、": ",",
    "；": ";",
    "：": ":",
    "（": "(",
    "）": ")",
    "［": "[",
    "］": "]",
    "【": "[",
    "】": "]",
    "｛": "{",
    "｝": "}",
    "＝": "=",
    "＞": ">",
    "＜": "<",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "*",
    "÷": "/",
    "＋": "+",
    "－": "-",
    "−": "-",
    "–": "-",
    "＊": "*",
    "／": "/",
    "％": "%",
    "。": ".",
    "．": ".",
    "｜": "|",
    "＃": "#",
    "！": "!",
    "＆": "&",
    "…": "...",
}
NOT_FULL_WIDTH = "≥≤≠×÷−–…"

_AND, _OR, _NOT = Phrase('write "and"'), Phrase('write "or"'), Phrase('write "not"')
COMMENT = Phrase("comments begin with #")
DAY = Phrase("a day is written  2026-03-01")
CLOCK = Phrase("times are written  09:00  and  17:30")
PERCENT = Phrase("a percentage is written  15%")
POWER = Phrase("there is no power; multiply instead")
QUOTES = Phrase("texts are written in double quotes")
LIST = Phrase('lists are written in [ ]:  in ["a", "b"]')
BARE_NAME = Phrase("names stand alone:  status")
IS_EMPTY = Phrase('write "is empty" or "is not empty"')
ONE_WORD = Phrase("a name is one word:  my_name")
IF_ELSE = Phrase("write  if condition then a else b")
BETWEEN = Phrase("write  between 1 and 5")
AGO = Phrase("write  now - 7 days,  or  older than 7 days")

#: Signs that the language does not have.
SIGNS = {
    "&": _AND,
    "|": _OR,
    "!": _NOT,
    ";": Phrase("statements need no semicolon"),
    "?": IF_ELSE,
    "^": POWER,
    "$": Phrase("say the currency behind the number:  100 USD"),
    "¥": Phrase("say the currency behind the number:  100 CNY"),
    "￥": Phrase("say the currency behind the number:  100 CNY"),
    "€": Phrase("say the currency behind the number:  100 EUR"),
    "£": Phrase("say the currency behind the number:  100 GBP"),
    "%": PERCENT,
    "~": Phrase('write "contains" or "matches"'),
    "@": BARE_NAME,
    "\\": Phrase("a name stands in backquotes when it has other signs:  `first name`"),
}

#: Comparisons of other languages, as they stand without spaces, and those of this one.
COMPARISONS = {
    "===": "=",
    "= =": "=",
    "!==": "!=",
    "=!": "!=",
    "><": "!=",
    "< >": "!=",
    "! =": "!=",
    "> =": ">=",
    "< =": "<=",
    "=~": "contains",
}

_BIGGER, _SMALLER = Phrase("write >"), Phrase("write <")
_COMPARED = {
    **dict.fromkeys(("equals", "eq", "equal", "equalto"), Phrase("write =")),
    **dict.fromkeys(("ne", "neq", "unequal", "isn", "differs"), Phrase("write !=")),
    **dict.fromkeys(("gt", "greater", "more", "above", "over", "bigger", "exceeds"), _BIGGER),
    **dict.fromkeys(("lt", "less", "below", "under", "smaller", "fewer"), _SMALLER),
    **dict.fromkeys(("gte", "ge", "at"), Phrase('for "at least" write >=, for "at most" <=')),
    **dict.fromkeys(("lte", "le"), Phrase('for "at most" write <=')),
    "mod": Phrase("write  mod(a, b)"),
    "plus": Phrase("write +"),
    "minus": Phrase("write -"),
    "times": Phrase("write *"),
    "within": Phrase("write  in last 7 days  or  in next 7 days"),
    "since": Phrase("write >="),
    "ago": AGO,
}
_TEXT_TESTS = {
    **dict.fromkeys(
        ("like", "ilike", "rlike"), Phrase('write "contains", "starts with" or "ends with"')
    ),
    **dict.fromkeys(
        ("has", "have", "includes", "include", "contain", "containing"), Phrase('write "contains"')
    ),
    **dict.fromkeys(("begins", "begin", "beginswith", "startswith"), Phrase('write "starts with"')),
    **dict.fromkeys(("finishes", "endswith"), Phrase('write "ends with"')),
    **dict.fromkeys(("regex", "regexp", "match"), Phrase('write "matches"')),
    **dict.fromkeys(("xor", "nor", "nand"), Phrase('there are only "and", "or" and "not"')),
    **dict.fromkeys(("&&", "also"), _AND),
}
_EMPTY = dict.fromkeys(
    ("null", "none", "nil", "blank", "missing", "undefined", "na", "unset"), IS_EMPTY
)
_PROGRAMMING = {
    **dict.fromkeys(
        ("let", "var", "const", "dim", "declare"),
        Phrase("give a value a name with  define name on object as …"),
    ),
    **dict.fromkeys(
        ("for", "foreach", "while", "loop"),
        Phrase("there are no loops; look at many records with count(…), sum(…) or any(…)"),
    ),
}
_ALLOWED, _FORBIDDEN = Phrase('write "allowed"'), Phrase('write "forbidden"')
_SWITCH = {
    **dict.fromkeys(("yes", "allow", "true", "on"), _ALLOWED),
    **dict.fromkeys(("no", "forbid", "false", "off", "deny"), _FORBIDDEN),
}
_NO_END = Phrase('nothing closes an "if"; leave the word out')

#: Words by the terminal that could stand in their place: the first that fits gives the hint.
INSTEAD: dict[str, dict[str, Phrase]] = {
    "WHEN": dict.fromkeys(
        ("if", "where", "unless", "while", "until", "filter"),
        Phrase('conditions begin with "when"'),
    ),
    "WHERE": dict.fromkeys(("when", "if", "having"), Phrase('inside brackets write "where"')),
    "OTHERWISE": dict.fromkeys(
        ("else", "elif", "elseif", "elsif", "default"), Phrase('write "otherwise"')
    ),
    "LBRACE": dict.fromkeys(("then", "do", "begin"), Phrase("write the actions in { }")),
    "RBRACE": {
        **dict.fromkeys(("end", "endif", "fi", "done"), Phrase("blocks end with }")),
        **_PROGRAMMING,
    },
    "ON": dict.fromkeys(("for", "of", "in", "to"), Phrase("write  name on object")),
    "STOP": {
        **dict.fromkeys(("return", "exit", "break", "quit", "abort"), Phrase('write "stop"')),
        **_PROGRAMMING,
    },
    "FAIL": dict.fromkeys(
        ("error", "raise", "throw", "reject", "adderror", "alert"), Phrase('write  fail "message"')
    ),
    "NOTIFY": dict.fromkeys(
        ("email", "mail", "send", "message", "remind", "tell", "sms"),
        Phrase('write  notify owner using "template"'),
    ),
    "SET": dict.fromkeys(("update", "put", "make"), Phrase("write  set field to value")),
    "CREATE": dict.fromkeys(("insert", "new"), Phrase("write  create object { field: value }")),
    "CLEAR": dict.fromkeys(("unset", "empty", "erase"), Phrase("write  clear field")),
    "ADD": dict.fromkeys(
        ("points", "plus", "give", "award"), Phrase("write  add 5 when condition")
    ),
    "SUBTRACT": dict.fromkeys(("minus", "deduct", "remove"), Phrase("write  subtract 5 when …")),
    "REQUIRE": dict.fromkeys(
        ("must", "assert", "ensure", "check", "need", "if", "when"),
        Phrase('write  require condition message "…"  or  forbid condition message "…"'),
    ),
    "MESSAGE": dict.fromkeys(
        ("error", "text", "else", "otherwise", "because"), Phrase('write  message "…"')
    ),
    "EVENT": {
        **dict.fromkeys(("insert", "created", "creation", "new", "add"), Phrase('write "create"')),
        **dict.fromkeys(("updated", "change", "changed", "edit"), Phrase('write "update"')),
        **dict.fromkeys(("saved", "saving", "upsert"), Phrase('write "save"')),
        **dict.fromkeys(("deleted", "remove", "removed"), Phrase('write "delete"')),
    },
    "QUORUM": {
        **dict.fromkeys(("any", "one", "either", "first"), Phrase('write "anyone"')),
        **dict.fromkeys(("all", "unanimous", "both"), Phrase('write "everyone"')),
        **dict.fromkeys(("most", "half"), Phrase('write "majority"')),
    },
    "SELF": {
        **_SWITCH,
        **dict.fromkeys(("skip", "auto"), Phrase('write "skipped"')),
    },
    "SWITCH": _SWITCH,
    "TIMING": dict.fromkeys(
        ("on", "when", "upon", "at", "if"), Phrase("write  before save  or  after create")
    ),
    "ORDER": dict.fromkeys(("or", "and"), Phrase("write a comma")),
    "WEEKDAY": {
        short: Phrase("write {meant}", {"meant": day})
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        for short in (day[:2], day[:3])
    },
    "EXPECT": dict.fromkeys(("assert", "should", "verify", "then"), Phrase("write  expect …")),
    "RULE": {
        **dict.fromkeys(
            ("trigger", "workflow", "flow", "automation", "function", "def", "if", "when", "on"),
            Phrase("write  rule name on object after save { … }"),
        ),
        **dict.fromkeys(
            ("formula", "field", "let", "var", "const"),
            Phrase("give a value a name with  define name on object as …"),
        ),
        **dict.fromkeys(
            ("validation", "constraint", "check", "require"),
            Phrase("write  validate name on object { … }"),
        ),
    },
    "BUSINESS": {
        **dict.fromkeys(("working", "work", "workdays", "workday"), Phrase("write  business days")),
        **dict.fromkeys(("工作日", "个工作日"), Phrase("write  business days")),
    },
    "EMPTY": _EMPTY,
    "CONTAINS": _TEXT_TESTS,
    "COMPARE": _COMPARED,
    "ELSE": dict.fromkeys(("otherwise", "elif", "elsif", "elseif"), Phrase('write "else"')),
    "THEN": dict.fromkeys(("do", "return"), Phrase('write "then"')),
    "AND": {
        "ago": AGO,
        **dict.fromkeys(("end", "endif", "fi"), _NO_END),
        **dict.fromkeys(("xor", "nor", "nand"), Phrase('there are only "and", "or" and "not"')),
    },
}

#: What stands behind a number, and the unit or the currency that is meant.
UNITS = {
    **dict.fromkeys(("min", "mins", "minute", "分", "分钟"), "minutes"),
    **dict.fromkeys(("h", "hr", "hrs", "小时", "个小时", "时"), "hours"),
    **dict.fromkeys(("d", "天", "日"), "days"),
    **dict.fromkeys(("w", "wk", "wks", "周", "星期", "个星期"), "weeks"),
    **dict.fromkeys(("mo", "mon", "mos", "月", "个月"), "months"),
    **dict.fromkeys(("q", "季度", "个季度"), "quarters"),
    **dict.fromkeys(("y", "yr", "yrs", "年"), "years"),
    **dict.fromkeys(("工作日", "个工作日", "workdays", "workday"), "business days"),
    **dict.fromkeys(("元", "块", "圆", "人民币", "rmb", "yuan"), "CNY"),
    **dict.fromkeys(("美元", "dollar", "dollars"), "USD"),
    **dict.fromkeys(("欧元", "euro", "euros"), "EUR"),
}
MANY = frozenset({"k", "m", "mm", "bn", "mio", "mrd", "million", "millions", "thousand", "billion"})
PERCENTS = frozenset({"percent", "pct", "percents"})
CLOCKS = frozenset({"am", "pm", "a", "p", "oclock"})

MONTHS = frozenset(
    (
        *("january", "february", "march", "april", "may", "june", "july", "august"),
        *("september", "october", "november", "december", "jan", "feb", "mar", "apr", "jun"),
        *("jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    )
)

#: Methods of other languages: `title.startsWith("x")`.
METHODS = {
    **dict.fromkeys(("startswith", "beginswith"), Phrase('write  title starts with "…"')),
    "endswith": Phrase('write  title ends with "…"'),
    **dict.fromkeys(
        ("includes", "contains", "indexof", "find"), Phrase('write  title contains "…"')
    ),
    **dict.fromkeys(("match", "matches", "test"), Phrase('write  title matches "…"')),
    **dict.fromkeys(("equals", "equalsignorecase"), Phrase("write =")),
    **dict.fromkeys(("isempty", "isblank"), IS_EMPTY),
}
FUNCTION_FIRST = Phrase("functions stand before their value:  upper(title)")
