// Instants are entered in the zone of who looks, and sent in UTC. Without this script they are entered in UTC.
"use strict";

for (const input of document.querySelectorAll("input[data-instant]")) {
  const at = input.defaultValue ? new Date(`${input.defaultValue}Z`) : null;
  if (at && !isNaN(at)) input.value = new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  input.form.addEventListener("formdata", ({ formData }) => {
    const entered = input.value ? new Date(input.value) : null;
    formData.set(input.name, entered && !isNaN(entered) ? `${entered.toISOString().slice(0, 19)}Z` : "");
  });
}
for (const told of document.querySelectorAll("[data-zone]")) told.textContent = `(${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
