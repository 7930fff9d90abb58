// Says what a monitor configuration would do while it is entered. Without this file the sentence is that of what is
// saved, and a button asks for the other.
"use strict";

const units = { s: 1, min: 60, h: 3600 };

// What is no number is sent as it is, and refused with a sentence.
const number = (text) => (text.trim() && !isNaN(Number(text)) ? Number(text) : text);

function entered(form) {
  const seconds = (name) => {
    const given = number(form.elements[name].value.replace(",", "."));
    return typeof given === "number" ? given * units[form.elements[`${name}:unit`].value] : given;
  };
  return {
    resource: form.dataset.monitoring,
    monitoring: {
      enabled: form.elements.enabled.checked, interval_s: seconds("interval"), window_s: seconds("window"),
      max_failures: number(form.elements.max_failures.value), action: form.elements.action.value,
    },
  };
}

async function tell(form, place) {
  const sent = JSON.stringify(entered(form));
  let said;
  try {
    const answer = await fetch("/v1/monitoring/describe", { method: "POST", body: sent,
      headers: { "content-type": "application/json" } });
    said = await answer.json();
    if (!answer.ok) said = { text: "", faults: [said.detail] };
  } catch {
    return;  // the page says by itself that the connection is lost
  }
  if (sent !== JSON.stringify(entered(form))) return;
  const bad = said.faults.length > 0;
  place.textContent = bad ? said.faults.join(", and ") : said.text;
  place.className = `notice ${bad ? "bad" : form.elements.enabled.checked ? "good" : "warning"}`;
}

for (const form of document.querySelectorAll("form[data-monitoring]")) {
  const place = document.getElementById("sentence");
  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => tell(form, place), 300);
  });
}
