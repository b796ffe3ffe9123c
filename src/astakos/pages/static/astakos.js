// Makes pages nicer; they work without it. Times in the reader's zone, copying, second clicks, and the menu.
(function () {
  "use strict";

  const timeZone = document.documentElement.dataset.zone;
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone });
  const precise = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long", timeZone });

  function localize(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      if (!("relative" in time.dataset)) time.textContent = full.format(moment);
      time.title = precise.format(moment) + " (" + time.dateTime + ")";
      time.dataset.local = "";
    }
    for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = !navigator.clipboard;
    for (const all of root.querySelectorAll("input[data-select-all]")) all.parentElement.hidden = false;
  }

  async function copy(button) {
    const label = button.firstChild;
    const before = label.textContent;
    if (button.dataset.busy !== undefined) return;
    button.dataset.busy = "";
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Not copied";
    }
    setTimeout(function () {
      label.textContent = before;
      delete button.dataset.busy;
    }, 1500);
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button);
    const all = event.target.closest("input[data-select-all]");
    if (all) {
      for (const box of all.form.querySelectorAll("input[name^='" + all.dataset.selectAll + "']")) {
        box.checked = all.checked;
      }
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  // The answer to the first click would be lost with the second, and with it a secret that is shown once.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if ("sent" in form.dataset) event.preventDefault();
    form.dataset.sent = "";
    setTimeout(function () {
      delete form.dataset.sent;
    }, 10000);
  });
  window.addEventListener("pageshow", function () {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
  document.addEventListener("htmx:afterSwap", function (event) {
    localize(event.detail.elt.parentElement || document);
  });
  localize(document);
})();
