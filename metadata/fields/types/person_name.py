"""Names of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from metadata.fields.base import Sample, Titles
from metadata.fields.composites import CompositeType, Member
from metadata.fields.part_inputs import PartsField
from metadata.fields.texts import is_east_asian

PREFIXES: Final = frozenset(("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "dame"))
TWO_SIGNS: Final = (
    "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 令狐 慕容 司徒 夏侯 端木 南宫 独孤 长孙 宇文 轩辕"
)
"""Chinese family names of two signs."""


class PersonName(CompositeType):
    """Given and family name, with what stands before, between and after them.

    Shown in the order of its script: 李伟 and 김민준 begin with the family name, Wei Li ends with
    it, whatever the reader's language.
    """

    name = "person_name"
    titles: ClassVar[Titles] = {"en": "Person's name", "zh": "姓名"}
    icon = "contact-round"
    input = PartsField
    parts = ("", "fold", "prefix", "given", "middle", "family", "suffix")
    cell = "display"
    is_brief = True
    members = (
        Member("prefix", {"en": "Title", "zh": "称谓"}),
        Member("given", {"en": "Given name", "zh": "名"}),
        Member("middle", {"en": "Middle name", "zh": "中间名"}),
        Member("family", {"en": "Family name", "zh": "姓"}),
        Member("suffix", {"en": "Suffix", "zh": "后缀"}),
    )
    family_first: ClassVar[frozenset[str]] = frozenset({"zh"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "object", "crm": {"field": "person_name"}},
            (
                (
                    {"prefix": "Dr.", "given": "Ada", "family": "Lovelace"},
                    {"prefix": "Dr.", "given": "Ada", "family": "Lovelace"},
                ),
                ("Wei Li", {"given": "Wei", "family": "Li"}),
                ("Lovelace, Ada", {"given": "Ada", "family": "Lovelace"}),
                ("李伟", {"given": "伟", "family": "李"}),
                ("欧阳娜娜", {"given": "娜娜", "family": "欧阳"}),
                ("Cher", {"given": "Cher"}),
                ({"family": "李", "prefix": "博士"}, {"prefix": "博士", "family": "李"}),
                ({"suffix": "Jr."}, {"suffix": "Jr."}),
            ),
            (5, {"first": "x"}, {"given": 7}, {"given": "x" * 256}, ["Wei", "Li"]),
        ),
    )

    def compose(self, members: Mapping[str, object]) -> str:
        """Gives the name in the order of its script."""
        known = {name: str(member) for name, member in members.items()}
        prefix, suffix = known.get("prefix", ""), known.get("suffix", "")
        given = [known.get("given", ""), known.get("middle", "")]
        family = known.get("family", "")
        if any(map(is_east_asian, (*given, family))):
            name = "".join((family, *given))
            if is_east_asian(prefix):
                return name + prefix + suffix
        else:
            name = " ".join(filter(None, (*given, family)))
        return " ".join(filter(None, (prefix, name, suffix)))

    def parse(self, text: str) -> Mapping[str, object]:
        """Takes apart `Wei Li`, `Li, Wei`, `Dr. Ada Lovelace` and `李伟`."""
        if is_east_asian(text) and " " not in text:
            cut = 2 if text[:2] in TWO_SIGNS.split() and len(text) > 2 else 1
            return {"family": text[:cut], "given": text[cut:]} if text[cut:] else {"given": text}
        family, comma, rest = text.partition(",")
        if comma and family.strip() and rest.strip():
            return {"family": family, "given": rest}
        words = text.split()
        prefix = words.pop(0) if len(words) > 1 and words[0].rstrip(".").lower() in PREFIXES else ""
        last = words.pop() if len(words) > 1 else ""
        return {"prefix": prefix, "given": " ".join(words), "family": last}

    def inputs(self, language: str) -> tuple[Member, ...]:
        """Gives the family name first where people write it so."""
        if language not in self.family_first:
            return self.members
        order = ("family", "given", "middle", "prefix", "suffix")
        return tuple(sorted(self.members, key=lambda member: order.index(member.name)))


TYPE = PersonName()
