"""The catalogue: each published layer is one row here, and everything else follows from it.

OGC collection, tiles, files, console entry and documentation read these rows. ``source`` names a
query of :mod:`gis.store.layer_sources`. An attribute or a layer with ``roles`` is seen by those
roles only (``admin`` always); in Features, in tiles and in files alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from gis.errors import LayerUnknown
from gis.governance.actors import Actor

Kind = Literal["point", "line", "polygon"]
Type = Literal["string", "integer", "number", "boolean", "datetime", "strings"]

STAFF: Final = ("dispatcher", "planner", "grid_worker")
"""Who works with cases and people."""
HANDLERS: Final = ("dispatcher", "grid_worker")
"""Who handles cases: only they read what reporters wrote."""
PLANNERS: Final = ("planner", "dispatcher")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property of a layer's features. ``tiled``: it stands in the tiles as well."""

    name: str
    type: Type
    title_zh: str
    title_en: str
    unit: str = ""
    roles: tuple[str, ...] = ()
    tiled: bool = True

    def seen_by(self, role: str) -> bool:
        """Tell whether a role sees it."""
        return not self.roles or role in {"admin", *self.roles}


@dataclass(frozen=True, slots=True)
class Layer:
    """A published layer.

    Parameters
    ----------
    fresh
        ``revision``: changes only with the published boundaries, so tiles may be kept;
        ``stamped``: changes with its tables, which tell, so tiles may be kept as well;
        ``live``: read anew each time.
    zooms
        Smallest and largest zoom of the tiles.
    binned_below
        Points: below this zoom tiles carry cells with counts (``point_count``) instead.
    instant
        Attribute that ``datetime`` filters by.
    merged_below
        Lines: below this zoom those of one value of an attribute are one feature of many lines.
    coverage
        Neighbours share their edges, and go on to do so when they are simplified.
    instant, until
        Attributes that ``datetime`` filters by: an instant, or a period with its end.
    stamps
        Tables whose change makes the tiles of a ``stamped`` layer new.
    households
        Features may stand for single households: only ``trusted`` roles see those of few.
    derived
        Computed by a job from other layers, not stored by anybody.
    """

    key: str
    title_zh: str
    title_en: str
    about_zh: str
    about_en: str
    kind: Kind
    attributes: tuple[Attribute, ...]
    fresh: Literal["revision", "stamped", "live"] = "live"
    zooms: tuple[int, int] = (0, 14)
    binned_below: int = 0
    merged_below: tuple[int, str] | None = None
    coverage: bool = False
    instant: str | None = None
    until: str | None = None
    stamps: tuple[str, ...] = ()
    households: bool = False
    roles: tuple[str, ...] = ()
    derived: bool = False

    def seen_by(self, role: str) -> bool:
        """Tell whether a role sees the layer."""
        return not self.roles or role in {"admin", *self.roles}

    def attributes_for(self, role: str) -> tuple[Attribute, ...]:
        """Return the attributes that a role sees."""
        return tuple(one for one in self.attributes if one.seen_by(role))

    def title(self, *, zh: bool) -> str:
        """Return the title in a language."""
        return self.title_zh if zh else self.title_en


def _a(
    name: str, type_: Type, zh: str, en: str, unit: str = "",
    *, roles: tuple[str, ...] = (), tiled: bool = True,
) -> Attribute:  # fmt: skip
    return Attribute(name, type_, zh, en, unit, roles, tiled)


_AREA: Final = (
    _a("code", "string", "编码", "code"),
    _a("name", "string", "名称", "name"),
    _a("level", "string", "级别", "level", tiled=False),
    _a("kind", "string", "类别", "kind"),
    _a("parent", "string", "上级编码", "code of the area above"),
    _a("households", "integer", "户数", "households"),
    _a("residents", "integer", "常住人口", "residents"),
    _a("valid_from", "datetime", "启用时间", "valid from", tiled=False),
    _a("valid_to", "datetime", "停用时间", "valid to", tiled=False),
)


def _areas(key: str, zh: str, en: str, zooms: tuple[int, int], about: tuple[str, str]) -> Layer:
    return Layer(
        key, zh, en, *about, "polygon", _AREA, fresh="revision", zooms=zooms, coverage=True,
        instant="valid_from", until="valid_to",
    )  # fmt: skip


