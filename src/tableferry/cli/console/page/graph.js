// Draws the state graph: layers by the longest way from the start; ways back are dotted.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 220, HEIGHT = 34, ACROSS = 260, DOWN = 66, MARGIN = 24;
const SIGNS = { SUCCEEDED: "✓", RUNNING: "▶", FAILED: "✗", TIMED_OUT: "✗", ABORTED: "‖", AHEAD: "·", SKIPPED: "–" };

let drawnFor = "";

// Draws anew only when the shape changed, so that focus stays where it is; else colours alone.
export function showGraph(holder, graph, seen, chosen, onlyTaken, choose) {
  const byName = new Map(seen.map((state) => [state.name, state]));
  const shown = graph.states.filter((state) => !onlyTaken || byName.get(state.name)?.entered);
  const shape = shown.map((state) => state.name).join();
  if (shape !== drawnFor || !holder.firstChild) {
    drawnFor = shape;
    holder.replaceChildren(draw(graph.start, shown, choose));
  }
  for (const node of holder.querySelectorAll(".state")) {
    const state = byName.get(node.dataset.name);
    const status = state?.status ?? "AHEAD";
    node.setAttribute("class", `state ${status}`);
    node.setAttribute("aria-pressed", String(node.dataset.name === chosen));
    const words = [state?.name, state?.type, status];
    if (state?.failedAttempts) words.push(`${state.failedAttempts} failed attempts`);
    node.setAttribute("aria-label", words.join(", "));
    node.querySelector("text").textContent = `${SIGNS[status] ?? "·"} ${node.dataset.name}`;
  }
}

function draw(start, states, choose) {
  const places = layout(start, states);
  const wide = Math.max(1, ...[...places.values()].map((place) => place.column + 1));
  const high = Math.max(1, ...[...places.values()].map((place) => place.layer + 1));
  const svg = element("svg", { width: wide * ACROSS + 2 * MARGIN, height: high * DOWN + 2 * MARGIN });
  const marker = element("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" });
  marker.append(element("path", { d: "M0 0L8 4L0 8Z" }));
  svg.append(marker);
  for (const state of states) {
    for (const next of state.next) {
      if (places.has(next)) svg.append(edge(places.get(state.name), places.get(next)));
    }
  }
  for (const state of states) svg.append(node(state, places.get(state.name), choose));
  return svg;
}

function node(state, place, choose) {
  const group = element("g", { class: "state", tabindex: 0, role: "button", transform: `translate(${left(place)} ${top(place)})` });
  group.dataset.name = state.name;
  const title = element("title", {});
  title.textContent = state.comment || state.type;
  const text = element("text", { x: 10, y: 22 });
  const rounded = state.type === "Choice" ? 16 : 4;
  group.append(title, element("rect", { width: WIDTH, height: HEIGHT, rx: rounded }), text);
  group.addEventListener("click", () => choose(state.name));
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(state.name);
    }
  });
  return group;
}

function edge(from, to) {
  const isBack = to.layer <= from.layer;
  const x1 = left(from) + (isBack ? WIDTH : WIDTH / 2), y1 = top(from) + (isBack ? HEIGHT / 2 : HEIGHT);
  const x2 = left(to) + (isBack ? WIDTH : WIDTH / 2), y2 = top(to) + (isBack ? HEIGHT / 2 : 0);
  const bend = isBack ? `C${x1 + 40} ${y1} ${x2 + 40} ${y2}` : `C${x1} ${y1 + 24} ${x2} ${y2 - 24}`;
  return element("path", { d: `M${x1} ${y1}${bend} ${x2} ${y2}`, class: isBack ? "back" : "edge", "marker-end": "url(#arrow)" });
}

const left = (place) => MARGIN + place.column * ACROSS;
const top = (place) => MARGIN + place.layer * DOWN;

function layout(start, states) {
  const next = new Map(states.map((state) => [state.name, state.next]));
  const order = [], entered = new Set(), forward = new Map();
  const visit = (name, way) => {
    entered.add(name);
    way.add(name);
    const ahead = next.get(name).filter((each) => next.has(each) && !way.has(each));
    forward.set(name, ahead);
    for (const each of ahead) if (!entered.has(each)) visit(each, way);
    way.delete(name);
    order.unshift(name);
  };
  for (const name of [start, ...next.keys()]) if (next.has(name) && !entered.has(name)) visit(name, new Set());
  const layers = new Map(order.map((name) => [name, 0]));
  for (const name of order) {
    for (const each of forward.get(name)) layers.set(each, Math.max(layers.get(each), layers.get(name) + 1));
  }
  const filled = new Map(), places = new Map();
  for (const { name } of states) {
    const layer = layers.get(name), column = filled.get(layer) ?? 0;
    filled.set(layer, column + 1);
    places.set(name, { layer, column });
  }
  return places;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
