/** Boundary drafts with their findings and their impact, on the map before anything is published. */

import {all, get, told} from "./api.mjs";
import {feature} from "./map.mjs";
import {fill, h, moment, nothing, t, whole} from "./page.mjs";
import {draftLegend} from "./paints.mjs";

const legend = draftLegend();
let wanted = null; // the draft that is to be seen: an answer about another one comes too late

/** Fill the list of revisions and drafts; a draft opens with its findings. */
export async function drafts({list, draw, city}) {
  wanted = null;
  const rows = await told(() => all("/v1/boundaries?limit=50", 50));
  const open = (rows || []).filter((row) => row.status === "draft");
  fill(list, open.length ? h("ul", {className: "gw-list"}, open.map((row) => h("li", {}, h("button", {type: "button", onclick: () => show(row, {list, draw, city})},
    h("span", {}, row.title || t(`草稿 ${row.draft_id}`, `draft ${row.draft_id}`)), h("small", {}, moment(row.created_at))))))
    : nothing(t("没有边界草稿。", "There is no boundary draft."), t("用 gridward boundaries draft 或接口提交草稿后，会显示在这里。", "A draft made with gridward boundaries draft appears here.")));
}

async function show(row, {list, draw, city}) {
  wanted = row.draft_id;
  fill(list, h("p", {role: "status"}, t("正在检查…", "Checking …")));
  const place = `/v1/boundaries/drafts/${row.draft_id}`;
  const [draft, ground] = await Promise.all([told(() => get(place)), told(() => get(`${place}/ground`))]);
  if (wanted !== row.draft_id || list.closest("[hidden]")) { return; }
  if (!draft) { drafts({list, draw, city}); return; }
  const {findings, kinds} = draft.check;
  const summary = draft.impact.summary;
  const moved = ground ? ground.features : [];
  const points = findings.filter((one) => one.lon !== null)
    .map((one) => feature({type: "Point", coordinates: [one.lon, one.lat]}, {role: "finding"}));
  draw([...moved, ...points]);
  city.fit(moved.length ? moved : points, {maxZoom: 15});
  fill(list, h("button", {type: "button", onclick: () => { draw([]); drafts({list, draw, city}); }}, t("← 全部草稿", "← All drafts")),
    h("h3", {}, row.title || t(`草稿 ${row.draft_id}`, `draft ${row.draft_id}`)),
    summary.layer ? h("dl", {className: "gw-facts"}, [["residents_moved", "改由其他区域负责的人口", "residents that get another area"], ["open_orders_moved", "随之转交的工单", "open work orders that follow"], ["areas_changed", "调整的区域", "areas changed"], ["areas_new", "新增的区域", "areas new"], ["areas_retired", "停用的区域", "areas retired"]]
      .filter(([key]) => summary[key] !== undefined).map(([key, zh, en]) => [h("dt", {}, t(zh, en)), h("dd", {}, whole(summary[key]))])) : h("p", {className: "gw-fine"}, t("此草稿不改变任何区域。", "This draft changes no area.")),
    legend,
    h("p", {}, h("a", {href: `/maps/boundary-impact?draft=${row.draft_id}`}, t("影响图（可打印）", "Map of the impact"))),
    h("h3", {}, t("检查结果", "Findings")),
    findings.length ? h("ul", {className: "gw-list"}, findings.slice(0, 200).map((one) => h("li", {className: "gw-card"},
      h("strong", {}, t(kinds[one.kind].title_zh, kinds[one.kind].title_en)), h("p", {className: "gw-fine"}, t(one.reason_zh, one.reason_en)))))
      : nothing(t("没有发现问题。", "Nothing was found.")));
}
