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
    "away": {"en": "Absence entered", "zh": "登记外出"},
    "back": {"en": "Absence taken back", "zh": "撤销外出"},
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
    "backup": {"en": "Backup made", "zh": "创建备份"},
    "restored": {"en": "Restored from a backup", "zh": "从备份恢复"},
    "audit_export": {"en": "Audit exported", "zh": "导出审计记录"},
    "webhook": {"en": "Webhook switched off", "zh": "停用 Webhook"},
    "retried": {"en": "Background work tried again", "zh": "重试后台任务"},
    "cancelled": {"en": "Background work cancelled", "zh": "取消后台任务"},
    "paused": {"en": "Background work paused", "zh": "暂停后台任务"},
    "rule_quarantined": {"en": "Rule put into quarantine", "zh": "规则被隔离"},
    "rule_released": {"en": "Rule released from quarantine", "zh": "解除规则隔离"},
    "rule_dropped": {"en": "Effects of a rule dropped", "zh": "丢弃规则的待执行操作"},
    "resumed": {"en": "Background work let go on", "zh": "恢复后台任务"},
    "rescored": {"en": "Score computed for all records", "zh": "为全部记录计算评分"},
    "shadow": {"en": "Shadow of a score begun", "zh": "启动影子评分"},
    "shadow_ended": {"en": "Shadow of a score ended", "zh": "结束影子评分"},
    "replay": {"en": "Webhook delivered again", "zh": "重新投递 Webhook"},
}


DETAILS: Final[Mapping[str, Mapping[str, str]]] = {
    "address": {"en": "Address", "zh": "地址"},
    "begun": {"en": "Begun", "zh": "开始"},
    "door": {"en": "By", "zh": "途径"},
    "ended": {"en": "Ended sessions", "zh": "结束的会话"},
    "backup": {"en": "Backup of", "zh": "备份时间"},
    "elements": {"en": "Definitions", "zh": "定义"},
    "fields": {"en": "Fields", "zh": "字段"},
    "file": {"en": "File", "zh": "文件"},
    "filter": {"en": "Filter", "zh": "筛选条件"},
    "format": {"en": "Format", "zh": "格式"},
    "from": {"en": "From", "zh": "原负责人"},
    "grantee": {"en": "With", "zh": "共享给"},
    "group": {"en": "Group", "zh": "用户组"},
    "held": {"en": "Held back", "zh": "暂停发送"},
    "id": {"en": "Number", "zh": "编号"},
    "installed": {"en": "Installed", "zh": "已安装"},
    "job": {"en": "Job", "zh": "任务编号"},
    "kept": {"en": "Kept as they are", "zh": "保持不变"},
    "key": {"en": "Key", "zh": "密钥编号"},
    "kind": {"en": "Kind", "zh": "类型"},
    "level": {"en": "Level", "zh": "级别"},
    "merge": {"en": "Merge", "zh": "合并编号"},
    "message": {"en": "Message", "zh": "消息"},
    "messages": {"en": "Messages", "zh": "消息数"},
    "mode": {"en": "Mode", "zh": "方式"},
    "moved": {"en": "Moved records", "zh": "转移的记录"},
    "name": {"en": "Name", "zh": "名称"},
    "owned": {"en": "Owned", "zh": "拥有的记录"},
    "package": {"en": "Package", "zh": "业务包"},
    "places": {"en": "Definitions", "zh": "定义"},
    "policy": {"en": "Policy", "zh": "处理方式"},
    "records": {"en": "Records", "zh": "记录"},
    "removed": {"en": "Removed", "zh": "已移除"},
    "role": {"en": "Role", "zh": "角色"},
    "roles": {"en": "Roles", "zh": "角色"},
    "rule": {"en": "Rule", "zh": "规则"},
    "run": {"en": "Number", "zh": "编号"},
    "scopes": {"en": "Scopes", "zh": "权限范围"},
    "search": {"en": "Search", "zh": "搜索"},
    "shares": {"en": "Shares ended", "zh": "结束的共享"},
    "substitute": {"en": "Substitute", "zh": "代理人"},
    "to": {"en": "To", "zh": "给"},
    "until": {"en": "Until", "zh": "截止"},
    "users": {"en": "People", "zh": "人员"},
    "values": {"en": "Values", "zh": "值的数量"},
    "version": {"en": "Version", "zh": "版本"},
    "work": {"en": "Work", "zh": "任务类别"},
}
"""What the values of events are called; others keep their names."""


def wording(kind: str, language: str) -> str:
    """Gives what a kind is called; one that an older product knew keeps its name."""
    words = KINDS.get(kind)
    return kind if words is None else words[language]


def detail_wording(name: str, language: str) -> str:
    """Gives what a value of an event is called."""
    words = DETAILS.get(name)
    return name if words is None else words[language]