def _items(
    key: str, zh: str, en: str, about: tuple[str, str], roles: tuple[str, ...] = ()
) -> Layer:
    return Layer(
        key, zh, en, *about, "point",
        (
            _a("number", "string", "编号", "number"),
            _a("kind", "string", "类别", "kind"),
            _a("title", "string", "事项", "title"),
            _a("status", "string", "阶段", "stage"),
            _a("area", "string", "区域", "area"),
            _a("decision", "string", "决议", "decision", tiled=False),
            _a("score", "integer", "评分", "score"),
            _a("due_at", "datetime", "时限", "due at", roles=STAFF),
            _a("overdue", "boolean", "超期", "overdue", roles=STAFF),
            _a("created_at", "datetime", "提出时间", "raised at"),
        ),
        zooms=(0, 14), instant="created_at", roles=roles,
    )  # fmt: skip


LAYERS: Final[dict[str, Layer]] = {
    layer.key: layer
    for layer in (
        _areas("cities", "城市", "Cities", (4, 14), ("市域范围。", "The city's extent.")),
        _areas("counties", "区县", "Counties", (5, 14), ("区县边界。", "Counties and districts.")),
        _areas(
            "subdistricts", "街道乡镇", "Subdistricts", (7, 14),
            ("街道、镇、乡的边界。", "Subdistricts, towns and townships."),
        ),
        _areas(
            "communities", "社区和村", "Communities", (8, 14),
            ("社区和村的边界。", "Urban communities and villages."),
        ),
        _areas(
            "grids", "网格", "Grids", (9, 14),
            ("一般网格，铺满社区且互不重叠。", "General grids: they tile their community."),
        ),
        Layer(
            "dedicated-grids", "专属网格", "Dedicated grids",
            "市场、园区、校园等专属网格和微网格。",
            "Grids of markets, parks, campuses; micro grids.",
            "polygon",
            (*_AREA, _a("categories", "strings", "负责类别", "categories", tiled=False)),
            fresh="revision", zooms=(9, 14), instant="valid_from", until="valid_to",
        ),
        Layer(
            "stations", "服务站点", "Service stations",
            "便民服务站、就业服务站、综治中心。", "Service stations, job services, centres.",
            "point",
            (
                _a("code", "string", "编码", "code"),
                _a("name", "string", "名称", "name"),
                _a("kind", "string", "类别", "kind"),
                _a("address", "string", "地址", "address", tiled=False),
                _a("area", "string", "所属区域", "area that runs it"),
                _a("staffed", "boolean", "有人值守", "staffed"),
                _a("opening_hours", "string", "开放时间", "opening hours", tiled=False),
                _a("capacity", "integer", "容量", "capacity", "people"),
            ),
            fresh="stamped", stamps=("stations",), zooms=(0, 14),
        ),
        Layer(
            "employment-circles", "三公里就业圈", "Employment circles",
            "城市社区服务中心周围三公里（大地线）。",
            "Three kilometres around each urban community.",
            "polygon",
            (
                _a("code", "string", "社区编码", "code of the community"),
                _a("name", "string", "社区", "community"),
                _a("parent", "string", "上级编码", "code of the area above"),
                _a("radius_m", "number", "半径", "radius", "m"),
                _a("stations", "integer", "就业服务站", "job-service stations"),
                _a("openings", "integer", "岗位数", "openings"),
                _a("residents", "integer", "常住人口", "residents"),
                _a("covered", "boolean", "已覆盖", "covered"),
                _a("centre_lon", "number", "中心经度", "longitude of the centre", "°"),
                _a("centre_lat", "number", "中心纬度", "latitude of the centre", "°"),
            ),
            fresh="stamped", stamps=("layer_features",), zooms=(7, 14), derived=True,
        ),
        Layer(
            "roads", "道路", "Roads", "路口之间的道路。", "Road edges between junctions.", "line",
            (
                _a("code", "string", "编码", "code"),
                _a("name", "string", "名称", "name"),
                _a("class", "string", "等级", "class"),
                _a("oneway", "boolean", "单行", "one-way"),
                _a("walk", "boolean", "可步行", "on foot"),
                _a("ride", "boolean", "可骑行", "by bicycle"),
                _a("owner", "string", "权属单位", "kept by", roles=STAFF),
                _a("length_m", "number", "长度", "length", "m"),
            ),
            fresh="stamped", stamps=("roads",), zooms=(9, 14), merged_below=(12, "class"),
        ),
        Layer(
            "buildings", "建筑", "Buildings",
            "建筑位置；人口仅供规划和调度，公众不见少于 5 户的住宅。",
            "Buildings; people are for planning, homes of fewer than 5 households are not public.",
            "point",
            (
                _a("code", "string", "编码", "code"),
                _a("name", "string", "名称", "name"),
                _a("kind", "string", "类别", "kind"),
                _a("floors", "integer", "层数", "floors"),
                _a("grid", "string", "网格", "grid"),
                # a building of few households is a household: never public
                _a("residents", "integer", "常住人口", "residents", roles=PLANNERS),
                _a("households", "integer", "户数", "households", roles=PLANNERS),
            ),
            fresh="stamped", stamps=("buildings",), zooms=(8, 14), binned_below=14,
            households=True,
        ),
        Layer(
            "addresses", "地址", "Addresses", "地名地址库。", "The gazetteer.", "point",
            (
                _a("kind", "string", "类别", "kind"),
                _a("address", "string", "全称", "full text"),
                _a("road", "string", "道路", "road"),
                _a("house_number", "string", "门牌号", "house number"),
                _a("compound", "string", "小区", "compound"),
                _a("building", "string", "楼栋", "building"),
                _a("community", "string", "社区编码", "community"),
                _a("uncertainty_m", "number", "位置误差", "uncertainty", "m"),
            ),
            fresh="stamped", stamps=("gazetteer_entries",), zooms=(8, 14), binned_below=14,
        ),
        Layer(
            "job-openings", "岗位", "Job openings", "正在招聘的岗位。", "Openings of today.",
            "point",
            (
                _a("code", "string", "编码", "code"),
                _a("employer", "string", "单位", "employer"),
                _a("title", "string", "岗位", "title"),
                _a("trade", "string", "工种", "trade"),
                _a("wage_min", "integer", "最低月薪", "lowest wage", "CNY/month"),
                _a("wage_max", "integer", "最高月薪", "highest wage", "CNY/month"),
                _a("openings", "integer", "招聘人数", "places"),
                _a("valid_to", "datetime", "截止", "open until", tiled=False),
            ),
            zooms=(0, 14), instant="valid_to",
        ),
        Layer(
            "events", "事件", "Events", "上报的事件，按角色和辖区。", "Events, by role and area.",
            "point",
            (
                _a("number", "string", "编号", "number"),
                _a("source", "string", "来源", "source"),
                _a("category", "string", "类别", "category"),
                _a("title", "string", "标题", "title"),
                _a("description", "string", "描述", "description", roles=HANDLERS, tiled=False),
                _a("address", "string", "地址", "address", roles=HANDLERS, tiled=False),
                _a("status", "string", "状态", "status"),
                _a("routing", "string", "分派", "routing"),
                _a("grid", "string", "网格", "grid"),
                _a("accuracy_m", "number", "定位精度", "accuracy", "m", tiled=False),
                _a("reported_at", "datetime", "上报时间", "reported at"),
                _a("received_at", "datetime", "接收时间", "received at", tiled=False),
                _a("boundary_revision", "integer", "边界版本", "boundary revision", tiled=False),
            ),
            zooms=(0, 14), binned_below=12, instant="reported_at", roles=STAFF,
        ),
        Layer(
            "event-density", "事件密度", "Event density",
            "近一年事件数，约 500 米方格，少于 3 件的不列出。",
            "Events of the last year in cells of about 500 m; cells below 3 are left out.", "point",
            (
                _a("events", "integer", "事件数", "events"),
                _a("point_count", "integer", "事件数", "events, as in counted points"),
                _a("waiting", "integer", "待处理", "waiting"),
            ),
            zooms=(0, 14),
        ),
        _items(
            "deliberations", "议事事项", "Deliberations",
            ("已定事公开的社区事项和人民建议。", "Matters and proposals on a public agenda."),
        ),
        _items(
            "deliberation-desk", "议事办理", "Deliberation desk",
            ("辖区内全部社区事项和人民建议。", "All matters and proposals of one's area."),
            roles=STAFF,
        ),
        Layer(
            "coverage-gaps", "覆盖盲区", "Coverage gaps",
            "三公里内没有任何站点且有人居住的地方。",
            "Where people live and no station is within 3 km.",
            "polygon",
            (
                _a("code", "string", "区域编码", "code of the area"),
                _a("name", "string", "区域", "area"),
                _a("people", "integer", "未覆盖人口", "people not covered"),
                _a("rank", "integer", "排名", "rank"),
                _a("area_km2", "number", "面积", "area", "km²"),
                _a("nearest_m", "number", "距最近站点", "to the nearest station", "m"),
            ),
            fresh="stamped", stamps=("layer_features",), zooms=(6, 14), derived=True,
        ),
        Layer(
            "worker-areas", "网格员责任区", "Workers' areas",
            "谁负责哪个网格。", "Who answers for which grid.", "polygon",
            (
                _a("code", "string", "网格编码", "code of the grid"),
                _a("name", "string", "网格", "grid"),
                _a("worker", "string", "人员", "person"),
                _a("role", "string", "职责", "role"),
                _a("deputy", "boolean", "副手", "deputy"),
                _a("unit", "string", "单位", "unit"),
            ),
            zooms=(9, 14), roles=STAFF,
        ),
    )
}  # fmt: skip
"""Key -> layer, in the order of lists."""


