/** `/browse`: layers, search, what is here, measure, share, print. */

import {all, get, told} from "./api.mjs";
import {CityMap, described, feature, metresBetween} from "./map.mjs";
import {byId, config, distance, fill, h, nothing, say, settled, t, titled} from "./page.mjs";
import {tour} from "./tour.mjs";

const city = new CityMap(byId("map"));
byId("map").setAttribute("aria-label", described());
window.gridward = {city};

// --- what the address says, and back ------------------------------------------------------------

let picked = null;

function restore() {
  const said = new URLSearchParams(location.hash.slice(1));
  const layers = said.get("layers");
  for (const layer of city.layers) {
    if (layers !== null) { city.show(layer.key, layers.split(",").includes(layer.key)); }
  }
  const [zoom, lat, lon] = (said.get("at") || "").split("/").map(Number);
  if (Number.isFinite(zoom + lat + lon) && said.has("at")) { city.view.jumpTo({center: [lon, lat], zoom}); }
  picked = said.get("area");
  const [pinLon, pinLat] = (said.get("pin") || "").split(",").map(Number);
  return said.has("pin") && Number.isFinite(pinLon + pinLat) ? [pinLon, pinLat] : null;
}

let pin = restore();

function remember() {
  const centre = city.view.getCenter();
  const said = new URLSearchParams({
    at: `${city.view.getZoom().toFixed(2)}/${centre.lat.toFixed(5)}/${centre.lng.toFixed(5)}`,
    layers: city.layers.filter((layer) => layer.shown).map((layer) => layer.key).join(","),
  });
  if (picked) { said.set("area", picked); }
  if (pin) { said.set("pin", pin.map((degrees) => degrees.toFixed(6)).join(",")); }
  history.replaceState(null, "", `#${said}`);
}

// --- overlays -----------------------------------------------------------------------------------

const drawPin = city.overlay("pin", (colours) => [
  {type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: {"fill-color": colours.accent, "fill-opacity": 0.18}},
  {type: "line", filter: ["==", ["geometry-type"], "Polygon"], paint: {"line-color": colours.accent, "line-width": 2.5}},
  {type: "line", filter: ["==", ["geometry-type"], "LineString"], paint: {"line-color": colours.accent, "line-width": 1.5, "line-dasharray": [2, 2]}},
  {type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: {"circle-radius": 7, "circle-color": colours.accent, "circle-stroke-color": colours.land, "circle-stroke-width": 2}},
]);
const drawMeasure = city.overlay("measure", (colours) => [
  {type: "line", paint: {"line-color": colours.ink, "line-width": 2.5}},
  {type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: {"circle-radius": 4, "circle-color": colours.land, "circle-stroke-color": colours.ink, "circle-stroke-width": 2}},
]);

// --- layers and legend --------------------------------------------------------------------------

function swatch(layer) {
  return h("i", {className: `gw-key gw-key-${layer.kind}`, data: {layer: layer.key}, aria: {hidden: true}});
}

function paintKeys() {
  const colours = config.palette[window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"];
  for (const key of document.querySelectorAll("[data-layer].gw-key")) {
    key.style.setProperty("--colour", colours.layers[key.dataset.layer] || colours.ink);
  }
}

fill(byId("layers"), city.layers.length ? city.layers.map((layer) => h("li", {},
  h("label", {}, h("input", {type: "checkbox", checked: layer.shown, onchange: (event) => { city.show(layer.key, event.target.checked); remember(); }}),
    !layer.marks && swatch(layer), h("span", {}, titled(layer)),
    layer.minzoom > 9 && h("small", {data: {from: layer.minzoom}}, t("放大后显示", "zoom in to see"))),
  layer.marks && h("ul", {className: "gw-marks"}, Object.values(config.marks).map((mark) => h("li", {}, h("i", {className: "gw-key gw-key-point", style: {"--colour": mark.colour}, aria: {hidden: true}}), titled(mark)))))) : h("li", {}, nothing(t("没有可浏览的图层。", "There are no layers to browse."))));
/** Say "zoom in" only of what is not to be seen from here. */
function sayZooms() {
  for (const words of document.querySelectorAll("#layers [data-from]")) { words.hidden = city.view.getZoom() >= Number(words.dataset.from); }
}

paintKeys();
sayZooms();
city.view.on("zoomend", sayZooms);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintKeys);

