// The list of requests, live: its rows are asked for again each second while somebody looks.
"use strict";

const rows = document.getElementById("requests");

async function renew() {
  if (document.visibilityState !== "visible") return;
  const answer = await fetch(rows.dataset.rows, { headers: { Accept: "text/html" } });
  if (answer.ok) rows.innerHTML = await answer.text();
}

setInterval(() => renew().catch(() => {}), 1000);