def layers_for(actor: Actor) -> list[Layer]:
    """Return the layers that an actor sees."""
    return [layer for layer in LAYERS.values() if layer.seen_by(actor.role)]


def layer_of(key: str, actor: Actor) -> Layer:
    """Return a layer that the actor sees.

    Raises
    ------
    gis.errors.LayerUnknown
        There is none, or not for this actor: the answer does not tell which.
    """
    found = LAYERS.get(key)
    if found is None or not found.seen_by(actor.role):
        raise LayerUnknown(layer=key[:60])
    return found


@dataclass(frozen=True, slots=True)
class View:
    """A layer as one actor may see it: the one place where access is decided.

    Features, tiles and files read what is here and nothing else. ``rows_within`` limits the
    features, ``masked`` are attributes that are empty outside ``area``.
    """

    layer: Layer
    attributes: tuple[Attribute, ...]
    trusted: bool
    area: str | None
    rows_within: str | None
    masked: frozenset[str]

    @classmethod
    def of(cls, layer: Layer, actor: Actor) -> View:
        """Return what an actor sees of a layer.

        >>> worker = Actor("w", "planner", "341102")
        >>> sorted(View.of(LAYERS["buildings"], worker).masked)
        ['households', 'residents']
        >>> View.of(LAYERS["grids"], worker).rows_within is None
        True
        """
        attributes = layer.attributes_for(actor.role)
        masked = frozenset(one.name for one in attributes if one.roles and actor.area_code)
        return cls(
            layer,
            attributes,
            trusted=actor.role in {"admin", *PLANNERS},
            area=actor.area_code,
            rows_within=actor.area_code if layer.roles else None,
            masked=masked if not layer.roles else frozenset(),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the attributes."""
        return tuple(one.name for one in self.attributes)

    @property
    def key(self) -> str:
        """Return what distinguishes this view from others of the layer: part of cache keys.

        >>> a, b = Actor("a", "viewer"), Actor("b", "planner", "341102")
        >>> View.of(LAYERS["grids"], a).key == View.of(LAYERS["grids"], b).key
        True
        >>> View.of(LAYERS["buildings"], a).key == View.of(LAYERS["buildings"], b).key
        False
        """
        hidden = [one.name for one in self.layer.attributes if one not in self.attributes]
        parts = [*hidden, *(["few"] if self.layer.households and not self.trusted else [])]
        if self.rows_within or self.masked or (self.layer.households and self.trusted):
            parts.append(f"in-{self.area or 'all'}")
        return "-".join(parts) or "all"

    @property
    def private(self) -> bool:
        """Tell whether others see less: shared caches must not keep it."""
        return bool(self.layer.roles) or any(one.roles for one in self.attributes)
