"""The data-flow picture of the threat model: who talks to what across which boundary, drawn as SVG."""

from html import escape
from typing import Final, NamedTuple

WIDTH, HEIGHT = 1120, 700
INK, FAINT, LINE = "#1d2b36", "#5b6b78", "#3a7aab"


class Box(NamedTuple):
    """A process, a store or a person: left, top, width, height, Chinese and English name, what it is."""

    x: int
    y: int
    w: int
    h: int
    zh: str
    en: str
    kind: str


class Zone(NamedTuple):
    """Everything inside is trusted by itself alone; its border is a boundary of the table."""

    x: int
    y: int
    w: int
    h: int
    name: str


BOXES: Final = {
    "phone": Box(40, 90, 190, 74, "网格员手机（离线待发箱）", "grid worker's phone, outbox", "person"),
    "centre": Box(40, 196, 190, 74, "指挥中心浏览器", "command centre's browser", "person"),
    "admins": Box(40, 302, 190, 74, "三员：系统、安全、审计", "three administrators", "person"),
    "guest": Box(40, 408, 190, 74, "无会话者、攻击者", "nobody, and whoever attacks", "person"),
    "planner": Box(40, 560, 190, 74, "规划员的文件", "planner's files", "person"),
    "guard": Box(330, 90, 190, 74, "门卫：长度、头、同源、时限", "guard: sizes, heads, deadline", "process"),
    "json": Box(330, 196, 190, 74, "严格 JSON、模型", "strict JSON, models", "process"),
    "services": Box(330, 302, 190, 74, "服务与领域规则", "services, domain rules", "process"),
    "worker": Box(330, 408, 190, 74, "后台与封存进程", "worker and sealer", "process"),
    "bounded": Box(330, 560, 190, 74, "限额子进程：几何闸门", "bounded process: geometry gate", "process"),
    "walls": Box(620, 196, 190, 74, "角色墙与行级安全", "walls: roles, row security", "process"),
    "db": Box(620, 302, 190, 74, "PostgreSQL + PostGIS", "tables with checks", "store"),
    "audit": Box(620, 408, 190, 74, "审计日志（只增、封存）", "audit log, append-only, sealed", "store"),
    "photos": Box(900, 196, 180, 74, "证据照片", "evidence photos", "store"),
    "keys": Box(900, 302, 180, 74, "密钥（库外）", "keys, outside the database", "store"),
    "witness": Box(900, 408, 180, 74, "异地见证与备份", "witness and backup elsewhere", "store"),
}  # fmt: skip
ZONES: Final = (
    Zone(20, 50, 230, 450, "B0 设备 devices"),
    Zone(310, 50, 230, 450, "B1 服务进程 server processes"),
    Zone(600, 150, 230, 350, "B2 数据库 database"),
    Zone(880, 150, 220, 190, "B3 文件 files"),
    Zone(880, 376, 220, 124, "B4 异地 elsewhere"),
    Zone(20, 524, 520, 130, "B5 命令行导入 imports by command line"),
)
FLOWS: Final = (
    ("phone", "guard", "HTTPS"),
    ("centre", "guard", ""),
    ("admins", "guard", ""),
    ("guest", "guard", "?"),
    ("guard", "json", ""),
    ("json", "services", ""),
    ("services", "walls", "SQL"),
    ("walls", "db", ""),
    ("db", "audit", ""),
    ("worker", "db", "SQL"),
    ("services", "photos", "SHA-256"),
    ("services", "keys", ""),
    ("audit", "witness", "Ed25519"),
    ("planner", "bounded", "GeoJSON"),
    ("bounded", "db", "WKB"),
)


def picture() -> str:
    """The SVG."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        "font-family=\"'Noto Sans CJK SC', sans-serif\">\n"
        "<title>数据流与信任边界 · Data flow and trust boundaries</title>\n"
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
    )
    title = _text(20, 30, "数据流与信任边界 · Data flow and trust boundaries", 18, INK)
    parts = [
        title,
        *map(_zone, ZONES),
        *(_flow(*flow) for flow in FLOWS),
        *map(_box, BOXES.values()),
        _legend(),
    ]
    return head + "\n".join(parts) + "\n</svg>\n"


def _text(x: float, y: float, words: str, size: int, colour: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _zone(zone: Zone) -> str:
    border = (
        f'<rect x="{zone.x}" y="{zone.y}" width="{zone.w}" height="{zone.h}" rx="8" fill="#f4f7f9" '
        'stroke="#b0413e" stroke-dasharray="7 5"/>'
    )
    return border + _text(zone.x + 10, zone.y + 20, zone.name, 13, "#b0413e")


def _box(box: Box) -> str:
    fill = {"person": "#fdf3dc", "process": "#e3eef6", "store": "#e6f2e6"}[box.kind]
    radius = {"person": 18, "process": 6, "store": 0}[box.kind]
    shape = (
        f'<rect x="{box.x}" y="{box.y}" width="{box.w}" height="{box.h}" rx="{radius}" fill="{fill}" '
        f'stroke="{INK}"/>'
    )
    middle = box.x + box.w / 2
    return (
        shape
        + _text(middle, box.y + 33, box.zh, 14, INK, "middle")
        + _text(middle, box.y + 55, box.en, 12, FAINT, "middle")
    )


def _flow(begin: str, end: str, label: str) -> str:
    one, other = BOXES[begin], BOXES[end]
    if one.x == other.x:
        x1 = x2 = one.x + one.w / 2
        y1, y2 = (one.y + one.h, other.y) if one.y < other.y else (one.y, other.y + other.h)
    else:
        x1, x2 = one.x + one.w, other.x
        y1, y2 = one.y + one.h / 2, other.y + other.h / 2
    line = (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{LINE}" stroke-width="1.6" '
        'marker-end="url(#tip)"/>'
    )
    return line + (_text((x1 + x2) / 2, (y1 + y2) / 2 - 6, label, 12, LINE, "middle") if label else "")


def _legend() -> str:
    words = "圆角：人与设备  方角：进程  直角：存储  红虚线：信任边界 · dashed red: trust boundaries B0 to B5"
    return _text(20, HEIGHT - 16, words, 13, FAINT)
