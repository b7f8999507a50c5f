"""Hints for what does not fit: habits from other languages, brackets, spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rule_engine.currencies import CURRENCIES
from rule_engine.messages import NOTHING, Phrase
from rule_engine.spelling import did_you_mean
from rule_engine.syntax import habit_words as meant
from rule_engine.syntax.limits import BRACKETS, span_at

#: The words that statements begin with, at the start of a line.
STATEMENT = re.compile(
    r"^(?:ruleset|calendar|define|table|score|validate|rule|assign|approval|sla|test)\b", re.M
)
_NEAR = 200
_WORD = re.compile(r"[^\W\d]\w*")
_LAST_WORD = re.compile(r"([^\W\d]\w*)\s*$")
_LAST_SIGN = re.compile(r"[=<>!]+\s*$")
_IN_LIST = re.compile(r"\bin\s*(\(\s*)?(\"[^\"\n]*\"|[\w.]+)\s*$", re.I)
_PAIR = re.compile(r"[{,]\s*\w+\s*:[^:{}]*$")
_METHOD = re.compile(r"\.\s*([^\W\d]\w*)\s*$")
_DAY_BEFORE = re.compile(r"\b\d{4}[.\-]\d\d?$")


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands in the text and what could stand there; `words` are those to guess from."""

    found: str
    before: str
    after: str
    accepts: frozenset[str]
    words: tuple[str, ...]

    @property
    def near(self) -> str:
        """What stands right before: so much that a search backwards stays cheap."""
        return self.before[-_NEAR:]

    @property
    def previous(self) -> str:
        """The word right before; empty when something else stands there."""
        last = _LAST_WORD.search(self.near)
        return last[1] if last else ""

    @property
    def behind_number(self) -> bool:
        """Whether a number stands right before."""
        near = self.near.rstrip()
        return near[-1:].isdigit() or near.endswith(("万", "亿"))


def hint_for(slip: Slip) -> Phrase:
    """Gives the way out of a slip: what the first habit says that knows it."""
    return next((hint for habit in _HABITS if (hint := habit(slip))), NOTHING)


def unclosed(text: str) -> Phrase | None:
    """Says which bracket is not closed; None when all are."""
    open_marks: list[tuple[str, int]] = []
    for found in BRACKETS.finditer(text):
        if found.group() in "([{":
            open_marks.append((found.group(), found.start()))
        elif found.group() in ")]}" and open_marks:
            open_marks.pop()
    if not open_marks:
        return None
    mark, place = open_marks[-1]
    line = span_at(text, place).line
    return Phrase('the "{mark}" on line {line} is not closed', {"mark": mark, "line": line})


def _full_width(slip: Slip) -> Phrase | None:
    mark = meant.FULL_WIDTH.get(slip.found)
    if mark is None:
        return None
    if slip.found in meant.NOT_FULL_WIDTH:
        return Phrase("type {meant} instead", {"meant": mark})
    values = {"found": slip.found, "meant": mark}
    return Phrase('this is the full-width "{found}"; type {meant} instead', values)


def _comparison(slip: Slip) -> Phrase | None:
    if slip.found == "=>" and "COMPARE" in slip.accepts:
        return Phrase('for "at least" write >=')
    last = _LAST_SIGN.search(slip.near)
    sign = (last[0] if last else "") + slip.found
    sign += "=" if slip.found == "!" and slip.after.startswith("=") else ""
    sign += " =" if slip.found == "!" and slip.after.startswith(" =") else ""
    if sign == "=<":
        return Phrase('for "at most" write <=')
    if sign in ("=>", "= >"):
        return Phrase('for "at least" write >=')
    if sign in meant.COMPARISONS:
        return Phrase("write {meant}", {"meant": meant.COMPARISONS[sign]})
    if slip.found in ("<", "<=", ">", ">=") and "AND" in slip.accepts:
        return meant.BETWEEN
    return None


def _assignment(slip: Slip) -> Phrase | None:
    if slip.found in {"=", "==", ":", ":="} and "TO" in slip.accepts:
        return Phrase('assign with "to":  set field to value')
    if slip.found in "+-" and slip.after.startswith("=") and "TO" in slip.accepts:
        return Phrase('assign with "to":  set field to value')
    if slip.found in {"=", ":", ":="} and slip.accepts & {"AS", "IS"}:
        return Phrase('write "{word}"', {"word": "as" if "AS" in slip.accepts else "is"})
    if "ADD" in slip.accepts and (
        slip.found == "+" or slip.after[:_NEAR].lstrip().startswith("+=")
    ):
        return Phrase("write  add 5 when condition")
    if slip.found == "=" and slip.before.endswith(":"):
        return Phrase("write only :")
    if slip.found == "=" and "COLON" in slip.accepts:
        return Phrase("write  name: value")
    if slip.found == "=" and slip.before.endswith(("+", "-", "*", "/")):
        return Phrase("write  set field to field + 1")
    follows = slip.after[:_NEAR].lstrip()
    if "SET" in slip.accepts and follows[:1] == "=" and _WORD.fullmatch(slip.found):
        return Phrase("write  set {name} to …", {"name": slip.found})
    return None


