// The page: asks the console's own server again and again, and shows what it says.

import { prepareForm } from "./form.js";
import { showGraph } from "./graph.js";

const EVERY_MS = 1000;
const byId = (id) => document.getElementById(id);
const view = { arn: "", state: "", mapRun: "", shown: null };
const token = takeToken();

// The token stands behind the #, so it was never sent; the address bar need not keep it.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token") ?? "";
}

// An execution has an `error` of its own: what the server refuses is a `refusal`.
async function ask(path, body) {
  const headers = { "X-Tableferry-Token": token };
  if (body) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
    const found = await answer.json();
    return answer.ok ? found : { refusal: found.error };
  } catch {
    return { refusal: { cause: "The console does not answer: is `tableferry local console` running?", hint: "", problems: [] } };
  }
}

function trouble(answer) {
  const text = answer.refusal ? `${answer.refusal.cause} ${answer.refusal.hint}` : "";
  setText("trouble", text);
  return Boolean(answer.refusal);
}

// What did not change is not touched: a screen reader would say it again, a selection would go.
function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function setRows(holder, key, make) {
  if (holder.dataset.shown === key) return;
  holder.dataset.shown = key;
  holder.replaceChildren(...make());
}

async function refresh() {
  const listed = await ask("/api/executions");
  if (!trouble(listed)) {
    setText("place", `stack ${listed.stack}, engine ${listed.endpoint}`);
    showExecutions(listed.executions);
    if (view.arn) await refreshExecution();
  }
}

async function refreshExecution() {
  const arn = view.arn;
  const found = await ask(`/api/execution?arn=${encodeURIComponent(arn)}`);
  if (arn !== view.arn || trouble(found)) return;
  view.shown = found;
  showExecution(found);
  if (view.mapRun) await refreshChildren();
}

async function refreshChildren() {
  const found = await ask(`/api/children?mapRun=${encodeURIComponent(view.mapRun)}`);
  if (trouble(found)) return;
  setRows(byId("children"), JSON.stringify(found.children), () => found.children.map(childItem));
}

function showExecutions(executions) {
  byId("no-executions").hidden = executions.length > 0;
  const list = byId("executions");
  const known = new Map([...list.children].map((item) => [item.dataset.arn, item]));
  const items = executions.map((each) => known.get(each.arn) ?? executionItem(each));
  if (items.some((item, index) => list.children[index] !== item)) list.replaceChildren(...items);
  for (const each of executions) {
    const item = items[executions.indexOf(each)];
    const badge = item.querySelector(".badge");
    if (badge.textContent !== each.status) badge.textContent = each.status;
    badge.className = `badge ${each.status}`;
    item.firstChild.setAttribute("aria-current", String(each.arn === view.arn));
  }
}

function executionItem(each) {
  const item = document.createElement("li"), button = document.createElement("button");
  const badge = document.createElement("span");
  item.dataset.arn = each.arn;
  button.type = "button";
  button.append(badge, ` ${each.name}, ${new Date(each.startedAt * 1000).toLocaleTimeString()}`);
  badge.className = "badge";
  button.addEventListener("click", () => chooseExecution(each.arn));
  item.append(button);
  return item;
}

function chooseExecution(arn) {
  Object.assign(view, { arn, state: "", mapRun: "", shown: null });
  byId("children-panel").hidden = true;
  refresh().then(() => byId("execution").focus());
}

