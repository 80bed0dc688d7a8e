// The start form: examples, and what is wrong with the input while one types.

const PAUSE_MS = 250;
const byId = (id) => document.getElementById(id);

export function prepareForm(ask, started) {
  const spec = byId("spec");
  let timer = 0, turn = 0;

  async function validate() {
    const mine = ++turn;
    if (!spec.value.trim()) return show([], "");
    const answer = await ask("/api/validate", { text: spec.value });
    if (mine === turn && !answer.refusal) {
      show(answer.problems, answer.problems.length ? "" : "Valid.");
    }
  }

  function show(problems, verdict) {
    const count = problems.length;
    byId("verdict").textContent = count ? `${count} ${count === 1 ? "problem" : "problems"}:` : verdict;
    spec.setAttribute("aria-invalid", String(count > 0));
    byId("start").disabled = count > 0 || !spec.value.trim();
    byId("problems").replaceChildren(...problems.map(problemItem));
    showLines(problems);
  }

  // The numbers beside the text, with a mark where a problem is; the list says the same in words.
  function showLines(problems = []) {
    const marked = new Set(problems.map((problem) => problem.line));
    const lines = spec.value.split("\n").map((_text, index) => {
      const line = document.createElement("span");
      line.textContent = `${marked.has(index + 1) ? "✗ " : ""}${index + 1}\n`;
      line.className = marked.has(index + 1) ? "wrong" : "";
      return line;
    });
    byId("lines").replaceChildren(...lines);
    byId("lines").scrollTop = spec.scrollTop;
  }

  function problemItem(problem) {
    const item = document.createElement("li");
    const jump = document.createElement("button");
    jump.type = "button";
    jump.textContent = `${problem.path} (line ${problem.line})`;
    jump.addEventListener("click", () => select(problem.line));
    const found = problem.value === null ? "" : ` (found ${JSON.stringify(problem.value)})`;
    item.append(jump, ` ${problem.rule}${found}; ${problem.remedy}`);
    return item;
  }

  function select(line) {
    const lines = spec.value.split("\n");
    const begin = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    spec.focus();
    spec.setSelectionRange(begin, begin + (lines[line - 1] ?? "").length);
  }

  spec.addEventListener("scroll", () => { byId("lines").scrollTop = spec.scrollTop; });
  spec.addEventListener("input", () => {
    if (byId("lines").childElementCount !== spec.value.split("\n").length) showLines();
    clearTimeout(timer);
    timer = setTimeout(validate, PAUSE_MS);
  });

  byId("start-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("start").disabled = true;
    const answer = await ask("/api/start", { text: spec.value });
    if (answer.refusal) {
      show(answer.refusal.problems, "");
      byId("verdict").textContent = `${answer.refusal.cause}. ${answer.refusal.hint}`;
      byId("start").disabled = false;
    } else {
      byId("start").disabled = false;
      byId("verdict").textContent = "Started.";
      started(answer.arn);
    }
  });

  ask("/api/examples").then((answer) => {
    if (answer.refusal) return;
    const choices = [new Option("(choose one)", "")];
    for (const each of answer.examples) choices.push(new Option(each.name, each.text));
    byId("example").replaceChildren(...choices);
  });
  byId("example").addEventListener("change", (event) => {
    if (event.target.value) {
      spec.value = event.target.value;
      validate();
    }
  });
  byId("start").disabled = true;
}