// --- what is here -------------------------------------------------------------------------------

function row(name, ...value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}

async function here(lon, lat, {move = false} = {}) {
  pin = [lon, lat];
  picked = null;
  remember();
  drawPin([feature({type: "Point", coordinates: pin})]);
  byId("panel").classList.add("gw-open");
  fill(byId("here"), h("p", {className: "gw-fine", role: "status"}, t("正在查询…", "Looking up …")));
  const found = await told(() => get(`/v1/here?lon=${lon}&lat=${lat}`));
  if (!found) { fill(byId("here"), nothing(t("没有查到这里的信息。", "Nothing could be looked up here."))); return; }
  const drawn = [feature({type: "Point", coordinates: pin})];
  const names = found.path.map((area) => area.name).join(" › ");
  const status = {
    inside: null,
    gap: t("此处没有网格（缝隙），请在地图上核对。", "No grid covers this place (a gap)."),
    outside: t("此处不在本市范围内。", "This place lies outside the city."),
  }[found.status];
  fill(byId("here"), h("h2", {}, found.grid ? found.grid.name : t("没有网格", "No grid")),
    status && h("p", {className: "gw-warning"}, status),
    h("dl", {className: "gw-facts"},
      names && row(t("所属", "Belongs to"), names),
      found.grid && row(t("网格编码", "Grid code"), h("code", {}, found.grid.code)),
      found.edge_distance_m !== null && row(t("距边界", "To the edge"), distance(found.edge_distance_m)),
      found.dedicated.length > 0 && row(t("专属网格", "Dedicated grid"), found.dedicated.map((area) => area.name).join("、")),
      row(t("责任单位", "Responsible"), found.responsible ? found.responsible.unit.name : t("未登记", "not registered")),
      found.responsible && row(t("责任人", "Person"), `${found.responsible.person.name}（${t(found.responsible.person.role_title_zh, found.responsible.person.role_title_en)}）`),
      found.nearest && row(t("最近区域", "Nearest area"), `${found.nearest.name}，${distance(found.nearest.distance_m)}`),
      row(t("坐标", "Position"), h("code", {}, `${lon.toFixed(6)}, ${lat.toFixed(6)}`))),
    h("h3", {}, t("附近的站点", "Stations nearby")),
    found.stations.length ? h("ul", {className: "gw-list"}, found.stations.map((station) => h("li", {},
      h("button", {type: "button", onclick: () => city.view.flyTo({center: [station.lon, station.lat], zoom: 15})},
        h("span", {}, station.name), h("small", {}, `${config.marks[station.kind] ? titled(config.marks[station.kind]) : station.kind} · ${distance(station.distance_m)}`)))))
      : nothing(t("20 公里内没有站点。", "There is no station within 20 km.")),
    h("p", {className: "gw-fine"}, t(`边界版本 ${found.boundary_revision}，距离为直线。`, `Boundary revision ${found.boundary_revision}; distances are straight.`)));
  for (const station of found.stations.slice(0, 3)) {
    drawn.push(feature({type: "LineString", coordinates: [pin, [station.lon, station.lat]]}));
  }
  drawPin(drawn);
  if (found.grid) {
    const area = await told(() => get(`/v1/areas/${encodeURIComponent(found.grid.code)}`));
    if (area && pin[0] === lon && pin[1] === lat) {
      drawPin([...drawn, area]);
      if (move) { city.fit([area]); }
    }
  }
}

// --- search -------------------------------------------------------------------------------------

async function search(text) {
  if (!text.trim()) { fill(byId("found")); return; }
  const asked = encodeURIComponent(text.trim());
  const [areas, places] = await Promise.all([
    told(() => all(`/v1/areas?q=${asked}&limit=8`, 8)),
    config.places ? told(() => get(`/v1/places?q=${asked}&limit=8`)).then((answer) => (answer ? answer.items : [])) : [],
  ]);
  if (byId("search").value !== text) { return; }
  const choices = [
    ...(areas || []).map((area) => ({name: area.name, what: `${t("区域", "area")} ${area.code}`, pick: () => pickArea(area.code)})),
    ...(places || []).filter((place) => place.lon !== null && place.lon !== undefined).map((place) => ({
      name: place.name || place.text, what: place.what || place.level || "", pick: () => { city.view.jumpTo({center: [place.lon, place.lat], zoom: 16}); here(place.lon, place.lat); },
    })),
  ];
  fill(byId("found"), choices.length ? choices.map((choice) => h("li", {},
    h("button", {type: "button", onclick: () => { fill(byId("found")); choice.pick(); }}, h("span", {}, choice.name), h("small", {}, choice.what))))
    : h("li", {}, nothing(t("没有找到。试试道路加门牌号、小区名或社区名。", "Nothing found. Try a road with a number, a compound or a community."))));
}

