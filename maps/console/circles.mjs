/** The employment circle of each urban community: what it has, what it lacks. */

import {get, told} from "./api.mjs";
import {circle, feature} from "./map.mjs";
import {fill, h, nothing, t, whole} from "./page.mjs";

/** Fill the list and draw the circles; a row shows its circle. */
export async function circles({list, draw, city, area}) {
  fill(list, h("p", {role: "status"}, t("正在读取…", "Reading …")));
  const found = await told(() => get(`/v1/employment/circles${area ? `?area=${encodeURIComponent(area)}` : ""}`));
  const rows = found ? found.items || found.circles || found : [];
  if (!Array.isArray(rows) || !rows.length) {
    fill(list, nothing(t("此范围内没有城市社区。", "There is no urban community in that scope.")));
    draw([]);
    return;
  }
  const lacking = [...rows].sort((a, b) => Number(a.covered) - Number(b.covered) || (a.code < b.code ? -1 : 1));
  const covered = rows.filter((row) => row.covered).length;
  fill(list, h("p", {}, t(`${rows.length} 个城市社区，${covered} 个达标。`, `${covered} of ${rows.length} urban communities are covered.`)),
    h("table", {}, h("thead", {}, h("tr", {}, [t("社区", "Community"), t("站点", "Stations"), t("岗位", "Openings"), t("求职者", "Seekers"), t("状态", "State")].map((title) => h("th", {scope: "col"}, title)))),
      h("tbody", {}, lacking.map((row) => h("tr", {}, h("th", {scope: "row"}, h("button", {type: "button", className: "gw-link", onclick: () => show(row, draw, city)}, row.name)),
        h("td", {}, whole(amount(row.stations))), h("td", {}, whole(amount(row.openings))), h("td", {}, whole(amount(row.seekers))),
        h("td", {}, row.covered ? t("达标", "covered") : why(row.why_not)))))));
  draw(rows.map(ring).filter(Boolean));
}

function amount(value) {
  return Array.isArray(value) ? value.length : value && typeof value === "object" ? value.total ?? value.count ?? Object.values(value).reduce((sum, one) => sum + Number(one || 0), 0) : value;
}

function why(reasons) {
  const list = Array.isArray(reasons) ? reasons : [reasons];
  return list.filter(Boolean).map((one) => (typeof one === "string" ? one : one.text || t(one.text_zh, one.text_en) || one.code)).join("；") || t("未达标", "not covered");
}

function centreOf(row) {
  const centre = row.centre || row.center || row;
  return Number.isFinite(centre.lon) ? [centre.lon, centre.lat] : null;
}

function ring(row) {
  const centre = centreOf(row);
  return centre && feature(circle(...centre, row.radius_m || 3000), {code: row.code, covered: row.covered});
}

function show(row, draw, city) {
  const drawn = ring(row);
  if (drawn) { draw([drawn]); city.fit([drawn], {maxZoom: 14}); }
}
