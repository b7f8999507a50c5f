"""A made-up set of Chinese companies, some written down more than once, with the true pairs.

Versions of one company differ as people write them: legal forms, seats before the name or in
brackets, traditional characters, full-width letters, homophones, phone numbers with and without
codes. Others only look alike: companies of one group share brand, seat, phone and address.
"""

from __future__ import annotations

import random
from collections import defaultdict

FIELDS = {"name": "company", "phone": "phone", "contact": "person", "address": "address"}
BRANDS = [
    "华为",
    "联想",
    "海尔",
    "美的",
    "格力",
    "长虹",
    "康佳",
    "创维",
    "海信",
    "小米",
    "步步高",
    "金山",
    "用友",
    "金蝶",
    "东软",
    "浪潮",
    "中兴",
    "同方",
    "紫光",
    "方正",
    "科大",
    "讯飞",
    "商汤",
    "旷视",
    "云从",
    "依图",
    "寒武",
    "地平",
    "速腾",
    "禾赛",
    "图森",
    "文远",
    "小鹏",
    "蔚来",
    "理想",
    "威马",
    "哪吒",
    "零跑",
    "宁德",
    "比亚",
    "国轩",
    "亿纬",
    "欣旺",
    "孚能",
    "中创",
    "蜂巢",
    "瑞浦",
    "天合",
    "晶科",
    "晶澳",
    "隆基",
    "通威",
    "协鑫",
    "阳光",
    "固德",
    "锦浪",
    "三一",
    "中联",
    "徐工",
    "柳工",
    "龙工",
    "山推",
    "厦工",
    "雷沃",
    "天成",
    "宏达",
    "鑫源",
    "恒通",
    "永信",
    "嘉禾",
    "瑞丰",
    "华润",
    "广发",
    "德邦",
    "顺达",
    "汇通",
]
SECOND = [
    "科",
    "创",
    "达",
    "盛",
    "隆",
    "泰",
    "丰",
    "宏",
    "远",
    "航",
    "翔",
    "博",
    "雅",
    "诚",
    "德",
    "仁",
    "和",
    "兴",
    "旺",
    "源",
]
TRADES = [
    "科技",
    "网络",
    "电子",
    "机械",
    "贸易",
    "物流",
    "建筑",
    "食品",
    "服装",
    "医药",
    "教育",
    "传媒",
    "能源",
    "环保",
    "化工",
    "家具",
]
SEATS = ["北京", "上海", "深圳", "广州", "杭州", "南京", "成都", "武汉", "西安", "苏州"]
FORMS = ("有限公司", "有限责任公司", "股份有限公司")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰"
STREETS = [
    "建国路",
    "人民路",
    "中山路",
    "解放路",
    "长江路",
    "黄河路",
    "文化路",
    "新华路",
    "和平路",
    "胜利路",
]
TRADITIONAL = str.maketrans(
    "华联电机网贸饰药业广东马张刘陈杨黄赵吴孙罗兰丽军艳杰涛强伟义长东龙汇达远恒",
    "華聯電機網貿飾藥業廣東馬張劉陳楊黃趙吳孫羅蘭麗軍豔傑濤強偉義長東龍匯達遠恆",
)
HOMOPHONES = str.maketrans("诚达鑫宏恒伟丽张", "成答新红横玮莉章")

SISTERS = 0.1
"""So many companies are of the same group as the one before."""

Record = dict[str, str]


def make_companies(seed: int, count: int) -> tuple[dict[str, Record], list[list[str]]]:
    """Gives records by id, and the groups of ids that are one company."""
    chance = random.Random(seed)
    records: dict[str, Record] = {}
    groups: dict[str, list[str]] = defaultdict(list)
    names: set[str] = set()
    brand = seat = ""
    base: Record = {}
    while len(names) < count:
        is_sister = bool(names) and chance.random() < SISTERS
        if not is_sister:
            brand = chance.choice(BRANDS) + chance.choice(["", *SECOND])
            seat = chance.choice(SEATS)
        trade = chance.choice(TRADES)
        if brand + trade in names:
            continue
        names.add(brand + trade)
        entity = f"c{len(names)}"
        contact = chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.choice((1, 2))))
        if not is_sister:
            base = {
                "phone": f"+861{chance.choice('3578')}{chance.randrange(10**9):09d}",
                "address": f"{seat}市{chance.choice(STREETS)}{chance.randrange(1, 300)}号",
            }
        base = {**base, "contact": contact}
        for version in range(1 + (chance.random() < 0.5) + (chance.random() < 0.15)):
            key = f"{entity}-{version}"
            name = seat + brand + trade + chance.choice(FORMS)
            record = {"name": name, **base}
            if version:
                record = written_again(chance, record, brand, trade, seat)
            records[key] = record
            groups[entity].append(key)
    return records, list(groups.values())


def written_again(
    chance: random.Random, record: Record, brand: str, trade: str, seat: str
) -> Record:
    """Gives another version of a record, as somebody else would have written it."""
    form = chance.choice((*FORMS, "公司", ""))
    name = chance.choice(
        (
            f"{brand}{trade}（{seat}）{form}",
            f"{seat}市{brand}{trade}{form}",
            f"{brand}{trade}{form}",
            f"{seat}{brand}{trade} {form}",
        )
    )
    phone, contact, address = record["phone"], record["contact"], record["address"]
    if chance.random() < 0.3:
        name = name.translate(TRADITIONAL)
    if chance.random() < 0.15:
        name = name.translate(HOMOPHONES)
    if chance.random() < 0.3:
        contact = contact.translate(chance.choice((TRADITIONAL, HOMOPHONES)))
    if chance.random() < 0.2:
        contact += chance.choice(("先生", "经理", "总监"))
    digits = phone.removeprefix("+86")
    phone = chance.choice(
        (f"0086-{digits[:3]} {digits[3:7]} {digits[7:]}", digits, full_width(digits), "")
    )
    address = chance.choice((address, address.replace("市", ""), "", f"中国{address}"))
    return {"name": name, "phone": phone, "contact": contact, "address": address}


def full_width(text: str) -> str:
    """Gives digits as wide as characters."""
    return "".join(chr(ord(one) + 0xFEE0) for one in text)
