/** Scenarios kept by the service: saved by name, opened, asked again, compared, exported, deleted. */

import {all, get, post, send, told} from "./api.mjs";
import {ask, byId, config, distance, fill, h, moment, nothing, percent, say, t, whole} from "./page.mjs";

const FIGURES = [["people_covered", "已覆盖人口", "People covered", whole], ["ratio", "覆盖率", "Share", percent], ["people_uncovered", "未覆盖人口", "Not covered", whole],
  ["stations", "站点", "Stations", whole], ["mean_distance_m", "人均距离", "Mean distance", distance], ["largest_distance_m", "最远距离", "Largest distance", distance],
  ["grids", "网格数", "Grids", whole], ["fewest_households", "最少户数", "Fewest households", whole], ["most_households", "最多户数", "Most households", whole],
  ["households_moved", "改属的户", "Households that move", whole], ["compactness", "紧凑度", "Compactness", (value) => (value ?? null) === null ? "—" : value.toFixed(2)], ["along_roads", "沿路边界", "Borders along roads", percent]];
const KINDS = {coverage: () => t("覆盖", "coverage"), siting: () => t("选址", "siting"), redraw: () => t("重划网格", "redraw")};

/** Whether whoever is signed in may save: planners do. */
export const maySave = () => ["planner", "admin"].includes(config.user.role);

/** Bind the list; `question()` gives `{coverage}` or `{siting}`, `open(kind, question)` takes one up. */
export function scenarios({question, open}) {
  const chosen = new Set();
  const draw = async () => {
    if (!maySave()) { fill(byId("saved"), h("li", {}, nothing(t("保存方案需要规划员角色；可以复制链接分享。", "Saving needs the role planner; the link can be shared by anybody.")))); return; }
    const list = await told(() => all("/v1/scenarios?limit=100", 100));
    if (!list) { return; }
    fill(byId("saved"), list.length ? [...list].reverse().map((one) => h("li", {className: "gw-card"},
      h("label", {className: "gw-row"}, h("input", {type: "checkbox", checked: chosen.has(one.id), onchange: (event) => { if (event.target.checked) { chosen.add(one.id); } else { chosen.delete(one.id); } byId("compare").disabled = chosen.size < 2; }}), h("strong", {}, one.name)),
      h("small", {}, `${KINDS[one.kind]()} · ${moment(one.created_at)}`),
      h("div", {className: "gw-row"}, one.kind !== "redraw" && h("button", {type: "button", onclick: () => open(one.kind, one.question)}, t("打开", "Open")),
        h("button", {type: "button", onclick: () => again(one)}, t("重新计算", "Ask again")),
        h("a", {href: `/v1/scenarios/${one.id}/export?format=xlsx`, download: ""}, "Excel"),
        h("button", {type: "button", className: "gw-quiet", aria: {label: t(`删除${one.name}`, `Delete ${one.name}`)}, onclick: () => remove(one)}, "✕"))))
      : h("li", {}, nothing(t("还没有保存的方案。", "No scenario is saved yet."), t("调整条件或站点后，点“保存方案”。", "Change the question or the stations, then save."))));
    byId("compare").hidden = list.length < 2;
    byId("compare").disabled = chosen.size < 2;
  };
  const again = async (one) => {
    say(t("正在按当前数据重新计算…", "Asking the city as it is now …"));
    const told_ = await told(() => post(`/v1/scenarios/${one.id}/again`));
    if (told_) { say(told_.same_figures ? t(`${one.name}：结果与保存时相同。`, `${one.name}: the figures are the same.`) : t(`${one.name}：数据有变化，结果与保存时不同。`, `${one.name}: the data changed, and so did the figures.`)); }
  };
  const remove = async (one) => {
    if (await ask(t(`删除方案“${one.name}”？`, `Delete the scenario “${one.name}”?`), [], {submit: t("删除", "Delete")}) === null) { return; }
    await told(() => send("DELETE", `/v1/scenarios/${one.id}`));
    chosen.delete(one.id);
    await draw();
  };
  byId("save").disabled = !maySave();
  byId("save").addEventListener("click", async () => {
    const said = await ask(t("保存方案", "Save the scenario"), [h("label", {}, h("span", {}, t("名称", "Name")), h("input", {name: "name", type: "text", required: true, maxLength: 60}))], {submit: t("保存", "Save")});
    if (!said) { return; }
    const kept = await told(() => post("/v1/scenarios", {name: said.name, ...question()}));
    if (kept) { byId("saved").closest("details").open = true; await draw(); say(t("已保存，同事在“已保存的方案”中可以打开。", "Saved; colleagues find it among the saved scenarios.")); }
  });
  byId("compare").addEventListener("click", async () => {
    const found = await told(() => get(`/v1/scenarios/compare?${[...chosen].map((id) => `ids=${id}`).join("&")}`));
    if (!found) { return; }
    const rows = FIGURES.filter(([key]) => found.columns.some((one) => one.figures[key] !== undefined && one.figures[key] !== null));
    await ask(t("方案对比", "Scenarios side by side"), [h("div", {className: "gw-table"}, h("table", {}, h("thead", {}, h("tr", {}, h("td", {}), found.columns.map((one) => h("th", {scope: "col"}, one.name)))),
      h("tbody", {}, rows.map(([key, zh, en, words]) => h("tr", {}, h("th", {scope: "row"}, t(zh, en)), found.columns.map((one) => h("td", {}, words(one.figures[key])))))))),
      !found.same_basis && h("p", {className: "gw-warning"}, t("这些方案依据的数据日期不同。", "These scenarios stand on data of different dates."))], {submit: t("关闭", "Close")});
  });
  draw();
}
