"""The kinds of audit events, with the words by which a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "login": {"en": "Logged in", "zh": "登录"},
    "login_failed": {"en": "Failed to log in", "zh": "登录失败"},
    "logout": {"en": "Logged out", "zh": "退出登录"},
    "password": {"en": "Password set", "zh": "设置密码"},
    "read": {"en": "Sensitive data read", "zh": "读取敏感数据"},
    "export": {"en": "Records exported", "zh": "导出记录"},
    "import": {"en": "Records imported", "zh": "导入记录"},
    "import_silent": {"en": "Imported without rules", "zh": "静默导入（不运行规则）"},
    "import_undone": {"en": "Import undone", "zh": "撤销导入"},
    "merge": {"en": "Records merged", "zh": "合并记录"},
    "unmerge": {"en": "Merge undone", "zh": "撤销合并"},
    "preview": {"en": "Viewed as somebody else", "zh": "以他人身份预览"},
    "locked": {"en": "Person locked out", "zh": "停用人员"},
    "unlocked": {"en": "Person let in again", "zh": "重新启用人员"},
    "rights": {"en": "Rights changed", "zh": "更改权限"},
    "roles": {"en": "Roles of a person changed", "zh": "更改人员角色"},
    "share": {"en": "Record shared", "zh": "共享记录"},
    "unshare": {"en": "Sharing taken back", "zh": "取消共享"},
    "departed": {"en": "Person departed", "zh": "人员离职"},
    "transfer": {"en": "Records handed over", "zh": "移交记录"},
    "key_made": {"en": "API key made", "zh": "创建 API 密钥"},
    "key_revoked": {"en": "API key revoked", "zh": "吊销 API 密钥"},
    "publish": {"en": "Definitions published", "zh": "发布定义"},
    "package": {"en": "Package installed or removed", "zh": "安装或移除软件包"},
    "rotate": {"en": "Encryption keys rotated", "zh": "轮换加密密钥"},
    "purge": {"en": "Definitions dropped for good", "zh": "永久删除定义"},
    "audit_export": {"en": "Audit exported", "zh": "导出审计记录"},
    "webhook": {"en": "Webhook switched off", "zh": "停用 Webhook"},
    "replay": {"en": "Webhook delivered again", "zh": "重新投递 Webhook"},
}


def wording(kind: str, language: str) -> str:
    """Gives what a kind is called; one that an older product knew keeps its name."""
    words = KINDS.get(kind)
    return kind if words is None else words[language]