def _quotes(slip: Slip) -> Phrase | None:
    if slip.found == "'":
        return meant.QUOTES
    if slip.found == '"':
        return Phrase("this text is not closed on its line")
    if slip.found == "`":
        return Phrase("this name is not closed on its line")
    if slip.found == "/" and slip.previous == "matches":
        return Phrase('patterns are texts:  matches "^A"')
    who = slip.previous in ("role", "team", "user", "queue") and "STRING" in slip.accepts
    if (who or slip.accepts == {"STRING"}) and _WORD.match(slip.found):
        return meant.QUOTES
    if slip.found[0] == '"' and "WITH" in slip.accepts:
        return Phrase('write "{word} with"', {"word": slip.previous})
    if slip.found[0] == '"' and STATEMENT.fullmatch(slip.previous):
        values = {"word": slip.previous, "label": slip.found}
        return Phrase("a name comes first:  {word} my_name {label}", values)
    if slip.found[0] == '"' and slip.accepts >= {"NAME"} and "STRING" not in slip.accepts:
        return Phrase('say who it is:  user "…", role "…", team "…" or a field such as owner')
    return None


def _comment(slip: Slip) -> Phrase | None:
    if slip.found == "/" and (slip.after.startswith(("/", "*")) or slip.before.endswith("/")):
        return meant.COMMENT
    if slip.found == "*" and slip.before.endswith("/"):
        return meant.COMMENT
    if slip.found == "-" and slip.after.startswith("-"):
        return meant.COMMENT
    return None


def _sign(slip: Slip) -> Phrase | None:
    match slip.found:
        case "*" if slip.before.endswith("*"):
            return meant.POWER
        case "*" if slip.before.endswith("count("):
            return Phrase("name the records:  count(activities)")
        case ";" if _open_mark(slip.before) in ("(", "[") or _PAIR.search(slip.near):
            return Phrase("write a comma")
        case "," if "MESSAGE" in slip.accepts:
            return Phrase('write  message "…"')
        case "-" if "TO" in slip.accepts:
            return Phrase('write "to"')
        case "-" if "ON" in slip.accepts:
            return meant.ONE_WORD
        case "|" if "OR" not in slip.accepts:
            return None
        case ":" | "(" if "LBRACE" in slip.accepts:
            return Phrase("write {mark}", {"mark": "{"})
        case ">" | ">=" | "=" if "FROM" in slip.accepts:
            return Phrase('write  grade "A" from 80')
        case "&" if slip.before.endswith("&") or slip.after.startswith("&"):
            return meant.SIGNS["&"]
        case "&":
            return Phrase('write "and"; texts are joined with  concat(a, b)')
        case "$" if _WORD.match(slip.after):
            return meant.BARE_NAME
        case "%" if not slip.behind_number:
            return Phrase("write  mod(a, b)")
    return meant.SIGNS.get(slip.found)


def _number(slip: Slip) -> Phrase | None:
    """Hints for what stands in or around a number, a day or a clock time."""
    word = slip.found.casefold()
    if slip.found in ".-/" and _DAY_BEFORE.search(slip.near):
        return meant.DAY
    if "DATE" in slip.accepts and "NUMBER" not in slip.accepts and word[0].isalnum():
        return meant.DAY
    if slip.behind_number:
        return _behind_number(slip, word)
    if slip.found[0].isdigit():
        return _number_itself(slip)
    if slip.found == "." and slip.after[:1].isdigit():
        return Phrase("write  0.{digits}", {"digits": _digits(slip.after)})
    return None


def _behind_number(slip: Slip, word: str) -> Phrase | None:
    if slip.found == "," and slip.after[:1].isdigit() and not _open_mark(slip.before):
        return Phrase("write numbers without commas:  5000  or  5_000")
    if (slip.found == ":" and slip.after[:2].isdigit()) or word in meant.CLOCKS:
        return meant.CLOCK
    if slip.found == "." and "TO" in slip.accepts:
        return Phrase('write "to"')
    if slip.found == ".":
        return meant.BETWEEN if slip.after.startswith(".") else Phrase("a number ends with a digit")
    if word in meant.MONTHS or slip.found.startswith("年"):
        return meant.DAY
    if word in meant.PERCENTS:
        return meant.PERCENT
    if word in meant.MANY or re.fullmatch(r"e\d+", word):
        return Phrase("write the number out:  5_000_000  or  500万")
    if word in meant.UNITS and ("UNIT" in slip.accepts or "CURRENCY" in slip.accepts):
        return Phrase("write {meant}", {"meant": meant.UNITS[word]})
    if slip.found.upper() in CURRENCIES and "CURRENCY" in slip.accepts:
        return Phrase("write {meant}", {"meant": slip.found.upper()})
    return None


