// The words of the page, in the two languages of the service.

export const TEXTS = {
  en: {
    outbox: "Outbox", addresses: "Addresses", calls: "Calls", scenario: "Scenario", clock: "Clock", faults: "Faults",
    account: "Account", all: "all accounts", reset: "Reset", other: "中文", deleteAll: "Delete all", deleteOne: "Delete",
    html: "HTML", text: "Text", headers: "Headers", raw: "Raw", copyToken: "Copy token", copyLink: "Copy link", openLink: "Follow link",
    copied: "Copied.", to: "To", sent: "Sent", operation: "Operation", token: "Token", request: "Request", noMails: "No mails yet. Submit an address.",
    search: "Search", newest: "The newest 200; search for others.", evicted: "Dropped, since there were too many:", email: "Address", status: "Status", outcome: "Outcome", sendsToday: "Sends today", decidedBy: "Decided by",
    noAddresses: "No addresses.", time: "Time", code: "Code", key: "Key", detail: "What became of it", took: "Took", noCalls: "No calls yet.",
    open: "open", used: "used", void: "void", expired: "expired", verified: "verified", pending: "pending",
    drop: "Drop a scenario file here, or choose one:", load: "Load", loadedNow: "Loaded.", current: "As it is now", asLoaded: "As loaded",
    freeze: "Freeze", run: "Let it run", day: "+1 day", hour: "+1 hour", frozen: "stands still", running: "runs",
    fault: "Fault", does: "What it does", seen: "Matched", hits: "Hit", noFaults: "No faults.", lost: "The emulator does not answer. Trying again.",
    wrongFile: "A changed file was not loaded; the old scenario is kept:", help: "Keys: 1 to 6 views, j and k through the mails.",
    hint: "hint",
  },
  zh: {
    outbox: "发件箱", addresses: "地址", calls: "调用", scenario: "场景", clock: "时钟", faults: "故障",
    account: "账号", all: "全部账号", reset: "重置", other: "English", deleteAll: "全部删除", deleteOne: "删除",
    html: "HTML", text: "纯文本", headers: "邮件头", raw: "原文", copyToken: "复制 token", copyLink: "复制链接", openLink: "打开链接",
    copied: "已复制。", to: "收件人", sent: "发送时间", operation: "接口", token: "Token", request: "请求", noMails: "暂无邮件，请先提交一个邮箱地址。",
    search: "搜索", newest: "仅显示最新 200 封，其余请搜索。", evicted: "因数量过多已丢弃：", email: "邮箱地址", status: "状态", outcome: "预设结果", sendsToday: "今日发送", decidedBy: "依据",
    noAddresses: "暂无地址。", time: "时间", code: "返回码", key: "密钥", detail: "处理结果", took: "耗时", noCalls: "暂无调用。",
    open: "有效", used: "已使用", void: "已作废", expired: "已过期", verified: "已验证", pending: "待验证",
    drop: "将场景文件拖到此处，或选择文件：", load: "加载", loadedNow: "已加载。", current: "当前状态", asLoaded: "加载时",
    freeze: "停住", run: "继续走", day: "+1 天", hour: "+1 小时", frozen: "静止", running: "走动",
    fault: "故障", does: "作用", seen: "匹配", hits: "命中", noFaults: "暂无故障。", lost: "模拟器没有响应，正在重试。",
    wrongFile: "文件已更改但未加载，仍使用原场景：", help: "按键：1 到 6 切换视图，j、k 浏览邮件。",
    hint: "提示",
  },
};
