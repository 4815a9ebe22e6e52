// In development alone: this page loads itself again when what it is made of changes, takes changed
// style sheets without that, and shows what is broken.
(() => {
  "use strict";
  const events = new EventSource("/_dev/events");
  let gateway = "";

  // Never a form once more: what was sent stays sent.
  const again = () => location.replace(location.pathname + location.search);

  const show = (text) => {
    document.getElementById("dev-problem")?.remove();
    if (!text) return;
    const problem = document.createElement("pre");
    problem.id = "dev-problem";
    problem.textContent = text;
    document.body.append(problem);
  };

  const link = (href) => {
    const made = document.createElement("link");
    made.rel = "stylesheet";
    made.href = href;
    return made;
  };

  // The old one stays until the new one is there: nothing flickers.
  const swap = (old) => {
    const url = new URL(old.href);
    url.searchParams.set("v", `dev${Date.now()}`);
    const made = link(url);
    made.addEventListener("load", () => old.remove());
    old.after(made);
  };

  events.addEventListener("hello", (event) => {
    if (gateway && gateway !== event.data) again();
    gateway = event.data;
    document.documentElement.dataset.dev = "listening";
  });
  events.addEventListener("page", again);
  events.addEventListener("style", () => document.querySelectorAll('link[rel="stylesheet"]').forEach(swap));
  events.addEventListener("problem", (event) => show(event.data));
  document.head.append(link("/static/css/dev.css"));
})();
