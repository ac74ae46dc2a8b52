// The browser, its visitors, and what the administration says of itself without a browser.

import { createRequire } from "node:module";
import { Visitor } from "./visitor.mjs";

const modules = createRequire(`${process.env.BROWSER_MODULES}/`);

/** What tests/run.sh has installed. */
export const installed = (name) => modules(name);

/** An administration under test, and the browser that looks at it. */
export class Site {
    static async open(values) {
        const address = new URL(values.base);
        // Names of strangers that lead to this machine. Nobody asks a name server.
        const names = ["evil.example", "rebound.example"].map((name) => `MAP ${name} ${address.hostname}`);
        const rules = [...names, "MAP * ~NOTFOUND", "EXCLUDE 127.*", "EXCLUDE localhost"].join(", ");
        const args = ["--disable-dev-shm-usage", `--host-resolver-rules=${rules}`];
        // Chromium's sandbox refuses to be root's.
        const isRoot = process.getuid() === 0;
        const browser = await installed("playwright-core").chromium.launch({
            executablePath: values.chromium,
            chromiumSandbox: !isRoot,
            args,
            timeout: 120_000,
        });
        return new Site(values, address.origin, browser);
    }

    constructor(values, base, browser) {
        Object.assign(this, { values, base, browser, visitors: [] });
    }

    /** Somebody with a browser of their own: no cookie, no history. Options are those of Playwright's newContext. */
    async visitor(options = {}) {
        const visitor = await Visitor.arrive(this.browser, this.base, options);
        this.visitors.push(visitor);
        return visitor;
    }

    async leave() {
        const visitors = this.visitors.splice(0);
        await Promise.all(visitors.map((visitor) => visitor.leave()));
    }

    async close() {
        await this.leave();
        await this.browser.close();
    }

    /** What a program gets, with the token where there is one. */
    async ask(path, method = "GET", body = undefined) {
        const headers = { "Content-Type": "application/json", Connection: "close" };
        if (this.values.token) headers.Authorization = `Bearer ${this.values.token}`;
        const answer = await fetch(this.base + path, { method, headers, body });
        const text = await answer.text();
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
        return text;
    }

    async json(path) {
        return JSON.parse(await this.ask(path));
    }

    /** The reports of all shadows that are compared. */
    async reports() {
        const said = await this.json("/api/report");
        return said.shadows ?? [said];
    }

    /** All that a click may change, and what was changed. Counts that go on by themselves are left out. */
    async state() {
        const { shadows } = await this.json("/api/shadows");
        const kept = shadows.map(({ name, paused, sample, changes }) => ({ name, paused, sample, changes }));
        const reports = await this.reports();
        const rules = reports.map(({ shadow, rules }) => [shadow, rules.map(({ hides, ...rule }) => rule)]);
        const causes = reports.map(({ shadow, causes }) => [shadow, causes.map(({ id, status }) => `${id} ${status}`)]);
        return { shadows: kept, rules, causes };
    }

    /** People ask the application for this and that, and all of it is compared. */
    async traffic() {
        const answered = async () => (await this.reports()).map((report) => report.requests.answered);
        const before = await answered();
        const targets = this.values.targets.split(" ");
        for (const target of targets) {
            const answer = await fetch(this.values.application + target, { redirect: "manual" });
            await answer.arrayBuffer();
        }
        await eventually("what was compared", async () => {
            const after = await answered();
            return after.every((count, at) => count >= before[at] + targets.length);
        });
    }

    async shadow(name) {
        const { shadows } = await this.json("/api/shadows");
        return shadows.find((shadow) => shadow.name === name);
    }
}

/** Looks until there is something to see. */
export async function eventually(what, look, limit = 60_000) {
    const end = Date.now() + limit;
    for (;;) {
        const seen = await look();
        if (seen) return seen;
        if (Date.now() > end) throw new Error(`never happened: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}
