// The way through all pages, as a person finds them: by their links.

import assert from "node:assert/strict";

// Of pages that differ in their data only, so many are looked at.
const OF_A_KIND = 3;
const PAGES = 60;

/** What kind of page it is: the address without the names and values in it. */
function kind(path) {
    const url = new URL(path, "http://here");
    const [, first = "", second] = url.pathname.split("/");
    const names = [...url.searchParams.keys()].filter((name) => first !== "causes" || name !== "shadow");
    return `/${first}${second === undefined ? "" : "/*"}?${names.sort().join("&")}`;
}

/** Opens each page that links lead to from `start`, and calls `look` while it is open. Resolves to the addresses. */
export async function walk(visitor, start, look) {
    const waiting = [start];
    const known = new Set(waiting);
    const kinds = new Map();
    const pages = [];
    while (waiting.length > 0) {
        const path = waiting.shift();
        const many = kinds.get(kind(path)) ?? 0;
        if (many >= OF_A_KIND) continue;
        kinds.set(kind(path), many + 1);
        assert.ok(pages.length < PAGES, `there are more than ${PAGES} kinds of pages: ${[...kinds.keys()].join(" ")}`);
        const answer = await visitor.open(path);
        const isPage = answer.headers()["content-type"].startsWith("text/html");
        if (!isPage) continue;
        pages.push(path);
        for (const link of await visitor.links()) {
            if (!known.has(link)) waiting.push(link);
            known.add(link);
        }
        await look(path, answer);
    }
    return pages;
}
