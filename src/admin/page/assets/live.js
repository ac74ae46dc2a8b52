// Keeps an open page as it would be if it were opened now, without moving anything. Every few seconds the same address is
// asked for its regions, and those that changed are put in place. The page works without this.
"use strict";

const EVERY = 5000; // milliseconds
const body = document.body;

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Without a secure context the text is marked, so that it can be copied by hand.
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.textContent = "Marked: copy it by hand";
    }
  });
}

if (body.hasAttribute("data-live")) {
  const shown = new Map();
  const state = document.getElementById("live-state");
  let tag = "";
  let timer = 0;

  // What a person is about to use or to copy stays as it is.
  const isInUse = (region) => {
    const selection = getSelection();
    const isMarked = selection && !selection.isCollapsed && region.contains(selection.anchorNode);
    return isMarked || region.contains(document.activeElement);
  };

  const put = (regions) => {
    const unknown = [];
    for (const [id, text] of Object.entries(regions)) {
      const region = document.getElementById(id);
      if (!region) {
        unknown.push(id);
      } else if (shown.get(id) !== text && !isInUse(region)) {
        region.innerHTML = text;
        shown.set(id, text);
      }
    }
    tell(unknown.length);
  };

  // What is new has no place yet, and making one would move what is there.
  const tell = (count) => {
    const news = document.getElementById("news");
    if (!news || (count === 0) === (news.childElementCount === 0)) return;
    news.replaceChildren();
    if (count > 0) {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = "There are new causes, or their order has changed: show them";
      news.append(link);
    }
  };

  const renew = async () => {
    try {
      // By what it accepts, the first view is told from the list for programs.
      const headers = { "X-Shadowtee-Live": "1", Accept: "text/html, application/json" };
      if (tag) headers["If-None-Match"] = tag;
      const response = await fetch(location.href, { headers, cache: "no-store", redirect: "error" });
      if (response.status === 200) {
        tag = response.headers.get("ETag") || "";
        put(await response.json());
      }
      const isFine = response.status === 200 || response.status === 304;
      say(isFine ? "" : "This page is not renewed any more: open it again.");
    } catch {
      say("shadowtee does not answer; this is what it said last.");
    }
    plan();
  };

  const say = (text) => {
    if (state.textContent !== text) state.textContent = text;
  };

  // Nobody looks at a page that is hidden.
  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(renew, EVERY);
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : renew()));
  plan();
}