function showExecution(found) {
  const running = found.executionStatus === "RUNNING";
  byId("chosen").hidden = false;
  setText("title", found.migrationId || found.executionArn);
  const redriven = found.redriveCount ? `, redriven ${found.redriveCount} times` : "";
  const current = found.states.find((state) => state.status === "RUNNING");
  const where = running && current ? `, in ${current.name}` : "";
  setText("status", `${found.status}${where}${redriven}`);
  byId("status").dataset.status = found.executionStatus;
  byId("stop").disabled = !running;
  byId("redrive").disabled = running || found.executionStatus === "SUCCEEDED";
  byId("approve").disabled = !(running && current?.name === "RequestApproval");
  setText("reason", running ? (found.reason ?? "") : "");
  byId("failure").hidden = !found.error;
  setText("error-name", found.error?.name ?? "");
  setText("error-cause", found.error?.cause ?? "");
  setText("error-hint", found.error?.hint ?? "");
  showGraph(byId("graph"), found.graph, found.states, view.state, byId("taken").checked, chooseState);
  showState(found);
  setRows(byId("progress").tBodies[0], JSON.stringify(found.maps), () => found.maps.map(progressRow));
  setRows(byId("maps").tBodies[0], JSON.stringify(found.mapRuns), () => found.mapRuns.map(mapRow));
}

function chooseState(name) {
  view.state = view.state === name ? "" : name;
  showExecution(view.shown);
}

function showState(found) {
  const seen = found.states.find((state) => state.name === view.state);
  const payload = found.payloads[view.state] ?? { input: "", output: "", error: "", cause: "" };
  const drawn = found.graph.states.find((state) => state.name === view.state);
  setText("state-title", seen ? `${seen.name}: ${seen.status}` : "Execution");
  setText("state-note", drawn?.comment ?? "");
  setText("state-input", seen ? pretty(payload.input) : JSON.stringify(found.input, null, 2));
  setText("state-output", pretty(seen ? payload.output : found.output));
  const error = seen ? [payload.error, pretty(payload.cause)] : [found.error?.name, found.error?.cause];
  setText("state-error", error.filter(Boolean).join("\n"));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function progressRow(work) {
  const { total, done, running, failed } = work.segments;
  const bar = document.createElement("progress");
  bar.max = total || 1;
  bar.value = done;
  bar.setAttribute("aria-label", `${work.work}: ${done} of ${total} segments`);
  const segments = document.createElement("span");
  segments.append(bar, ` ${done} of ${total}`);
  const errors = work.errors.map((each) => `${each.name} (${each.segments}): ${each.cause}`).join("\n");
  return row([work.work, segments, running, failed, work.items.toLocaleString(), work.itemsPerSecond ?? "", errors]);
}

function mapRow(run) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `Children of ${run.state}`;
  button.addEventListener("click", () => {
    view.mapRun = run.arn;
    byId("children-panel").hidden = false;
    setText("children-title", `Children of ${run.state}, failed ones first`);
    refreshChildren().then(() => byId("children-title").focus());
  });
  const { total, succeeded, running, pending, failed, aborted } = run.items;
  return row([run.state, run.status, total, succeeded, running, pending, failed, aborted, button]);
}

function childItem(child) {
  const item = document.createElement("li"), details = document.createElement("details");
  const summary = document.createElement("summary"), text = document.createElement("pre");
  const badge = document.createElement("span");
  badge.className = `badge ${child.status}`;
  badge.textContent = child.status;
  summary.append(badge, ` ${child.name} ${child.error}`);
  text.textContent = `input: ${pretty(child.input)}\noutput: ${pretty(child.output)}\n${child.error}\n${pretty(child.cause)}`;
  text.tabIndex = 0;
  details.open = child.status === "FAILED";
  details.append(summary, text);
  item.append(details);
  return item;
}

function row(cells) {
  const made = document.createElement("tr");
  for (const content of cells) made.insertCell().append(content);
  return made;
}

async function act(path) {
  const answer = await ask(path, { arn: view.arn });
  await refresh();
  trouble(answer);
}

byId("stop").addEventListener("click", () => act("/api/stop"));
byId("redrive").addEventListener("click", () => act("/api/redrive"));
byId("approve").addEventListener("click", () => act("/api/approve"));
byId("taken").addEventListener("change", () => view.shown && showExecution(view.shown));
prepareForm(ask, chooseExecution);

async function keepLooking() {
  if (!document.hidden) await refresh();
  setTimeout(keepLooking, EVERY_MS);
}
keepLooking();
