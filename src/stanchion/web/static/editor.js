// Makes every field of a script an editor: line numbers, colours, and what the lint says, line by line, as you type.
// The field itself stays and is sent with its form; without this file it is all there is. The editor lives in a shadow
// root, where its style sheets are adopted, which the strict policy of the page lets pass; the page's own colours reach
// it as variables. Tab leaves it, as it leaves any field.
"use strict";

const { EditorView, EditorState, HighlightStyle, StreamLanguage, basicSetup, indentUnit, lintGutter, linter,
  shell, syntaxHighlighting, tags } = CodeMirror;

const look = EditorView.theme({
  "&": { background: "var(--surface)", color: "var(--text)", border: "1px solid var(--quiet)", borderRadius: ".35rem",
    fontSize: ".9rem", maxHeight: "70vh" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", minHeight: "12rem" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { background: "var(--ground)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { background: "color-mix(in srgb, var(--ground) 60%, transparent)" },
  ".cm-activeLineGutter": { background: "var(--line)", color: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { background: "var(--busy-ground) !important" },
  ".cm-selectionMatch": { background: "var(--warning-ground)" },
  ".cm-panels, .cm-tooltip": { background: "var(--surface)", color: "var(--text)", border: "1px solid var(--line)" },
  ".cm-panel input, .cm-panel button": { background: "var(--surface)", color: "var(--text)",
    border: "1px solid var(--quiet)", font: "inherit" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warning)" },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--busy)", fontWeight: "600" },
  { tag: [tags.comment, tags.meta], color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.definition(tags.variableName), tags.special(tags.variableName), tags.attributeName, tags.number],
    color: "var(--warning)" },
  { tag: [tags.standard(tags.variableName), tags.operator], color: "var(--link)" },
]);

// Typing over several chosen lines, Chromium would join them with inline styles, which the policy of the page refuses.
const typing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || !event.data || view.composing || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true }));
    return true;
  },
});

async function ask(text) {
  try {
    const answer = await fetch("/v1/lint", { method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;  // the page says by itself that the connection is lost
  }
}

function found(report, doc) {
  const all = [...report.errors.map((message) => ({ severity: "error", message })),
    ...report.warnings.map((message) => ({ severity: "warning", message }))];
  return all.map(({ severity, message }) => {
    const number = Number(/^Line (\d+)/.exec(message)?.[1] ?? 1);
    const line = doc.line(Math.min(Math.max(number, 1), doc.lines));
    return { severity, message, from: line.from, to: line.to, line: line.number };
  });
}

function list(place, diagnostics, view) {
  place.replaceChildren(...diagnostics.map(({ severity, message, from }) => {
    const item = document.createElement("li"), go = document.createElement("button"), word = document.createElement("b");
    item.className = severity === "error" ? "bad-text" : "warning-text";
    word.textContent = severity === "error" ? "Error" : "Doubtful";
    go.type = "button";
    go.className = "plain";
    go.textContent = message;
    go.addEventListener("click", () => {
      view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
      view.focus();
    });
    item.append(word, " ", go);
    return item;
  }));
  if (!diagnostics.length && view.state.doc.length) {
    const item = document.createElement("li");
    item.className = "good-text";
    item.textContent = "The lint has nothing to say against it.";
    place.append(item);
  }
}

function findings(field) {
  const known = document.querySelector(`[data-findings="${CSS.escape(field.name)}"]`);
  if (known) return known;
  const place = document.createElement("ol");
  place.className = "findings";
  place.setAttribute("aria-label", "What the lint says");
  place.setAttribute("aria-live", "polite");
  return place;
}

// Who goes elsewhere with a script half edited is asked first.
function warn(field) {
  const shown = field.value;
  let sent = false;
  field.form?.addEventListener("submit", () => { sent = true; });
  addEventListener("pageshow", () => { sent = false; });
  addEventListener("beforeunload", (event) => { if (!sent && field.value !== shown) event.preventDefault(); });
}

function upgrade(field) {
  const host = document.createElement("div"), place = findings(field);
  host.className = "editor";
  field.after(host);
  if (!place.isConnected) host.after(place);
  const root = host.attachShadow({ mode: "open" });
  const label = field.labels?.[0];
  const lint = linter(async (view) => {
    const doc = view.state.doc, report = doc.toString().trim() ? await ask(doc.toString()) : { errors: [], warnings: [] };
    if (report === null || view.state.doc !== doc) return [];
    const diagnostics = found(report, doc);
    list(place, diagnostics, view);
    return diagnostics;
  }, { delay: 500 });
  const view = new EditorView({
    parent: root, root,
    state: EditorState.create({ doc: field.value, extensions: [
      basicSetup, typing, look, syntaxHighlighting(colours), StreamLanguage.define(shell), lint, lintGutter(),
      EditorState.tabSize.of(4), indentUnit.of("    "), EditorState.readOnly.of(field.readOnly),
      EditorView.contentAttributes.of({ "aria-label": label?.textContent.trim() || "script", "spellcheck": "false", "tabindex": "0" }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        field.value = update.state.doc.toString();
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ] }),
  });
  field.hidden = true;
  warn(field);
  label?.addEventListener("click", (event) => { event.preventDefault(); view.focus(); });
  // What a browser puts back into the field when one comes back to the page is put into the editor, too.
  addEventListener("pageshow", () => {
    const doc = view.state.doc;
    if (doc.toString() !== field.value) view.dispatch({ changes: { from: 0, to: doc.length, insert: field.value } });
  });
}

for (const field of document.querySelectorAll("textarea[data-script]")) upgrade(field);