async function pickArea(code) {
  const area = await told(() => get(`/v1/areas/${encodeURIComponent(code)}`));
  if (!area) { return; }
  pin = null;
  picked = code;
  remember();
  drawPin([area]);
  city.fit([area]);
  fill(byId("here"), h("h2", {}, area.properties.name), h("dl", {className: "gw-facts"},
    row(t("编码", "Code"), h("code", {}, code)), row(t("级别", "Level"), area.properties.level),
    area.properties.households !== undefined && row(t("户数", "Households"), String(area.properties.households ?? "—"))));
}

byId("search").addEventListener("input", settled((event) => search(event.target.value)));
byId("search-form").addEventListener("submit", (event) => { event.preventDefault(); search(byId("search").value).then(() => byId("found").querySelector("button")?.focus()); });

// --- measure, share, print ----------------------------------------------------------------------

let measuring = null;

function drawLine() {
  const metres = measuring.reduce((sum, place, number) => (number ? sum + metresBetween(measuring[number - 1], place) : 0), 0);
  const points = measuring.map((place) => feature({type: "Point", coordinates: place}));
  drawMeasure(measuring.length > 1 ? [feature({type: "LineString", coordinates: measuring}), ...points] : points);
  byId("measured").textContent = measuring.length > 1 ? distance(metres) : t("依次点击地图上的点", "Click point after point");
}

byId("measure").addEventListener("click", (event) => {
  measuring = measuring ? null : [];
  event.currentTarget.setAttribute("aria-pressed", String(measuring !== null));
  byId("map").classList.toggle("gw-measuring", measuring !== null);
  byId("measured").textContent = measuring ? t("依次点击地图上的点", "Click point after point") : "";
  if (!measuring) { drawMeasure([]); }
});
byId("share").addEventListener("click", async () => {
  remember();
  try {
    await navigator.clipboard.writeText(location.href);
    say(t("链接已复制，打开即还原当前视图。", "Link copied: it restores this view."));
  } catch {
    say(t(`复制地址栏即可分享当前视图：${location.href}`, `Copy the address to share this view: ${location.href}`));
  }
});
byId("print").addEventListener("click", () => window.print());

city.view.on("click", (event) => {
  if (measuring) { measuring.push([event.lngLat.lng, event.lngLat.lat]); drawLine(); return; }
  here(event.lngLat.lng, event.lngLat.lat);
});
city.view.on("moveend", remember);
byId("map").addEventListener("keydown", (event) => {
  // the middle of the map stands for the pointer of people who use no mouse
  if (event.key === "Enter" && event.target === city.view.getCanvas()) { const centre = city.view.getCenter(); here(centre.lng, centre.lat); }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) { event.preventDefault(); byId("search").focus(); }
});

if (pin) { here(...pin); } else if (picked) { pickArea(picked); } else {
  fill(byId("here"), nothing(t("点击地图，查看那里归哪个网格、由谁负责、附近有哪些站点。", "Click the map to see which grid it is, who is responsible, and what is near."),
    t("键盘：移动地图后按回车，查询地图中心。", "Keyboard: move the map and press Enter to ask about its middle.")));
}
tour("browse", [
  ["search", t("找地方", "Find a place"), t("输入地址、小区或社区名，按 / 直接到这里。", "Type an address, a compound or a community; the / key brings you here.")],
  ["layers", t("开关图层", "Layers"), t("勾选要看的图层，颜色就是图例。", "Tick what you want to see; the colours are the legend.")],
  ["map", t("点一点", "Click"), t("点击地图上任意位置，看归属和责任人。", "Click anywhere to see whose it is.")],
]);