def _number_itself(slip: Slip) -> Phrase | None:
    if slip.previous.casefold() in meant.MONTHS:
        return meant.DAY
    if slip.previous in CURRENCIES:
        values = {"number": slip.found, "currency": slip.previous}
        return Phrase("write  {number} {currency}", values)
    if "TIME" in slip.accepts and "NUMBER" not in slip.accepts:
        return meant.CLOCK
    return None


def _digits(text: str) -> str:
    found = re.match(r"\d+", text)
    return found[0] if found else ""


def _is(slip: Slip) -> Phrase | None:
    """Hints behind `is` and `is not`, which ask only for emptiness."""
    if "EMPTY" not in slip.accepts:
        return None
    word = slip.found.casefold()
    if word in ("true", "false", "yes", "no"):
        return Phrase("a yes or no stands alone:  opted_in  or  not opted_in")
    if word in ("greater", "more", "above", "bigger", "over", "after"):
        return Phrase("write >")
    if word in ("less", "smaller", "below", "under", "before"):
        return Phrase("write <")
    if word in ("in", "one", "among", "any"):
        return meant.LIST
    if word in ("equal", "the"):
        return Phrase("write =")
    if slip.found[0] in '"[(' or slip.found[0].isdigit():
        return Phrase("write !=") if slip.previous.casefold() == "not" else Phrase("write =")
    return None


def _brackets(slip: Slip) -> Phrase | None:
    """Hints for brackets that other languages put around names, lists and methods."""
    if slip.found == "(" and (method := _METHOD.search(slip.near)):
        return meant.METHODS.get(method[1].casefold(), meant.FUNCTION_FIRST)
    if slip.found == "," and _IN_LIST.search(slip.near):
        return meant.LIST
    if slip.found == "{" and slip.previous.casefold() == "in":
        return meant.LIST
    if slip.found == "{" and "LPAR" in slip.accepts:
        return meant.BARE_NAME
    return _closing(slip) if slip.found in ")]}" else None


def _closing(slip: Slip) -> Phrase | None:
    open_mark = _open_mark(slip.before)
    if not open_mark:
        return Phrase('nothing is opened before this "{mark}"', {"mark": slip.found})
    if open_mark + slip.found not in ("()", "[]", "{}"):
        return unclosed(slip.before)
    if "MESSAGE" in slip.accepts:
        return Phrase('write  message "…"')
    if "USING" in slip.accepts:
        return Phrase('write  notify owner using "template"')
    return Phrase('write "to"') if "TO" in slip.accepts else None


def _words(slip: Slip) -> Phrase | None:
    word, previous = slip.found.casefold(), slip.previous
    if word == "is" and re.match(r"\s+(not\s+)?null\b", slip.after, re.I):
        return meant.IS_EMPTY
    if word == "has" and slip.after[:_NEAR].split()[:1] == ["changed"]:
        return Phrase('write "changed" right behind the field')
    if previous.casefold() in ("and", "or", "not", "if") and not previous.islower():
        return _small(previous)
    if previous.casefold() == "case" and word == "when":
        return meant.IF_ELSE
    if previous.casefold() in ("select", "distinct"):
        return Phrase("this is no query: write only the condition")
    if "ON" in slip.accepts and re.match(r"\s+on\b", slip.after):
        return meant.ONE_WORD
    if previous == "the" and word in ("last", "next"):
        return Phrase('leave out "the"')
    for terminal, words in meant.INSTEAD.items():
        if terminal in slip.accepts and word in words:
            return words[word]
    if word != slip.found and word in slip.words:
        return _small(slip.found)
    return None


def _small(word: str) -> Phrase:
    return Phrase('keywords are written small: "{word}"', {"word": word.casefold()})


def _open_mark(text: str) -> str:
    """Gives the innermost bracket that is open at the end of a text."""
    said = unclosed(text)
    return str(said.values["mark"]) if said else ""


def _statement(slip: Slip) -> Phrase | None:
    if STATEMENT.fullmatch(slip.found) and slip.before.endswith("\n"):
        return unclosed(slip.before)
    return None


def _spelling(slip: Slip) -> Phrase | None:
    if not (slip.found[0].isalpha() or slip.found[0] == "_"):
        return None
    words = [word for word in slip.words if word != slip.found]
    return did_you_mean(slip.found, words) or None


_HABITS: tuple[Callable[[Slip], Phrase | None], ...] = (
    _full_width,
    _comparison,
    _assignment,
    _quotes,
    _comment,
    _number,
    _is,
    _brackets,
    _sign,
    _statement,
    _words,
    _spelling,
)
