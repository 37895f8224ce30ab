/** The employment circle of each urban community: what it has, what it lacks. */

import {get, told} from "./api.mjs";
import {circle, feature} from "./map.mjs";
import {fill, h, nothing, percent, t, whole} from "./page.mjs";

/** Fill the list and draw the circles; a row shows its circle. `asked` are area, radius_m and reach. */
export async function circles({list, draw, city, asked}) {
  fill(list, h("p", {role: "status"}, t("正在读取…", "Reading …")));
  const said = new URLSearchParams({radius_m: asked.radius_m, reach: asked.reach, ...(asked.area ? {area: asked.area} : {})});
  const found = await told(() => get(`/v1/employment/circles?${said}`));
  const rows = found ? found.items : [];
  if (!rows.length) {
    fill(list, nothing(t("此范围内没有城市社区。", "There is no urban community in that scope."), t("换一个区域再看。", "Choose another area.")));
    draw([]);
    return;
  }
  const covered = rows.filter((row) => row.covered).length;
  const ring = (row) => feature(circle(row.centre.lon, row.centre.lat, asked.radius_m), {covered: row.covered});
  const all = [...rows].sort((a, b) => Number(b.covered) - Number(a.covered)).map(ring); // what lacks lies on top
  const show = (row) => { draw([...all, ring(row)]); city.fit([ring(row)], {maxZoom: 14}); };
  const order = [...rows].sort((a, b) => Number(a.covered) - Number(b.covered) || b.seekers - a.seekers || (a.code < b.code ? -1 : 1));
  fill(list, h("dl", {className: "gw-figures"}, figure(t("达标社区", "Covered"), `${covered} / ${rows.length}`), figure(t("达标率", "Share"), percent(covered / rows.length))),
    h("p", {className: "gw-fine"}, t(found.rule.covered_when_zh, found.rule.covered_when), t(`（不少于 ${found.rule.least_openings} 个岗位）。`, ` (at least ${found.rule.least_openings}).`)),
    h("table", {}, h("thead", {}, h("tr", {}, [t("社区", "Community"), t("就业站", "Stations"), t("岗位", "Openings"), t("求职者", "Seekers")].map((title) => h("th", {scope: "col"}, title)))),
      h("tbody", {}, order.map((row) => h("tr", {className: row.covered ? "" : "gw-lacking"}, h("th", {scope: "row"}, h("button", {type: "button", className: "gw-link", onclick: () => show(row)}, row.name),
        h("small", {}, row.covered ? t("达标", "covered") : why(row.why_not))),
      h("td", {}, whole(row.stations)), h("td", {}, whole(row.openings)), h("td", {}, whole(row.seekers)))))));
  draw(all);
}

function figure(title, value) {
  return h("div", {className: "gw-figure"}, h("dt", {}, title), h("dd", {}, value));
}

function why(reasons) {
  return reasons.map((one) => t(one.text_zh, one.text_en) + (one.missing ? t(`（差 ${one.missing} 个）`, ` (${one.missing} missing)`) : "")).join(t("；", "; "));
}
